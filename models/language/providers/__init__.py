"""The providers that there is a key for, found by the files of this folder: `<name>.py` holds the one of that name.

A new provider is one new file with a `Provider` (provider.py) in it. Its key, and an address other than its own, are
the settings `<name>_api_key` and `<name>_base_url`.
"""

import importlib
import logging
from collections.abc import Iterable
from urllib.parse import urlsplit

from pydantic import SecretStr

from configs.errors import NightquestError
from configs.language import LanguageModels
from configs.rooms import names_in
from configs.settings import PREFIX, Settings
from models.language.providers.provider import Provider

_SHARED = frozenset({"answers", "provider", "sdk"})  # what the files of providers have in common
_log = logging.getLogger(__name__)


def provider_names(package: str = __name__) -> list[str]:
    """The providers that a package has a file for, in order of name; none is loaded."""
    return names_in(package, _SHARED)


def open_providers(
    settings: Settings,
    wanted: Iterable[str] | None = None,
    models: LanguageModels | None = None,
    *,
    package: str = __name__,
) -> dict[str, Provider]:
    """The wanted providers, or all that there is a key for. No connection is made yet.

    Args:
        settings: Keys, addresses and patience.
        wanted: Names; None leaves out, with a warning in the log, one whose file cannot be loaded.
        models: Their prices; None is as the settings say.
        package: Whose files are looked through.

    Raises:
        NightquestError: A wanted one has no key or cannot be loaded; a key or an address cannot be one.
    """
    models = models or settings.priced_models()
    # An SDK takes a second to import: only that of a provider that is used.
    names = [name for name in provider_names(package) if _key(settings, name)] if wanted is None else wanted
    opened: dict[str, Provider] = {}
    for name in dict.fromkeys(names):
        key, base_url = _checked_key(settings, name), _checked_url(settings, name)
        try:
            kind = _load(name, package)
        except NightquestError as error:
            if wanted is not None:
                raise
            _log.warning("%s", error, exc_info=error)
            continue
        opened[name] = kind.of(settings, key, models, base_url)
    return opened


def _load(name: str, package: str) -> type[Provider]:
    """The class of a provider's file."""
    try:
        module = importlib.import_module(f"{package}.{name}")
    except Exception as error:
        raise NightquestError(
            f"The file of the provider {name} cannot be loaded: {type(error).__name__}: {error}.",
            f"Mend {package.replace('.', '/')}/{name}.py, or unset {PREFIX}{name.upper()}_API_KEY.",
        ) from error
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Provider)]
    for kind in kinds:
        if kind.__module__ == module.__name__ and getattr(kind, "name", None) == name:
            return kind
    raise NightquestError(f"{name}.py holds no provider of the name {name}.", f'Give its class `name = "{name}"`.')


def _key(settings: Settings, name: str) -> str:
    secret: SecretStr | None = getattr(settings, f"{name}_api_key", None)
    return secret.get_secret_value().strip() if secret else ""


def _checked_key(settings: Settings, name: str) -> str:
    key, variable = _key(settings, name), f"{PREFIX}{name.upper()}_API_KEY"
    if not key:
        raise NightquestError(
            f"There is no key for {name}.", f"Set {variable}, or write with another provider or offline."
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise NightquestError(
            f"{variable} holds characters that no key has.",
            "Copy the key anew: it is letters, digits, dashes and underscores.",
        )
    return key


def _checked_url(settings: Settings, name: str) -> str | None:
    url: str | None = getattr(settings, f"{name}_base_url", None)
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
    return url
