"""What an app file says of rewards: what completing pays, in XP and in kinds of the app's own, and from which table."""

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from configs.badges import Badge, Tier
from configs.names import Name
from configs.part import Part

XP = "xp"  # what every app has; an offer of it comes on top of the formula's
MOST_POINTS = 1_000_000  # of one promise; a mistake in the formula is told rather than paid
LONGEST = 24 * 60  # minutes that a challenge is ever said to take
_Xp = Annotated[int, Field(ge=0)]
Paying = Literal["daily_challenge", "adaptive_mission", "custom_achievement"]
Kind = Literal["xp", "points", "title", "unlock", "badge"]


class Points(Part):
    """Points of the app's own, beside XP."""

    unit: str = Field(min_length=1, description="Singular noun behind a number: 'coin'.")
    plural: str = Field("", description="Plural noun; by default formed from the unit as English does.")


class RewardPrice(Part):
    """How many points a promise pays: (base * difficulty ** exponent + per_minute * minutes) * chance ** -scarcity."""

    base: float = Field(1, ge=0, le=100_000, description="Points of a challenge of difficulty 1.")
    exponent: float = Field(1, ge=0, le=3, description="How steeply points rise with difficulty, 1 to 10.")
    per_minute: float = Field(0, ge=0, le=1_000, description="Points for each minute that it is expected to take.")
    scarcity: float = Field(
        0, ge=0, le=1, description="How much a seldom offer pays more: 0 nothing, 1 as much more as it is seldomer."
    )
    step: int = Field(1, ge=1, le=100_000, description="Points are rounded to a multiple of it, and never below it.")

    def at(self, difficulty: float, minutes: float, chance: float) -> float:
        """The price before rounding."""
        return float((self.base * difficulty**self.exponent + self.per_minute * minutes) * chance**-self.scarcity)


class Limits(Part):
    """How many promises of an offer there can be; one that was missed does not count."""

    night: int | None = Field(None, ge=1, description="In one night.")
    week: int | None = Field(None, ge=1, description="In seven nights.")
    ever: int | None = Field(None, ge=1, description="In all.")


