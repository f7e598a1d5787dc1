"""What an app file may say. The pydantic models here are the contract and the source of its JSON Schema."""

import datetime as dt
import math
import re
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, WithJsonSchema, field_validator, model_validator

from configs.aggregations import AGGREGATIONS, Aggregation
from configs.aggregations import Name as AggregationName
from configs.kinds import TypeName, Writer
from configs.language import Price
from configs.part import Part
from configs.zones import zone_names

Tier = Literal["bronze", "silver", "gold", "platinum"]
PropertyType = Literal["text", "number", "integer", "boolean"]

NAME = re.compile(r"^[a-z][a-z0-9_]{0,47}$")
# Traits that every app has; pipelines/players/traits.py says how each is measured. Any metric is a trait too.
TRAITS = ("intensity", "boldness", "variability", "regularity", "breadth", "growth", "night", "weekend")


def _plain_name(value: str) -> str:
    if not NAME.match(value):
        raise ValueError(f"'{value}' must be lower-case letters, digits and underscores, starting with a letter")
    return value


def _known_zone(value: str) -> str:
    if value not in zone_names():
        raise ValueError(f"'{value}' is not an IANA time zone; write one like Europe/Berlin")
    return value


Name = Annotated[str, AfterValidator(_plain_name), WithJsonSchema({"type": "string", "pattern": NAME.pattern})]
Zone = Annotated[str, AfterValidator(_known_zone)]


Weight = Annotated[float, Field(ge=-1, le=1)]
ClockText = Annotated[str, Field(pattern="^[0-2][0-9]:[0-5][0-9]$")]


class Property(Part):
    """A typed property of an event."""

    type: PropertyType = Field(description="What it holds; a row with anything else is quarantined.")
    min: float | None = Field(None, description="Smallest value allowed; needed to sum it in a challenge.")
    max: float | None = Field(None, description="Largest value allowed.")


class Event(Part):
    """A kind of thing that players do, or that happens to them."""

    title: str = Field("", description="What a person calls it.")
    active: bool = Field(True, description="False when it happens to the player, such as a vote received.")
    properties: dict[Name, Property] = Field(
        {},
        description="What an event may carry; `score: number` is short for `score: {type: number}`.",
    )
    value: Property | None = Field(None, description="Bounds of the event's own `value`, when it has one.")

    @field_validator("properties", mode="before", json_schema_input_type=dict[Name, Property | PropertyType])
    @classmethod
    def _short_form(cls, value: object) -> object:
        """`score: number` is short for `score: {type: number}`."""
        if isinstance(value, dict):
            return {k: {"type": v} if isinstance(v, str) else v for k, v in value.items()}
        return value


class Metric(Part):
    """Something counted or measured about a player; see docs/apps.md for each aggregation."""

    agg: AggregationName = Field("count", description="How events become one number.")
    event: Name | list[Name] | None = Field(None, description="Which events; none means every active one.")
    of: Name | None = Field(None, description="The property measured; `value` is the event's own value.")
    where: str | None = Field(None, description="A SQL condition on the event's properties.")
    per: Name | None = Field(None, description="For agg entity: the property naming the entity.")
    reaches: float | None = Field(None, description="For agg entity: the running sum that counts an entity.")
    label: str = Field("", description="What a person calls it: 'answers posted'.")
    unit: str = Field("", description="Singular noun behind a number: 'answer'.")
    plural: str = Field("", description="Plural noun; by default formed from the unit as English does.")
    better: Literal["higher", "lower"] = Field(
        "higher", description="Which way is better; lower for min and mean only."
    )
    task: str = Field("", description="An instruction with {goal}: 'Post {goal}'. Needed for challenges.")

    @property
    def aggregation(self) -> Aggregation:
        """What its `agg` means."""
        return AGGREGATIONS[self.agg]

    @property
    def events(self) -> tuple[str, ...]:
        """The names of the events it rests on; empty for every active event."""
        return () if self.event is None else (self.event,) if isinstance(self.event, str) else tuple(self.event)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.aggregation.measures and not self.of:
            raise ValueError(f"agg {self.agg} needs `of`, the property it measures")
        if self.agg == "entity" and (not self.per or self.reaches is None):
            raise ValueError("agg entity needs `per` (the property naming the entity) and `reaches` (the sum)")
        if self.agg != "entity" and (self.per or self.reaches is not None):
            raise ValueError("`per` and `reaches` belong to agg: entity")
        if self.better == "lower" and not self.aggregation.lower:
            raise ValueError("better: lower goes with agg min or mean")
        return self


