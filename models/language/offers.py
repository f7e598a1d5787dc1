"""What the providers sell and which of it the settings choose: their models and prices, keys and addresses.

A price list is read without its provider's file, whose SDK takes a second to load.
"""

import logging
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

from pydantic import ValidationError

from configs.errors import NightquestError
from configs.language import LanguageModels, Offer, Price
from configs.rooms import only_class
from configs.settings import PREFIX, Settings
from configs.yaml_file import read_yaml
from models.language import providers
from models.language.providers import provider_names
from models.language.providers.provider import Provider

_log = logging.getLogger(f"nightquest.{__name__}")


def names_with_key(settings: Settings) -> tuple[str, ...]:
    """The providers that the settings hold a key for, in their places' order; those whose file cannot be used too."""
    told = settings.of_providers
    in_order = dict.fromkeys([*_offers(), *provider_names()])
    return tuple(name for name in in_order if told.get(name, {}).get("api_key"))


def find_faults(names: Iterable[str]) -> dict[str, str]:
    """Why providers cannot be hired, by name: a sentence with a remedy for each bad file or price list."""
    found: dict[str, str] = {}
    for name in names:
        try:
            find_offer(name)
            load_provider(name)
        except NightquestError as error:
            found[name] = str(error)
            _log.warning("%s", error, exc_info=error)
    return found


def language_models() -> LanguageModels:
    """The models of all price lists."""
    offered = [offer.models for offer in _offers().values()]
    return LanguageModels(models={name: model for models in offered for name, model in models.items()})


def chosen_models(settings: Settings) -> dict[str, str]:
    """The model of each provider: the one set, else that of its price list."""
    offered = {name: offer.model for name, offer in _offers().items()}
    return offered | {name: told["model"] for name, told in settings.of_providers.items() if "model" in told}


def priced_models(settings: Settings, prices: Mapping[str, Price] | None = None) -> LanguageModels:
    """The language models with their prices: of the providers' lists, then the app file's, then the settings'.

    Args:
        settings: Chosen models, prices, ceiling.
        prices: The app file's.

    Raises:
        NightquestError: A price does not say whose model it is for, or names a provider that does not exist.
    """
    chosen, given = chosen_models(settings), {**(prices or {}), **settings.prices}
    for model, price in given.items():
        if price.provider is not None and price.provider not in provider_names():
            there = f"which is no provider; the providers are {', '.join(provider_names())}"
            raise NightquestError(f"The price of '{model}' is one of '{price.provider}', {there}.")
    models = language_models().with_prices(given, chosen)
    return models.with_ceiling(settings.price_ceiling_usd, chosen)


def open_providers(
    settings: Settings, wanted: Iterable[str] | None = None, models: LanguageModels | None = None
) -> dict[str, Provider]:
    """The wanted providers, or all that there is a key for. No connection is made yet.

    Args:
        settings: Keys, addresses and patience.
        wanted: Names; None leaves out, with a warning in the log, one whose file cannot be used.
        models: Their prices; None is as the settings say.

    Raises:
        NightquestError: A wanted one has no key or cannot be loaded.
    """
    names = list(dict.fromkeys(names_with_key(settings) if wanted is None else wanted))
    models, told = models or priced_models(settings), settings.of_providers
    if lacking := next((name for name in names if not told.get(name, {}).get("api_key")), None):
        raise NightquestError(
            f"There is no key for {lacking}.",
            f"Set {PREFIX}{lacking.upper()}_API_KEY, or write with another provider or offline.",
        )
    faults = find_faults(names)
    if wanted is not None and faults:
        raise NightquestError(next(iter(faults.values())))
    return {name: _open(name, told[name], models, settings.answer_timeout_s) for name in names if name not in faults}


def _open(name: str, told: Mapping[str, str], models: LanguageModels, timeout_s: float) -> Provider:
    chosen = {"api": told["api"]} if "api" in told else {}
    return load_provider(name)(told["api_key"], models, timeout_s, base_url=told.get("base_url"), **chosen)


def load_provider(name: str) -> type[Provider]:
    """The class of a provider's file.

    Raises:
        NightquestError: The file cannot be loaded, or holds no provider of that name.
    """
    package = providers.__name__
    try:
        return only_class(name, import_module(f"{package}.{name}"), Provider, "name")  # type: ignore[type-abstract]
    except Exception as error:
        raise NightquestError(
            f"The provider {name} cannot be hired: {type(error).__name__}: {error}.",
            f"Mend {package.replace('.', '/')}/{name}.py, or unset {PREFIX}{name.upper()}_API_KEY.",
        ) from error


def find_offer(name: str) -> Offer:
    """A provider's price list, `<name>.yaml` beside its file.

    Raises:
        NightquestError: There is none, or it cannot be used.
    """
    for folder in providers.__path__:
        if (path := Path(folder, f"{name}.yaml")).is_file():
            return _read(name, path)
    raise NightquestError(f"The provider {name} has no price list.", f"Write {name}.yaml beside its file.")


@cache
def _read(name: str, path: Path) -> Offer:
    try:
        return Offer.model_validate(read_yaml(path).content).of(name)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise NightquestError(f"The price list {path}: {where}: {first['msg']}.", "Correct it.") from None


def _offers() -> dict[str, Offer]:
    """The price lists that can be used, in their places' order."""
    found = {}
    for name in provider_names():
        try:
            found[name] = find_offer(name)
        except NightquestError as error:
            _log.warning("%s", error)
    return dict(sorted(found.items(), key=lambda one: (one[1].place, one[0])))
