"""What an app file may say. The pydantic models here are the contract and the source of its JSON Schema."""

import datetime as dt
import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from configs.aggregations import AGGREGATIONS
from configs.badge_links import badge_problems
from configs.badges import Badge, Judged
from configs.calendar import CalendarEntry, Caps, QuietHours, Streaks, rest_problems
from configs.content import Content, Voice
from configs.files import Files
from configs.metrics import Event, Metric, Property
from configs.names import ClockTime, Name, Zone
from configs.nouns import plural_of
from configs.part import Part
from configs.personas import STANDARD, Persona, Profile, people_problems, standard_personas
from configs.pulls import Pull
from configs.rewards import Rewards, reward_problems
from configs.translations import Translation

# What a player's record tells that may shape segments; pipelines/players/facts.py says how each is measured.
Fact = Literal["age"]


class Cohorts(Part):
    """Which properties make play comparable; `min_players` decides when a cohort stands on its own."""

    by: list[Name] = Field([], description="Event properties; their values name the cohort.")
    min_players: int = Field(200, ge=20, description="A smaller cohort is judged with its parent, 'all'.")


class Segments(Part):
    """Strength groups and percentile targets."""

    features: list[Name] = Field(min_length=1, description="Metrics whose 28-day values describe strength.")
    score: Name = Field(description="The metric that leads the order of the segments and carries a target.")
    measured_in: Literal["play", "cohort"] = Field(
        "play",
        description="Where strength is measured: over all play, with how often and lately somebody plays, or in each "
        "cohort by what came to pass there alone. Without cohorts it is all play.",
    )
    shaped_by: list[Fact] = Field(
        [],
        description="What else tells players apart, as neither strength nor weakness: `age`, from `born_on`. Where "
        "strength is measured in cohorts, players are judged as strong for their age.",
    )
    levels: list[str] = Field(
        ["Beginner", "Intermediate", "Advanced", "Expert"],
        description="Names of the segments, from weakest to strongest.",
    )
    percentiles: list[int] = Field(
        [25, 50, 75, 90, 95], description="Where targets lie among comparable players; rising."
    )
    bands: dict[str, Annotated[list[int], Field(min_length=2, max_length=2)]] = Field(
        {},
        description="For each level, the first and last percentile, among all of the cohort, that its players aim for.",
    )

    @field_validator("percentiles")
    @classmethod
    def _ordered(cls, value: list[int]) -> list[int]:
        if value != sorted(set(value)) or not value or value[0] < 1 or value[-1] > 99:
            raise ValueError("percentiles must rise strictly and lie between 1 and 99")
        return value

    @model_validator(mode="after")
    def _banded(self) -> Self:
        if self.bands and set(self.bands) != set(self.levels):
            raise ValueError(f"bands must name each level once: {', '.join(self.levels)}")
        for level, (first, last) in self.bands.items():
            if first > last or not {first, last} <= set(self.percentiles):
                raise ValueError(f"the band of {level} must begin and end with one of percentiles, in this order")
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


class Engagement(Part):
    """Level names from least to most engaged, and the metric they rest on."""

    levels: list[str] = Field(
        ["inactive", "low", "medium", "high", "legendary"],
        description="Names from least to most engaged.",
    )
    metric: Name | None = Field(None, description="What engagement is measured by; without it, the number of events.")
    cuts: list[float] | None = Field(
        None,
        description="Values in a week at which the third level and those above begin; without them, learnt from play.",
    )
    gone_after_days: int | None = Field(
        None,
        ge=7,
        le=90,
        description="Who does not play for so many days has left; without it, as long as few pauses last, 7 to 28.",
    )
    ends_with: Name | None = Field(
        None,
        description="A metric that counts what play ends with, such as a last lesson or a cancellation: who did it "
        "last is seldom seen again, and gets no message to come back.",
    )

    @model_validator(mode="after")
    def _cut(self) -> Self:
        if self.cuts is not None and (len(self.cuts) != len(self.levels) - 2 or self.cuts != sorted(set(self.cuts))):
            raise ValueError(f"cuts must rise strictly, and be {len(self.levels) - 2} for {len(self.levels)} levels")
        return self