class Cohorts(Part):
    """Which properties make play comparable; `min_players` decides when a cohort stands on its own."""

    by: list[Name] = Field([], description="Event properties; their values name the cohort.")
    min_players: int = Field(200, ge=20, description="A smaller cohort is judged with its parent, 'all'.")


class Segments(Part):
    """Strength groups and percentile targets."""

    features: list[Name] = Field(min_length=1, description="Metrics whose 28-day values describe strength.")
    score: Name = Field(description="The metric that leads the order of the segments and carries a target.")
    levels: list[str] = Field(
        ["Beginner", "Intermediate", "Advanced", "Expert"],
        description="Names of the segments, from weakest to strongest.",
    )
    percentiles: list[int] = Field(
        [25, 50, 75, 90, 95], description="Where targets lie among comparable players; rising."
    )

    @field_validator("percentiles")
    @classmethod
    def _ordered(cls, value: list[int]) -> list[int]:
        if value != sorted(set(value)) or not value or value[0] < 1 or value[-1] > 99:
            raise ValueError("percentiles must rise strictly and lie between 1 and 99")
        return value


class Persona(Part):
    """A kind of player: the traits that mark it, and how it likes its targets."""

    title: str = Field("", description="What a person calls it.")
    traits: dict[Name, Weight] = Field(min_length=1, description="Trait and its weight, from -1 to 1.")
    risk_tolerance: float = Field(ge=0, le=1, description="0 wants a sure thing, 1 wants a gamble.")
    psychology: str = Field("", description="What moves this player, in a sentence for the writer.")


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

    @property
    def condition(self) -> str:
        """What is evaluated after every event: the rule that earns the badge, or the one that nominates for it."""
        return self.judged.nominate_when if self.judged else self.when

    @model_validator(mode="after")
    def _one_way_to_it(self) -> Self:
        if bool(self.when) == bool(self.judged):
            raise ValueError("a badge has either `when`, a rule that earns it, or `judged`")
        return self


class Challenges(Part):
    """What may be asked of players, and how much of it."""

    metrics: list[Name] = Field(min_length=1, description="Metrics that may be asked for; each has a `task`.")
    windows: list[Annotated[int, Field(ge=1, le=28)]] = Field(
        [1, 3, 7], description="How many local days a challenge may take."
    )
    per_day: int = Field(3, ge=1, le=6, description="Challenges for each player and night.")
    most_open: int = Field(
        9,
        ge=1,
        le=30,
        description="Challenges that may count for a player at once, open and new; a new mission comes on top.",
    )
    target_probability: float = Field(0.55, gt=0.2, lt=0.9, description="Wanted chance, given that they play.")
    min_plays: float = Field(0.05, ge=0, lt=1, description="Less likely players get a come-back message.")
    active_within_days: int = Field(
        28, ge=7, le=90, description="Who is served at all: players with play in these days."
    )
    grace_days: int = Field(2, ge=0, le=14, description="Late events may still complete a closed challenge.")


class Rewards(Part):
    """What completing pays: XP = base * difficulty ** exponent, rounded to `step`."""

    base_xp: int = Field(20, ge=1, description="XP of a challenge of difficulty 1.")
    exponent: float = Field(1.2, ge=0.5, le=3, description="How steeply XP rises with difficulty, 1 to 10.")
    step: int = Field(5, ge=1, description="XP is rounded to a multiple of it.")
    badge_xp: dict[Tier, int] = Field(
        {"bronze": 50, "silver": 150, "gold": 400, "platinum": 1000},
        description="XP of a badge by its tier.",
    )
    achievement_xp: dict[Tier, int] = Field({}, description="XP of a custom achievement by its tier; none: no XP.")


