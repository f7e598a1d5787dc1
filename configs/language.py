"""Which language models there are, what they cost, and how much may be asked of them until they say so themselves."""

import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from configs.errors import NightquestError
from configs.part import Part
from configs.yaml_file import read_yaml

LANGUAGE = Path(__file__).parent / "language.yaml"
Vendor = Literal["openai", "anthropic"]
VENDORS: tuple[Vendor, ...] = ("openai", "anthropic")
# A new price of input is the price of what goes with it, too.
_OF_NEW_PRICE = {"cached_input_usd": None, "cache_write_usd": None}


class Price(Part):
    """What a million tokens of a model cost in US dollars, given where the model is chosen."""

    provider: Vendor | None = Field(None, description="Needed for a model that is neither known nor chosen.")
    input_usd: float = Field(ge=0)
    output_usd: float = Field(ge=0, description="Reasoning tokens are output.")
    cached_input_usd: float | None = Field(None, ge=0, description="Default is the price of input.")
    cache_write_usd: float | None = Field(None, ge=0, description="Default is the price of input.")
    batch_share: float | None = Field(None, gt=0, le=1, description="What a batch costs of the price; default all.")
    structured: bool | None = Field(None, description="False for models that cannot be held to a JSON Schema.")


class LanguageModel(Part):
    """A model of a provider: prices in US dollars per million tokens, and where its limits start."""

    provider: str
    input_usd: float = Field(ge=0)
    output_usd: float = Field(ge=0, description="Reasoning tokens are output.")
    cached_input_usd: float | None = Field(None, ge=0, description="Default is the price of input.")
    cache_write_usd: float | None = Field(None, ge=0, description="Default is the price of input.")
    batch_share: float = Field(1, gt=0, le=1, description="What a batch costs of the price.")
    effort: Literal["none", "minimal", "low", "medium", "high"] | None = Field(
        None, description="Reasoning effort that is asked for; none given for models that have none."
    )
    requests_per_minute: int = Field(50, ge=1, description="Until the provider's headers say otherwise.")
    tokens_per_minute: int = Field(50_000, ge=1, description="Until the provider's headers say otherwise.")
    structured: bool = Field(
        default=True, description="False for models that cannot be held to a JSON Schema: it is told in the prompt."
    )
    assumed: bool = Field(default=False, description="Its price is not known but counted at a ceiling.")


class VendorDefaults(Part):
    """What a provider is used with when the settings say nothing."""

    model: str
    key_prefix: str = ""


class LanguageModels(Part):
    """The whole of configs/language.yaml."""

    providers: dict[Vendor, VendorDefaults]
    models: dict[str, LanguageModel]

    @model_validator(mode="after")
    def _defaults_have_prices(self) -> "LanguageModels":
        for vendor, defaults in self.providers.items():
            model = self.models.get(defaults.model)
            if model is None or model.provider != vendor:
                raise ValueError(f"providers.{vendor}.model: '{defaults.model}' is not one of the models of {vendor}")
        return self

    def priced(self, name: str, vendor: str) -> LanguageModel:
        """A model with its prices.

        Raises:
            NightquestError: It has no price, so that what it costs could not be bounded; or it is another provider's.
        """
        found = self.models.get(name)
        if found is None:
            near = difflib.get_close_matches(name, self.models, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            given = f'{{"{name}": {{"input_usd": 1.25, "output_usd": 5}}}}'
            raise NightquestError(
                f"The model '{name}' has no price, and nothing is bought at an unknown one.{hint}",
                f"Give it in US dollars per million tokens, from {vendor}'s price page: NIGHTQUEST_PRICES='{given}', "
                "or under content.prices of the app file; or let it count at the most that it may cost: "
                "NIGHTQUEST_PRICE_CEILING_USD=100.",
            )
        if found.provider != vendor:
            raise NightquestError(
                f"The model '{name}' is one of {found.provider}, not of {vendor}.",
                f"Set NIGHTQUEST_{vendor.upper()}_MODEL to a model of {vendor}.",
            )
        return found

    def with_prices(self, prices: Mapping[str, Price], chosen: Mapping[Vendor, str]) -> "LanguageModels":
        """These models, with prices given elsewhere over their own.

        Args:
            prices: By model; what one leaves out stays as it is, or has its default.
            chosen: The model chosen of each provider: it is that provider's.

        Raises:
            NightquestError: Nothing says whose a model is.
        """
        models = dict(self.models)
        for name, price in prices.items():
            told = price.model_dump(exclude_none=True)
            known = models.get(name)
            if known is None and price.provider is None:
                owner = next((vendor for vendor, model in chosen.items() if model == name), None)
                if owner is None:
                    raise NightquestError(
                        f"The price of the model '{name}' does not say whose model it is.",
                        f"Add its provider: {' or '.join(VENDORS)}.",
                    )
                told["provider"] = owner
            base = known.model_dump() | _OF_NEW_PRICE if known else {}
            models[name] = LanguageModel.model_validate(base | told)
        return self.model_copy(update={"models": models})

    def with_ceiling(self, ceiling_usd: float | None, chosen: Mapping[Vendor, str]) -> "LanguageModels":
        """These models, and the chosen ones whose price is not known at so many dollars per million tokens."""
        if ceiling_usd is None:
            return self
        assumed = {
            name: LanguageModel(provider=vendor, input_usd=ceiling_usd, output_usd=ceiling_usd, assumed=True)
            for vendor, name in chosen.items()
            if name not in self.models
        }
        return self.model_copy(update={"models": self.models | assumed})


@cache
def language_models() -> LanguageModels:
    """Read configs/language.yaml once.

    Raises:
        AppFileError: The file is missing or not YAML.
    """
    return LanguageModels.model_validate(read_yaml(LANGUAGE).content)
