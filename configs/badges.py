"""What an app file says of badges: earned by rule or given by judgement, once or again, always or in a season."""

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from configs.names import Name
from configs.part import Part
from configs.spans import Period, season_span, span_within

Tier = Literal["bronze", "silver", "gold", "platinum"]
State = Literal["open", "on_hold", "withdrawn"]
MOST, MOST_UNLESS_SAID = 10_000, 100  # awards of a badge that is earned again with so many more


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


class Season(Part):
    """The days on which a badge can be earned; its numbers count from the first of them."""

    on: dt.date = Field(description="The first day.")
    until: dt.date = Field(description="The last day.")
    yearly: bool = Field(False, description="The same days of every later year, too.")

    @property
    def span(self) -> str:
        """Its name as a span; see `configs.spans`."""
        return season_span(self.on, self.until, yearly=self.yearly)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until < self.on:
            raise ValueError("a season ends before it begins; put the first day into `on` and the last into `until`")
        if self.yearly and (self.until - self.on).days >= 364:
            raise ValueError("a yearly season must leave days between two of them")
        if self.yearly and any((day.month, day.day) == (2, 29) for day in (self.on, self.until)):
            raise ValueError("a yearly season neither begins nor ends on 29 February; not every year has it")
        return self


class Repeat(Part):
    """How a badge is earned again; each award is one of its own."""

    per: Annotated[int, Field(ge=1)] | Period = Field(
        description="Once in every day, week, month, year or season; or, as a number, with each so many more of `of`."
    )
    of: Name | None = Field(None, description="With a number: the metric that it counts; one that adds up.")
    most: int | None = Field(
        None, ge=1, le=MOST, description="With a number: how many awards a player can have; 100 unless said."
    )

    @property
    def at_most(self) -> int:
        """How many awards a player can have of what is earned again by number."""
        return MOST_UNLESS_SAID if self.most is None else self.most

    @property
    def by_number(self) -> int | None:
        """The number, where it is earned again with so many more."""
        return self.per if isinstance(self.per, int) else None

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if isinstance(self.per, int) != (self.of is not None):
            raise ValueError("`of` names the metric that a number in `per` counts, and stands with a number only")
        if not isinstance(self.per, int) and self.most is not None:
            raise ValueError("`most` stands with a number in `per` only")
        return self


class Badge(Part):
    """A badge: earned when `when` first becomes true, given by judgement, or as a reward of a table."""

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
    requires: list[Name] = Field([], description="Badges that must be held before this one can be earned.")
    repeat: Repeat | None = Field(None, description="It can be earned again.")
    season: Season | None = Field(None, description="It can be earned on these days only.")
    state: State = Field(
        "open", description="`on_hold`: not granted until opened; `withdrawn`: no more awards, those held stay."
    )
    prestige: int = Field(0, ge=0, le=100, description="How much it counts among badges; ranks, and pays by the point.")

    @property
    def condition(self) -> str:
        """What is evaluated after every event: the rule that earns the badge, or the one that nominates for it."""
        return self.judged.nominate_when if self.judged else self.when

    @property
    def span(self) -> str:
        """From when on its bare metrics count: a span's name; empty for a whole life."""
        season = self.season.span if self.season else ""
        if not self.period or self.period == season:
            return season
        return span_within(self.period, season) if season else self.period

    @property
    def period(self) -> str:
        """The span in each of which it can be earned again; empty for none."""
        if self.repeat is None or isinstance(self.repeat.per, int):
            return ""
        return self.season.span if self.season and self.repeat.per == "season" else self.repeat.per

    @model_validator(mode="after")
    def _one_way_to_it(self) -> Self:
        if self.when and self.judged:
            raise ValueError("a badge has either `when`, a rule that earns it, or `judged`")
        if not self.condition and (self.repeat or self.season or self.requires):
            raise ValueError("what only a reward gives is given once; leave `repeat`, `season` and `requires` out")
        if self.judged and self.repeat:
            raise ValueError("a badge by judgement is given once; leave `repeat` out")
        if self.repeat and self.repeat.per == "season" and not (self.season and self.season.yearly):
            raise ValueError("`repeat: {per: season}` needs a `season` with `yearly: true`")
        if self.repeat and self.repeat.by_number and self.season:
            raise ValueError("what is earned again with so many more is so all year; leave `season` out")
        return self
