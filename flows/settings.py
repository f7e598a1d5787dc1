"""The settings as every flow and command reads them, those of providers of language models checked as well."""

from pathlib import Path
from urllib.parse import urlsplit

from configs.errors import NightquestError
from configs.settings import PREFIX, Settings, load_settings
from models.language.offers import find_offer
from models.language.providers import provider_names
from pipelines.engines import engine_names


def read_settings(home: Path | None = None) -> Settings:
    """Read the settings; `home` wins over the environment.

    Raises:
        NightquestError: A NIGHTQUEST_ variable is unknown, its value is not allowed, or it is for no provider.
    """
    return check_settings(load_settings(home))


def check_settings(settings: Settings) -> Settings:
    """The settings, once the engine and what is set for providers have been checked.

    Raises:
        NightquestError: There is no such engine or provider, or a key, an address, a model or an API cannot be right.
    """
    if settings.engine not in (engines := engine_names()):
        raise NightquestError(
            f"{PREFIX}ENGINE is '{settings.engine}', and there is no such engine.", f"Use {' or '.join(engines)}."
        )
    for name, told in settings.of_providers.items():
        if name not in provider_names():
            variable = f"{PREFIX}{name.upper()}_{next(iter(told)).upper()}"
            raise NightquestError(
                f"The environment variable {variable} is not a setting: there is no provider {name}.",
                f"Unset it; the providers are {', '.join(provider_names())}.",
            )
        _check_key(name, told.get("api_key", ""))
        _check_url(name, told.get("base_url"))
        if "model" in told and not told["model"]:
            raise NightquestError(f"{PREFIX}{name.upper()}_MODEL is empty.", f"Name a model of {name}, or unset it.")
        if "api" in told and told["api"] not in (apis := find_offer(name).apis):
            raise NightquestError(
                f"{PREFIX}{name.upper()}_API is '{told['api']}', and {name} has no such way to ask.",
                f"Set it to {' or '.join(apis)}." if apis else "Unset it.",
            )
    return settings


def _check_key(name: str, key: str) -> None:
    if not key.isascii() or (key and not key.isprintable()) or " " in key:
        raise NightquestError(
            f"{PREFIX}{name.upper()}_API_KEY holds characters that no key has.",
            "Copy the key anew: it is letters, digits, dashes and underscores.",
        )


def _check_url(name: str, url: str | None) -> None:
    try:
        parts = urlsplit(url or "")
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if url is not None and not fits:
        raise NightquestError(
            f"{PREFIX}{name.upper()}_BASE_URL is '{url}', which is no address.",
            "It begins with https:// or http:// and names a host.",
        )