class Offer(Part):
    """What comes with some challenges and missions, and with which of them."""

    gives: Name = Field(description="`xp`, or the name of points, a title, an unlock or a badge.")
    price: RewardPrice = Field(default_factory=RewardPrice, description="How many points, of XP or the app's own.")
    types: list[Paying] = Field(
        ["daily_challenge", "adaptive_mission"], min_length=1, description="With what it comes."
    )
    difficulty: Annotated[list[int], Field(min_length=2, max_length=2)] = Field(
        [1, 10], description="The least and the highest difficulty, 1 to 10, that it comes with."
    )
    days: Literal["any", "usual", "unusual"] = Field(
        "any", description="On which days of a player's own week it ends: those they mostly play on, or the others."
    )
    chance: float = Field(1, ge=0.001, le=1, description="How often it comes with a challenge that suits it.")
    at_most: Limits = Field(default_factory=Limits, description="Of all players together.")
    each: Limits = Field(default_factory=Limits, description="Of one player.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        low, high = self.difficulty
        if not 1 <= low <= high <= 10:
            raise ValueError("difficulty is its least and its highest, between 1 and 10; write it as [4, 10]")
        return self


class Budget(Part):
    """What offers may promise of some points in one night, and pay in one."""

    expected: float | None = Field(None, gt=0, description="The sum of price times chance of completion, at most.")
    worst: int | None = Field(None, ge=1, description="The sum of all prices, at most.")
    paid: int | None = Field(
        None,
        ge=1,
        description="What one night may pay, at most: whatever is promised and still open reserves its share.",
    )

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.expected is None and self.worst is None and self.paid is None:
            raise ValueError("a budget bounds something; say `expected`, `worst` or `paid`")
        return self


class RewardExperiment(Part):
    """Tables of rewards tried against each other on the players' own days."""

    name: str = Field(min_length=1, max_length=60, description="Another name assigns players anew.")
    arms: dict[Name, Annotated[float, Field(gt=0)]] = Field(
        min_length=2, description="Tables with their shares of the players; the first is what others are compared with."
    )
    goal: Literal["completion", "rating", "return"] = Field("completion", description="What decides.")
    policy: Literal["fixed", "thompson"] = Field(
        "fixed", description="Whether shares stay, or follow what has worked (Thompson sampling)."
    )


class Rewards(Part):
    """What completing pays: XP = base * difficulty ** exponent, rounded to `step`, and what a table offers beside."""

    base_xp: int = Field(20, ge=1, description="XP of a challenge of difficulty 1.")
    exponent: float = Field(1.2, ge=0.5, le=3, description="How steeply XP rises with difficulty, 1 to 10.")
    step: int = Field(5, ge=1, description="XP is rounded to a multiple of it.")
    badge_xp: dict[Tier, _Xp] = Field(
        {"bronze": 50, "silver": 150, "gold": 400, "platinum": 1000},
        description="XP of a badge by its tier.",
    )
    prestige_xp: int = Field(0, ge=0, description="XP of a badge for each point of its prestige, beside its own.")
    achievement_xp: dict[Tier, _Xp] = Field({}, description="XP of a custom achievement by its tier; none: no XP.")
    points: dict[Name, Points] = Field({}, description="Points of the app's own.")
    titles: dict[Name, str] = Field({}, description="Titles that players can bear, as they read.")
    unlocks: dict[Name, str] = Field({}, description="What the app opens to players, as it reads.")
    tables: dict[Name, dict[Name, Offer]] = Field(
        {}, description="Tables of offers by name; the first serves, unless an experiment tries several."
    )
    budgets: dict[Name, Budget] = Field(
        {}, description="For some points or `xp`, what offers of a night may promise and pay."
    )
    experiment: RewardExperiment | None = Field(None, description="Tables to compare.")

    def kinds(self, badges: Mapping[str, Badge]) -> dict[str, Kind]:
        """What there is to give, by name."""
        named: tuple[tuple[Kind, Mapping[str, object]], ...] = (
            ("badge", badges),
            ("points", self.points),
            ("title", self.titles),
            ("unlock", self.unlocks),
        )
        return {XP: "xp", **{name: kind for kind, names in named for name in names}}

    def said(self, points: Mapping[str, Points], given: Mapping[str, str]) -> Self:
        """The same rewards in other words, as of another language: for points, and for titles and unlocks, by name."""
        named = {
            section: {name: given.get(name, own) for name, own in getattr(self, section).items()}
            for section in ("titles", "unlocks")
        }
        return self.model_copy(update={"points": {**self.points, **points}, **named})

    @property
    def offers(self) -> dict[str, Offer]:
        """Every offer by '<table>/<offer>', in the order of the file."""
        return {f"{table}/{name}": offer for table, offers in self.tables.items() for name, offer in offers.items()}

    @property
    def served(self) -> tuple[str, ...]:
        """The tables that players have: the first, or those that an experiment tries."""
        return tuple(self.experiment.arms if self.experiment else [*self.tables][:1])

    @property
    def given(self) -> frozenset[str]:
        """What any table gives, by name."""
        return frozenset(offer.gives for offer in self.offers.values())


def reward_problems(rewards: Rewards, badges: Mapping[str, Badge]) -> Iterator[str]:
    """Yield a sentence for each reference of the rewards that leads nowhere, and each name or price that cannot be."""
    yield from _twice(rewards, badges)
    kinds = rewards.kinds(badges)
    for table, offers in rewards.tables.items():
        for name, offer in offers.items():
            yield from _offer_problems(f"rewards.tables.{table}.{name}", offer, kinds, badges)
    for name in rewards.budgets:
        if kinds.get(name) not in {"xp", "points"}:
            yield f"rewards.budgets.{name}: only points and xp have a budget; use `at_most` of an offer for the rest"
    for arm in rewards.experiment.arms if rewards.experiment else ():
        if arm not in rewards.tables:
            known = ", ".join(rewards.tables) or "none"
            yield f"rewards.experiment.arms: '{arm}' is not one of the tables ({known})"
    for name, badge in badges.items():
        if not badge.when and not badge.judged and name not in rewards.given:
            yield (
                f"badges.{name}: a badge has either `when`, a rule that earns it, or `judged`, or a table of rewards "
                "gives it; add one of them"
            )


def _twice(rewards: Rewards, badges: Mapping[str, Badge]) -> Iterator[str]:
    """Names that mean two things, so that nobody could tell which one an offer gives."""
    seen = dict.fromkeys([*badges], "badges") | {XP: "what every app has"}
    for section in ("points", "titles", "unlocks"):
        for name in getattr(rewards, section):
            if name in seen:
                yield f"rewards.{section}.{name}: '{name}' stands for something else already ({seen[name]}); rename one"
            seen.setdefault(name, f"rewards.{section}")


def _offer_problems(key: str, offer: Offer, kinds: Mapping[str, Kind], badges: Mapping[str, Badge]) -> Iterator[str]:
    kind = kinds.get(offer.gives)
    if kind is None:
        yield f"{key}.gives: there is no '{offer.gives}' to give; use one of {', '.join(kinds)}"
    elif kind in {"xp", "points"}:
        price = offer.price.at(10, LONGEST, offer.chance)
        if not math.isfinite(price) or price > MOST_POINTS:
            yield f"{key}.price: it can come to {price:,.0f}, beyond {MOST_POINTS:,}; lower base, exponent or scarcity"
    elif offer.price != RewardPrice():
        yield f"{key}.price: a {kind} is given once and has no price; leave it out"
    elif kind == "badge" and (badges[offer.gives].when or badges[offer.gives].judged):
        yield (
            f"{key}.gives: the badge '{offer.gives}' is earned otherwise; take its `when` or `judged` out, or give "
            "another one"
        )
