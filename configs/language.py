"""What may be said of language models: what they cost, and how much may be asked of them until they say so themselves.

Which providers there are, and what they sell, stands with them: models/language/providers.
"""

import difflib
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from configs.errors import NightquestError
from configs.names import Name
from configs.part import Part

# A new price of input is the price of what goes with it, too.
_OF_NEW_PRICE = {"cached_input_usd": None, "cache_write_usd": None}


class Price(Part):
    """What a million tokens of a model cost in US dollars, given where the model is chosen."""

    provider: Name | None = Field(None, description="Needed for a model that is neither known nor chosen.")
    input_usd: float = Field(ge=0)
    output_usd: float = Field(ge=0, description="Reasoning tokens are output.")
    cached_input_usd: float | None = Field(None, ge=0, description="Default is the price of input.")
    cache_write_usd: float | None = Field(None, ge=0, description="Default is the price of input.")
    batch_share: float | None = Field(None, gt=0, le=1, description="What a batch costs of the price; default all.")
    structured: bool | None = Field(None, description="False for models that cannot be held to a JSON Schema.")


class LanguageModel(Part):
    """A model of a provider: prices in US dollars per million tokens, and where its limits start."""

    provider: str = Field("", description="Whose it is; in a provider's own price list that provider's.")
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


class Offer(Part):
    """What a provider sells: its price list."""

    model: str = Field(description="Which one is asked when the settings name none.")
    models: dict[str, LanguageModel] = Field(min_length=1, description="By the provider's own names.")
    apis: list[str] = Field([], description="Ways to ask that NIGHTQUEST_<NAME>_API chooses from, the usual one first.")
    place: int = Field(100, description="Who is compared with whom, and stands in for whom, goes by it, then by name.")

    @model_validator(mode="after")
    def _model_has_a_price(self) -> Self:
        if self.model not in self.models:
            raise ValueError(f"model: '{self.model}' is not one of the models")
        return self

    def of(self, name: str) -> "Offer":
        """The same, each model said to be this provider's."""
        own = {key: model.model_copy(update={"provider": name}) for key, model in self.models.items()}
        return self.model_copy(update={"models": own})


class LanguageModels(Part):
    """Models by name, with their prices."""

    models: dict[str, LanguageModel]

    def priced(self, name: str, provider: str) -> LanguageModel:
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
                f"Give it in US dollars per million tokens, from {provider}'s price page: NIGHTQUEST_PRICES='{given}', "
                "or under content.prices of the app file; or let it count at the most that it may cost: "
                "NIGHTQUEST_PRICE_CEILING_USD=100.",
            )
        if found.provider != provider:
            raise NightquestError(
                f"The model '{name}' is one of {found.provider}, not of {provider}.",
                f"Set NIGHTQUEST_{provider.upper()}_MODEL to a model of {provider}.",
            )
        return found

    def with_prices(self, prices: Mapping[str, Price], chosen: Mapping[str, str]) -> "LanguageModels":
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
                owner = next((provider for provider, model in chosen.items() if model == name), None)
                if owner is None:
                    raise NightquestError(
                        f"The price of the model '{name}' does not say whose model it is.",
                        f"Add its provider: {' or '.join(chosen)}.",
                    )
                told["provider"] = owner
            base = known.model_dump() | _OF_NEW_PRICE if known else {}
            models[name] = LanguageModel.model_validate(base | told)
        return self.model_copy(update={"models": models})

    def with_ceiling(self, ceiling_usd: float | None, chosen: Mapping[str, str]) -> "LanguageModels":
        """These models, and the chosen ones whose price is not known at so many dollars per million tokens."""
        if ceiling_usd is None:
            return self
        assumed = {
            name: LanguageModel(provider=provider, input_usd=ceiling_usd, output_usd=ceiling_usd, assumed=True)
            for provider, name in chosen.items()
            if name not in self.models
        }
        return self.model_copy(update={"models": self.models | assumed})
