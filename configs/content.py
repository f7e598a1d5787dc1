"""What an app file says of words: the voice, what is written, and by whom."""

from typing import Literal, Self

from pydantic import Field, model_validator

from configs.kinds import TypeName, Writer
from configs.language import Price
from configs.names import Name
from configs.part import Part
from configs.voice import NEUTRAL, VoiceKind


class Chapter(Part):
    """A piece of the story that mission briefs tell from week to week."""

    title: str = Field(min_length=1, max_length=60, description="On the cover of the brief.")
    scene: list[str] = Field(
        min_length=1, description="What happens, in whole sentences, without numbers or times; each a way to tell it."
    )


class Voice(Part):
    """How the app speaks, and what it must never say."""

    theme: str = Field(description="The world that the words come from.")
    kind: VoiceKind = Field(
        NEUTRAL, description="The kind of app: phrases for it, where the lexicon has none of its own."
    )
    tone: str = Field("warm and plain", description="How they sound.")
    player: str = Field("player", description="What a member is called.")
    languages: list[str] = Field(["en"], min_length=1, description="Languages to write in; the first is the default.")
    address: Literal["informal", "formal"] = Field(
        "informal", description="How players are spoken to where a language asks: du, tu, or Sie, Lei."
    )
    forbidden: list[str] = Field([], description="Words and claims that no text may carry.")
    chapters: list[Chapter] = Field(
        [],
        max_length=52,
        description="A story for mission briefs: with each new mission a player reads the next chapter, once.",
    )
    lexicon: dict[str, list[str]] = Field(
        {}, description="Phrases for the offline writer's grammar, by symbol; see docs/content.md."
    )


class Arm(Part):
    """One way of writing that an experiment tries."""

    provider: Writer = Field(
        description="Who writes: `offline`, a provider, or `both`, which writes with two and lets a judge pick."
    )
    prompt: str = Field("production", description="Alias of the prompts in MLflow's prompt registry.")
    weight: float = Field(1, gt=0, description="Its share of the players, against the other arms' weights.")


class Experiment(Part):
    """Ways of writing, tried against each other on the players' own days."""

    name: str = Field(min_length=1, max_length=60, description="Another name assigns players anew.")
    arms: dict[Name, Arm] = Field(min_length=2, description="By name; the first is what the others are compared with.")
    goal: Literal["completion", "rating", "return"] = Field("completion", description="What decides.")
    policy: Literal["fixed", "thompson"] = Field(
        "fixed", description="Whether weights stay, or follow what has worked (Thompson sampling)."
    )


class Individual(Part):
    """Players who get a brief of their own, with their profile; shares of the night's players."""

    top_spenders: float = Field(0, ge=0, le=0.2, description="With the highest lifetime value of `spend_metric`.")
    spend_metric: Name | None = Field(None, description="The metric that adds up what a player spends.")
    at_risk: float = Field(0, ge=0, le=0.2, description="Least likely to play, of those who are still asked.")
    sample: float = Field(0, ge=0, le=0.2, description="Anybody, drawn by hash.")
    attributes: list[Name] = Field([], description="Player attributes that the brief may tell.")

    @model_validator(mode="after")
    def _spend_has_metric(self) -> Self:
        if self.top_spenders and not self.spend_metric:
            raise ValueError("top_spenders needs `spend_metric`")
        return self


class Content(Part):
    """What is written, by whom, and for whom in person."""

    types: list[TypeName] = Field(
        ["daily_challenge", "motivational_message", "come_back_message", "badge_citation"],
        min_length=1,
        description="What a night writes.",
    )
    provider: Writer = Field(
        "auto",
        description="Who writes: `offline`, a provider such as `openai`, `both` (two write, a judge picks), or `auto`: "
        "every provider with a key, each for its share of the players, else offline.",
    )
    mode: Literal["live", "batch"] = Field("live", description="Batches cost half and take up to a day.")
    variants: int = Field(10, ge=1, le=30, description="Texts asked for in one request.")
    social_metrics: list[Name] = Field([], description="What social prompts invite to; needed for them.")
    individual: Individual = Field(default_factory=Individual, description="Who gets a brief of their own.")
    prices: dict[str, Price] = Field({}, description="Prices of language models, over those of their providers.")
    experiment: Experiment | None = Field(None, description="Ways of writing to compare; wins over `provider`.")
