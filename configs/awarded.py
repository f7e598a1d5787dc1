"""What an app file says of badges: earned by rule or given by judgement."""

from typing import Literal, Self

from pydantic import Field, model_validator

from configs.names import Name
from configs.part import Part

Tier = Literal["bronze", "silver", "gold", "platinum"]


class Judged(Part):
    """How a badge is given by judgement: a rule shortlists, a language model or a person decides on the evidence."""

    nominate_when: str = Field(description="A SQL condition, as `when`; whoever meets it is looked at.")
    criteria: str = Field(min_length=20, description="What the badge honours, in words, for whoever decides.")
    per_night: int = Field(20, ge=1, le=10_000, description="How many nominees are decided on in one night.")
    min_confidence: float = Field(0.7, ge=0, le=1, description="A verdict less sure than this is left to a person.")
    second_opinion: float = Field(
        0.2, ge=0, le=1, description="Share of the verdicts that a second provider gives too."
    )
    again_after_days: int = Field(
        28,
        ge=1,
        le=365,
        description="Whoever was not awarded is looked at again after so many days, if events are new.",
    )
    lapse_after_days: int = Field(
        90, ge=1, le=3650, description="A nominee on whom nobody has decided for so many days lapses, and is told."
    )
    hold_unusual: bool = Field(
        False,
        description="Whose last week looks like somebody else's (learned question `anomaly`) is left to a person.",
    )
    metrics: list[Name] = Field([], max_length=12, description="Metrics shown as evidence beside those of the rule.")
    events: list[Name] = Field([], description="Events shown as evidence, newest first; none: those of the metrics.")
    properties: list[Name] = Field([], description="Which properties of the events are shown; none: all except ids.")


class Badge(Part):
    """A badge: earned when `when` first becomes true, or given by judgement."""

    title: str = Field(description="What the player reads.")
    tier: Tier = Field(description="How much it is worth; decides the XP unless `xp` does.")
    category: str = Field(description="A word to group badges by.")
    when: str = Field("", description="A SQL condition over metrics: lifetime by name, or last(metric, days).")
    judged: Judged | None = Field(None, description="Instead of `when`: given by judgement.")
    description: str = Field("", description="What it is for, in a sentence.")
    xp: int | None = Field(None, ge=0, description="Default is the tier's reward.")
    series: Name | None = Field(
        None, description="Badges of a series follow each other in the file; only the next one's progress is told."
    )
    hidden: bool = Field(False, description="Nobody is told of progress towards it.")

    @property
    def condition(self) -> str:
        """What is evaluated after every event: the rule that earns the badge, or the one that nominates for it."""
        return self.judged.nominate_when if self.judged else self.when

    @model_validator(mode="after")
    def _one_way_to_it(self) -> Self:
        if bool(self.when) == bool(self.judged):
            raise ValueError("a badge has either `when`, a rule that earns it, or `judged`")
        return self
