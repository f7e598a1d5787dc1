"""The providers that there is a key for."""

from collections.abc import Iterable

from configs.errors import NightquestError
from configs.language import VENDORS, LanguageModels, language_models
from configs.language import Vendor as VendorName
from configs.settings import PREFIX, Settings
from models.language.vendor import Vendor


def open_vendors(
    settings: Settings, wanted: Iterable[VendorName] | None = None, models: LanguageModels | None = None
) -> dict[VendorName, Vendor]:
    """The wanted providers, or all that there is a key for. No connection is made yet.

    Raises:
        NightquestError: A wanted one has no key.
    """
    models = models or language_models()
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
        opened[name] = _open(name, key, settings, models)
    return opened


def _open(name: VendorName, key: str, settings: Settings, models: LanguageModels) -> Vendor:
    # An SDK takes a second to import: only that of a provider that is used.
    if name == "openai":
        from models.language.openai import OpenAI  # noqa: PLC0415

        url = settings.openai_base_url
        return OpenAI(key, models, settings.answer_timeout_s, base_url=url, api=settings.openai_api)
    from models.language.anthropic import Anthropic  # noqa: PLC0415

    return Anthropic(key, models, settings.answer_timeout_s, base_url=settings.anthropic_base_url)