class Engagement(Part):
    """Level names from least to most engaged, and the metric they rest on."""

    levels: list[str] = Field(
        ["inactive", "low", "medium", "high", "legendary"],
        description="Names from least to most engaged.",
    )
    metric: Name | None = Field(None, description="What engagement is measured by; without it, the number of events.")


class Voice(Part):
    """How the app speaks, and what it must never say."""

    theme: str = Field(description="The world that the words come from.")
    tone: str = Field("warm and plain", description="How they sound.")
    player: str = Field("player", description="What a member is called.")
    languages: list[str] = Field(["en"], min_length=1, description="Languages to write in; the first is the default.")
    forbidden: list[str] = Field([], description="Words and claims that no text may carry.")
    lexicon: dict[str, list[str]] = Field(
        {}, description="Phrases for the offline writer's grammar, by symbol; see docs/content.md."
    )


class Arm(Part):
    """One way of writing that an experiment tries."""

    provider: Writer = Field(description="Who writes; `both` writes with both and lets a judge pick.")
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
    provider: Literal["auto", "offline", "openai", "anthropic", "both"] = Field(
        "auto", description="Who writes; `auto` is every provider with a key, by halves of the players, else offline."
    )
    mode: Literal["live", "batch"] = Field("live", description="Batches cost half and take up to a day.")
    variants: int = Field(10, ge=1, le=30, description="Texts asked for in one request.")
    social_metrics: list[Name] = Field([], description="What social prompts invite to; needed for them.")
    individual: Individual = Field(default_factory=Individual, description="Who gets a brief of their own.")
    prices: dict[str, Price] = Field({}, description="Prices of language models, over those of configs/language.yaml.")
    experiment: Experiment | None = Field(None, description="Ways of writing to compare; wins over `provider`.")


class CalendarEntry(Part):
    """Something known ahead of time: a deadline, an exam, a season."""

    title: str = Field(description="What a person calls it.")
    kind: Name = Field(description="Entries of a kind are alike: deadline, exam, season.")
    on: dt.date = Field(description="Its day, or its first.")
    until: dt.date | None = Field(None, description="Its last day, when it lasts.")
    cohort: str | None = Field(None, description="Only for players of this cohort; none is for everyone.")


class App(Part):
    """One app: everything Nightquest knows about it."""

    app: Name = Field(description="Its name: of its warehouse, its published folder and its models.")
    title: str = Field(description="What a person calls it.")
    timezone: Zone = Field(
        "UTC", description="IANA zone of players without one, and of times written without an offset."
    )
    day_starts_at: dt.time = Field(dt.time(0), description="Local time at which a player's day begins: '04:00'.")
    earliest: dt.date = Field(
        dt.date(2000, 1, 1),
        ge=dt.date(1900, 1, 1),
        description="An event or player record before this day is refused: a time of zero reads as 1970.",
    )
    source: Name | None = Field(None, description="Default source: configs/sources/<name>.sql, or beside this file.")
    events: dict[Name, Event] = Field(min_length=1, description="What players do, and what happens to them.")
    metrics: dict[Name, Metric] = Field(min_length=1, description="What is counted or measured.")
    cohorts: Cohorts = Field(default_factory=Cohorts, description="Whose play is comparable.")
    segments: Segments = Field(description="Strength groups and percentile targets.")
    personas: dict[str, Persona] = Field(
        {}, description="Kinds of players; without any, BRUTE, SCHOLAR, PHANTOM, WARDEN and FERAL."
    )
    engagement: Engagement = Field(default_factory=Engagement, description="Levels of engagement.")
    badges: dict[Name, Badge] = Field({}, description="What is earned for good.")
    challenges: Challenges = Field(description="What may be asked of players.")
    rewards: Rewards = Field(default_factory=Rewards, description="What completing pays.")
    voice: Voice = Field(description="How the app speaks.")
    content: Content = Field(default_factory=Content, description="What is written, and by whom.")
    calendar: list[CalendarEntry] = Field([], description="What is known ahead of time.")

    @field_validator("day_starts_at", mode="before", json_schema_input_type=ClockText)
    @classmethod
    def _clock(cls, value: object) -> object:
        if isinstance(value, int | float):
            raise ValueError("a time of day is written with its minutes, such as 04:00")
        return value

    @property
    def day_shift(self) -> dt.timedelta:
        """How long after midnight the app's day starts."""
        return dt.timedelta(hours=self.day_starts_at.hour, minutes=self.day_starts_at.minute)

    @property
    def active_events(self) -> tuple[str, ...]:
        """Names of the events that count as play."""
        return tuple(name for name, event in self.events.items() if event.active)

    def property_of(self, event: str, name: str) -> Property | None:
        """The declared property of an event, or None; `value` is always a number."""
        declared = self.events[event]
        if name == "value":
            return declared.value or Property(type="number")
        return declared.properties.get(name)

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        """Refuse references that lead nowhere, or add them to the list given as context."""
        problems = list(_problems(self))
        if isinstance(info.context, list):
            info.context.extend(problems)
        elif problems:
            raise ValueError("\n".join(problems))
        return self


