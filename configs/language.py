"""Which language models there are, what they cost, and how much may be asked of them until they say so themselves."""

import difflib
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from configs.app import Part
from configs.errors import NightquestError
from configs.yaml_file import read_yaml

LANGUAGE = Path(__file__).parent / "language.yaml"
Vendor = Literal["openai", "anthropic"]
VENDORS: tuple[Vendor, ...] = ("openai", "anthropic")


class LanguageModel(Part):
    """A model of a provider: prices in US dollars per million tokens, and where its limits start."""

    provider: Vendor
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
            raise NightquestError(
                f"The model '{name}' has no price in {LANGUAGE.name}, and nothing is bought at an unknown price.{hint}",
                f"Add it under models of {LANGUAGE}, with input_usd and output_usd from {vendor}'s price page.",
            )
        if found.provider != vendor:
            raise NightquestError(
                f"The model '{name}' is one of {found.provider}, not of {vendor}.",
                f"Set NIGHTQUEST_{vendor.upper()}_MODEL to a model of {vendor}.",
            )
        return found


@cache
def language_models() -> LanguageModels:
    """Read configs/language.yaml once.

    Raises:
        AppFileError: The file is missing or not YAML.
    """
    return LanguageModels.model_validate(read_yaml(LANGUAGE).content)