class App(Part):
    """One app: everything Nightquest knows about it."""

    app: Name = Field(description="Its name: of its warehouse, its published folder and its models.")
    title: str = Field(description="What a person calls it.")
    timezone: Zone = Field(
        "UTC", description="IANA zone of players without one, and of times written without an offset."
    )
    day_starts_at: ClockTime = Field(dt.time(0), description="Local time at which a player's day begins: '04:00'.")
    earliest: dt.date = Field(
        dt.date(2000, 1, 1),
        ge=dt.date(1900, 1, 1),
        description="An event or player record before this day is refused: a time of zero reads as 1970.",
    )
    source: Name | None = Field(None, description="Default source: configs/sources/<name>.sql, or beside this file.")
    vanished: Literal["keep", "retract"] = Field(
        "keep",
        description="What becomes of an event that the source yielded once and no longer yields: "
        "it stays, or is taken back.",
    )
    on_retraction: Literal["keep", "revoke"] = Field(
        "keep",
        description="What becomes of badges, achievements and XP when an event they rested on is taken back.",
    )
    tell_revocations: bool = Field(
        False, description="Players are told, kindly, of what was taken back from them; else nothing is said."
    )
    files: Files = Field(default_factory=Files, description="How delivered text is written, if not as usual.")
    pulls: dict[Name, Pull] = Field(
        {}, description="What `pull` reads on a live PostgreSQL; each is as a delivered file of its name."
    )
    events: dict[Name, Event] = Field(min_length=1, description="What players do, and what happens to them.")
    metrics: dict[Name, Metric] = Field(min_length=1, description="What is counted or measured.")
    cohorts: Cohorts = Field(default_factory=Cohorts, description="Whose play is comparable.")
    segments: Segments = Field(description="Strength groups and percentile targets.")
    personas: dict[str, Persona] = Field(
        {},
        description="Kinds of players, or `standard`: BRUTE, SCHOLAR, PHANTOM, WARDEN and FERAL. None: all are alike.",
    )
    profile: Profile = Field(default_factory=Profile, description="What profiles tell beside the persona.")
    engagement: Engagement = Field(default_factory=Engagement, description="Levels of engagement.")
    badges: dict[Name, Badge] = Field({}, description="What is earned for good.")
    medals: bool = Field(False, description="An SVG medal for each tier and category of badges lies beside the nights.")
    challenges: Challenges = Field(description="What may be asked of players.")
    rewards: Rewards = Field(default_factory=Rewards, description="What completing pays.")
    voice: Voice = Field(description="How the app speaks.")
    translations: dict[str, Translation] = Field(
        {}, description="What is said in other languages of the voice, by language: `de`, `it`."
    )
    content: Content = Field(default_factory=Content, description="What is written, and by whom.")
    calendar: list[CalendarEntry] = Field([], description="What is known ahead of time.")
    streaks: Streaks = Field(default_factory=Streaks, description="When a run of days goes on over a missed one.")
    caps: Caps = Field(default_factory=Caps, description="How much is new for a player on one day, at most.")
    quiet_hours: QuietHours | None = Field(None, description="When players are not to be disturbed.")
    promotion: Literal["auto", "review"] = Field(
        "auto",
        description="Who lets a trained model serve: its contest, or a person who moves the alias `champion`.",
    )

    @field_validator("personas", mode="before", json_schema_input_type=dict[str, Persona] | Literal["standard"])
    @classmethod
    def _by_name(cls, value: object) -> object:
        if isinstance(value, str) and value != STANDARD:
            raise ValueError(f"'{value}' is no set of personas; write {STANDARD}, or each persona with its traits")
        return standard_personas() if value == STANDARD else value

    @property
    def social_metrics(self) -> list[str]:
        """The metrics of what is done with others."""
        return self.profile.social or self.content.social_metrics

    @property
    def day_shift(self) -> dt.timedelta:
        """How long after midnight the app's day starts."""
        return dt.timedelta(hours=self.day_starts_at.hour, minutes=self.day_starts_at.minute)

    @property
    def streaks_meaning(self) -> str:
        """What decides when a run of days breaks, as text; empty where every missed day breaks it."""
        if self.streaks == Streaks():
            return ""
        rests = [entry.model_dump_json() for entry in self.calendar if entry.kind in self.streaks.rest_on]
        return "\n".join([self.streaks.model_dump_json(), *rests])

    @property
    def active_events(self) -> tuple[str, ...]:
        """Names of the events that count as play."""
        return tuple(name for name, event in self.events.items() if event.active)

    def called(self, metric: str) -> str:
        """What people call a metric: its label, else its id as words."""
        return self.metrics[metric].label or metric.replace("_", " ")

    def figured(self, metric: str) -> str:
        """What people call a metric whose figures stand behind it: with its unit, where its name does not tell it."""
        called, one = self.called(metric), self.metrics[metric]
        units = one.plural or (plural_of(one.unit) if one.unit else "")
        told = {*called.lower().split()} & {*units.lower().split(), *one.unit.lower().split()}
        return called if told or not units else f"{called} ({units})"

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
    yield from _asked_again(app)
    yield from _ends_problems(app)
    yield from _ranking_problems(app)
    yield from people_problems(app.personas, app.profile, app.events, app.metrics)
    yield from badge_problems(app.badges, app.metrics)
    yield from rest_problems(app.streaks, app.calendar)
    yield from reward_problems(app.rewards, app.badges)
    if app.rewards.experiment and app.content.experiment and app.rewards.experiment.name == app.content.experiment.name:
        yield (
            "rewards.experiment.name: content.experiment has the same name, so that nobody could tell them apart; "
            "give it another one"
        )
    judged = {name: badge.judged for name, badge in app.badges.items()}
    yield from (problem for name, how in judged.items() if how for problem in _judged_problems(app, name, how))


def _asked_again(app: App) -> Iterator[str]:
    asked = {"challenges.metrics": app.challenges.metrics, "content.social_metrics": app.content.social_metrics}
    for where, names in asked.items():
        for name in names:
            if name in app.metrics and app.metrics[name].once:
                yield f"{where}: '{name}' is done once and never again; take it out, and give a badge for it"


def _ranking_problems(app: App) -> Iterator[str]:
    for name, ranking in app.profile.rankings.items():
        if ranking.metric in app.metrics and app.metrics[ranking.metric].aggregation.runs:
            told = f"'{ranking.metric}' is a streak, which goes on beyond any number of days"
            yield f"profile.rankings.{name}.metric: {told}; take a metric that counts"
        if ranking.teams and ranking.among == "cohort":
            yield f"profile.rankings.{name}.among: a team is listed among all teams; take out `among` or `teams`"


def _ends_problems(app: App) -> Iterator[str]:
    name = app.engagement.ends_with
    if name is None:
        return
    if name not in app.metrics:
        yield f"engagement.ends_with: '{name}' is not one of the metrics ({', '.join(app.metrics)})"
    elif app.metrics[name].agg != "count":
        yield f"engagement.ends_with: '{name}' has to count events; leave out its `agg`, or name another metric"


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