def _problems(app: App) -> Iterator[str]:
    """Yield one sentence per reference that leads nowhere."""
    for name, metric in app.metrics.items():
        for event in metric.events:
            if event not in app.events:
                yield f"metrics.{name}.event: '{event}' is not one of the events ({', '.join(app.events)})"
            for key in (metric.of, metric.per):
                if key and event in app.events and app.property_of(event, key) is None:
                    yield (
                        f"metrics.{name}: event '{event}' has no property '{key}'; "
                        f"declare it under events.{event}.properties"
                    )
    known = set(app.metrics)
    for where, names in {
        "segments.features": app.segments.features,
        "segments.score": [app.segments.score],
        "challenges.metrics": app.challenges.metrics,
        "engagement.metric": [app.engagement.metric] if app.engagement.metric else [],
        "content.social_metrics": app.content.social_metrics,
        "content.individual.spend_metric": [m] if (m := app.content.individual.spend_metric) else [],
    }.items():
        for name in names:
            if name not in known:
                yield f"{where}: '{name}' is not one of the metrics ({', '.join(app.metrics)})"
    for name in app.challenges.metrics:
        if name in known:
            yield from _challenge_problems(app, name)
    yield from _persona_problems(app)
    judged = {name: badge.judged for name, badge in app.badges.items()}
    yield from (problem for name, how in judged.items() if how for problem in _judged_problems(app, name, how))


def _judged_problems(app: App, badge: str, judged: Judged) -> Iterator[str]:
    for metric in judged.metrics:
        if metric not in app.metrics:
            yield f"badges.{badge}.judged.metrics: '{metric}' is not one of the metrics ({', '.join(app.metrics)})"
    for event in judged.events:
        if event not in app.events:
            yield f"badges.{badge}.judged.events: '{event}' is not one of the events ({', '.join(app.events)})"
    carried = {key for event in judged.events or app.events for key in app.events.get(event, Event()).properties}
    for key in judged.properties:
        if key not in {*carried, "value"}:
            yield f"badges.{badge}.judged.properties: none of the badge's events has a property '{key}'"


def _persona_problems(app: App) -> Iterator[str]:
    for title, persona in app.personas.items():
        for trait in persona.traits:
            if trait not in {*TRAITS, *app.metrics}:
                yield f"personas.{title}.traits: '{trait}' is neither a trait ({', '.join(TRAITS)}) nor a metric"


def _challenge_problems(app: App, name: str) -> Iterator[str]:
    metric = app.metrics[name]
    if not metric.aggregation.moves_one_way:
        yield (
            f"challenges.metrics: '{name}' is a {metric.agg}, which can be undone by later play; "
            f"use one of {', '.join(sorted(name for name, one in AGGREGATIONS.items() if one.moves_one_way))}"
        )
    if "{goal}" not in metric.task:
        yield f"metrics.{name}.task: a challenge needs an instruction with {{goal}}, such as 'Post {{goal}}'"
    if metric.agg == "sum":
        for event in metric.events or app.active_events:
            declared = app.property_of(event, metric.of or "value") if event in app.events else None
            if declared is not None and not (declared.min is not None and 0 <= declared.min < math.inf):
                yield (
                    f"challenges.metrics: '{name}' sums '{metric.of}', which may be negative; "
                    f"declare `min: 0` for it under events.{event}"
                )
