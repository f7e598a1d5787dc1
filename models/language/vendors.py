"""The providers that there is a key for."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from configs.errors import NightquestError
from configs.language import VENDORS, LanguageModels
from configs.language import Vendor as VendorName
from configs.settings import PREFIX, Settings
from models.language.vendor import Vendor


def open_vendors(
    settings: Settings, wanted: Iterable[VendorName] | None = None, models: LanguageModels | None = None
) -> dict[VendorName, Vendor]:
    """The wanted providers, or all that there is a key for. No connection is made yet.

    Raises:
        NightquestError: A wanted one has no key; a key or an address cannot be one.
    """
    models = models or settings.priced_models()
    keys = {"openai": settings.openai_api_key, "anthropic": settings.anthropic_api_key}
    named = [name for name in VENDORS if keys[name]] if wanted is None else list(dict.fromkeys(wanted))
    opened: dict[VendorName, Vendor] = {}
    for name in named:
        secret = keys[name]
        key = secret.get_secret_value().strip() if secret else ""
        if not key:
            raise NightquestError(
                f"There is no key for {name}.",
                f"Set {PREFIX}{name.upper()}_API_KEY, or write with another provider or offline.",
            )
        if not key.isascii() or not key.isprintable() or " " in key:
            raise NightquestError(
                f"{PREFIX}{name.upper()}_API_KEY holds characters that no key has.",
                "Copy the key anew: it is letters, digits, dashes and underscores.",
            )
        opened[name] = _open(name, key, settings, models)
    return opened


def _checked(url: str | None, name: VendorName) -> str | None:
    variable = f"{PREFIX}{name.upper()}_BASE_URL"
    try:
        parts = urlsplit(url or "")
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if url is not None and not fits:
        raise NightquestError(
            f"{variable} is '{url}', which is no address.", "It begins with https:// or http:// and names a host."
        )
    return url


def _open(name: VendorName, key: str, settings: Settings, models: LanguageModels) -> Vendor:
    # An SDK takes a second to import: only that of a provider that is used.
    if name == "openai":
        from models.language.openai import OpenAI  # noqa: PLC0415

        url = _checked(settings.openai_base_url, name)
        return OpenAI(key, models, settings.answer_timeout_s, base_url=url, api=settings.openai_api)
    from models.language.anthropic import Anthropic  # noqa: PLC0415

    url = _checked(settings.anthropic_base_url, name)
    return Anthropic(key, models, settings.answer_timeout_s, base_url=url)
