"""Why a model says what it says of a player, in words: the facts that moved its answer most.

What features of one kind add to the log-odds is summed; a kind is told by a sentence with the player's own figures.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

MOST = 3
NONE = "none"
LEAST = 0.05  # log-odds; what moves an answer less is no reason
CLEAR = 0.2  # rank correlation from which on a figure has a way
Usual = tuple[float, float]  # the middle of a figure, and 1 where more of it raises answers, -1 where it lowers them
NO_USUAL: Mapping[str, Usual] = {}
REST = "anything else"  # what features of no kind are about
RAISES, LOWERS = "raises it", "lowers it"
Ways = tuple[str, str]  # what a fact does that moves an answer up, and one that moves it down
WAYS: Ways = (RAISES, LOWERS)


@dataclass(frozen=True)
class Kind:
    """Features that one fact stands behind.

    Attributes:
        features: Their names.
        text: The fact, from the columns of a task's rows; null where it cannot be told.
        about: What it is about, of any player.
        figure: What the fact tells, where more of it is more of one thing: a column, or worked out from columns.
        alone: The figure is all that the fact tells, so that its way must be that of its reason.
        only: The one way in which the fact may move an answer: 1 up, -1 down, 0 either.
        lowering: The fact in words where it lowers the answer, if these are others.
    """

    features: tuple[str, ...]
    text: pl.Expr
    about: str
    figure: str | pl.Expr | None = None
    alone: bool = True
    only: pl.Expr = field(default_factory=lambda: pl.lit(0.0))
    lowering: pl.Expr | None = None

    def seen_in(self, rows: pl.DataFrame) -> pl.Series | None:
        """The figure of each row; None without one, or where rows lack what it is worked out from."""
        if self.figure is None:
            return None
        figure = pl.col(self.figure) if isinstance(self.figure, str) else self.figure
        if set(figure.meta.root_names()) - set(rows.columns):
            return None
        return rows.select(figure.cast(pl.Float64).alias("figure")).to_series()


def what_is_asked(*features: str) -> Kind:
    """What tells questions of one player apart; a fact of the question is no reason."""
    return Kind(features, pl.lit(None, pl.String), "which of its questions is asked")


def spoken(value: str | pl.Expr) -> pl.Expr:
    """A number as people say it: whole, and a half as the next."""
    number = pl.col(value) if isinstance(value, str) else value
    return number.round(0, "half_away_from_zero").cast(pl.Int64).cast(pl.String)


def counted(value: str | pl.Expr, noun: str) -> pl.Expr:
    """A number with its noun: 1 day, 2 days."""
    said = spoken(value)
    return pl.format("{} {}", said, pl.when(said == "1").then(pl.lit(noun)).otherwise(pl.lit(f"{noun}s")))


def percent(share: str | pl.Expr, of: str) -> pl.Expr:
    """A share of something: "40 % of the days", and "none of the days" for 0."""
    part = pl.col(share) if isinstance(share, str) else share
    return (
        pl.when(part <= 0).then(pl.lit(f"{NONE} of {of}")).otherwise(pl.format(f"{{}} % of {of}", spoken(100 * part)))
    )


def lately(what: str | pl.Expr, values: Mapping[int, str | pl.Expr], *, much: bool = True) -> pl.Expr:
    """What something came to over spans of days that end tonight: "lessons: 9 in the last 28 days, 2 in the last 7".

    Args:
        what: What people call it.
        values: Its figure over each number of days, the longest first; 0 stands for nothing.
        much: It is told since it is much, so that none in the shorter span is said to be so all the same.
    """
    (most, whole), *shorter = ((days, as_said(value)) for days, value in values.items())
    parts = pl.format(f"{{}} in the last {most} days", whole)
    for days, value in shorter:
        though = pl.when(value == NONE).then(pl.lit("though " if much else "")).otherwise(pl.lit(""))
        parts = pl.format(f"{{}}, {{}}{{}} in the last {days}", parts, though, value)
    told = pl.when(whole == NONE).then(pl.lit(f"{NONE} in the last {most} days")).otherwise(parts)
    return pl.format("{}: {}", pl.lit(what) if isinstance(what, str) else what, told)


def none_lowers(value: str | pl.Expr) -> pl.Expr:
    """For `Kind.only`: that nothing was done of a thing is no reason to expect it."""
    number = (pl.col(value) if isinstance(value, str) else value).cast(pl.Float64).fill_null(0.0)
    return pl.when(number == 0).then(pl.lit(-1.0)).otherwise(pl.lit(0.0))


def as_said(value: str | pl.Expr) -> pl.Expr:
    """A figure as people say it: whole where it is, else with at most two decimals, and none for 0."""
    number = (pl.col(value) if isinstance(value, str) else value).cast(pl.Float64).fill_null(0.0).round(2)
    return pl.when(number == 0).then(pl.lit(NONE)).otherwise(number.cast(pl.String).str.strip_suffix(".0"))


def days_played(value: str | pl.Expr, days: int) -> pl.Expr:
    """On how many of the last days somebody played, or that they did not."""
    told = pl.format(f"played on {{}} of the last {days} days", spoken(value))
    none = (pl.col(value) if isinstance(value, str) else value).round(0) == 0
    return pl.when(none).then(pl.lit(f"did not play in the last {days} days")).otherwise(told)


def told_by(contributions: pl.DataFrame, kinds: Mapping[str, Kind]) -> pl.DataFrame:
    """What the features of each kind add up to in each row's log-odds: a column for each kind that has any."""
    there = {name: [f for f in kind.features if f in contributions.columns] for name, kind in kinds.items()}
    return contributions.select(pl.sum_horizontal(features).alias(name) for name, features in there.items() if features)


def against_the_answer(rows: pl.DataFrame, contributions: pl.DataFrame, kinds: Mapping[str, Kind]) -> tuple[str, ...]:
    """Kinds that would mislead as reasons, since they correct what others overstate.

    Either they fall where answers rise, or more of what their fact tells moves the answer one way while those who have
    more of it get answers that are moved the other way, or what it tells is not what moves the answer. Measured are
    rank correlations over many rows.

    Args:
        rows: A task's rows.
        contributions: See `reasons`.
        kinds: Who tells what.
    """
    whole = contributions.select(pl.sum_horizontal(pl.all())).to_series()
    return tuple(
        moved.name
        for moved in told_by(contributions, kinds).get_columns()
        if _together(moved, whole) < 0 or _turned(rows, kinds[moved.name], moved, whole)
    )


def _turned(rows: pl.DataFrame, kind: Kind, moved: pl.Series, whole: pl.Series) -> bool:
    """Whether a figure says nothing of what its kind adds, or goes with it one way and with answers the other."""
    figure = kind.seen_in(rows)
    if figure is None:
        return False
    way = _together(figure, moved)
    return (kind.alone and abs(way) < CLEAR) or way * _together(figure, whole) < 0


def _together(one: pl.Series, other: pl.Series) -> float:
    """The rank correlation where both are known; 0 where either is constant."""
    pairs = pl.DataFrame({"one": one.cast(pl.Float64), "other": other}).drop_nulls()
    found = pairs.select(pl.corr("one", "other", method="spearman")).item()
    return float(found) if found is not None and math.isfinite(found) else 0.0


def usual_figures(rows: pl.DataFrame, contributions: pl.DataFrame, kinds: Mapping[str, Kind]) -> dict[str, Usual]:
    """The middle of each kind's figure, and which way more of it goes with what its kind adds, see `Usual`."""
    usual: dict[str, Usual] = {}
    for moved in told_by(contributions, kinds).get_columns():
        figure = kinds[moved.name].seen_in(rows) if kinds[moved.name].alone else None
        if figure is None:
            continue
        way, middle = _together(figure, moved), figure.median()
        if isinstance(middle, float) and abs(way) >= CLEAR:
            usual[moved.name] = (middle, math.copysign(1.0, way))
    return usual


def moved_by_kind(
    rows: pl.DataFrame, contributions: pl.DataFrame, kinds: Mapping[str, Kind]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What features add to each row's log-odds, by what they are about, and the figure of each: columns alike.

    Args:
        rows: A task's rows.
        contributions: See `reasons`.
        kinds: Who tells what; without any, features stand for themselves.

    Returns:
        What each kind adds, features of none as REST; and the figure that tells it, null where none does.
    """
    told = told_by(contributions, kinds)
    rest = contributions.select(pl.exclude([f for kind in kinds.values() for f in kind.features]))
    moved = told.rename({name: kinds[name].about for name in told.columns})
    if not kinds:
        moved = rest
    elif rest.width:
        moved = moved.with_columns(rest.select(pl.sum_horizontal(pl.all()).alias(REST)))
    figures = {kinds[name].about: kinds[name].seen_in(rows) for name in told.columns}
    nothing = pl.Series([None] * rows.height, dtype=pl.Float64)
    seen = ((name, figures.get(name)) for name in moved.columns)
    return moved, pl.DataFrame({name: nothing if figure is None else figure for name, figure in seen})


def share_of_kinds(importance: Mapping[str, float], kinds: Mapping[str, Kind]) -> dict[str, float]:
    """What a model looks at, for people: the shares of its features by what they are about, the largest first."""
    if not kinds:
        return dict(sorted(importance.items(), key=lambda each: -each[1]))
    shares = {kind.about: sum(importance.get(f, 0.0) for f in kind.features) for kind in kinds.values()}
    rest = sum(importance.values()) - sum(shares.values())
    ranked = sorted(shares.items(), key=lambda each: -each[1])
    return {about: share for about, share in [*ranked, (REST, rest)] if share >= 0.005}


def reasons(
    rows: pl.DataFrame,
    contributions: pl.DataFrame | None,
    kinds: Mapping[str, Kind],
    usual: Mapping[str, Usual] = NO_USUAL,
    ways: Ways = WAYS,
) -> pl.Series:
    """The strongest reasons of each row, as one text: "last played 9 days ago, before that every day (raises it); …".

    Args:
        rows: A task's rows.
        contributions: What each feature adds to a row's log-odds, see `Learner.contributions`; None: unknown.
        kinds: Who tells what; features of none are not told.
        usual: What figures are and do usually; a fact whose figure lies on the other side of that is no reason.
        ways: What a fact is said to do.

    Returns:
        Text, null where there is nothing to tell.
    """
    moved = None if contributions is None else told_by(contributions, kinds)
    if moved is None or not moved.width:
        return pl.Series("reasons", [None] * rows.height, dtype=pl.String)
    by = moved.to_numpy()
    holds = np.column_stack([_holds(rows, kinds[name], usual.get(name)).to_numpy() for name in moved.columns])
    facts = [rows.select(told=_fact(kinds[each.name], each > 0)).to_series() for each in moved.get_columns()]
    known = np.column_stack([fact.is_not_null().to_numpy() for fact in facts])
    size = np.where((np.abs(by) >= LEAST) & known & (by * holds >= 0), np.abs(by).round(6), 0.0)
    strongest = np.argsort(-size, axis=1, kind="stable")[:, :MOST]
    place, every = np.arange(rows.height), pl.concat(facts)
    texts = [
        _said(every[at * rows.height + place], by[place, at] > 0, size[place, at] > 0, ways).alias(str(rank))
        for rank, at in enumerate(strongest.T)
    ]
    joined = pl.DataFrame(texts).select(pl.concat_str(pl.all(), separator="; ", ignore_nulls=True).alias("reasons"))
    return joined.select(pl.when(pl.col("reasons") != "").then("reasons").alias("reasons")).to_series()


def _fact(kind: Kind, up: pl.Series) -> pl.Expr:
    told = kind.text if kind.lowering is None else pl.when(up).then(kind.text).otherwise(kind.lowering)
    return pl.repeat("", pl.len()) + told  # of each row, where it is the same of all


def _holds(rows: pl.DataFrame, kind: Kind, usual: Usual | None) -> pl.Series:
    """Which way a fact should move each answer: 1 up, -1 down, 0 either, as where it is usual or not known."""
    figure = kind.seen_in(rows)
    only = rows.select(pl.repeat(0.0, pl.len()) + kind.only).to_series()
    if figure is None or usual is None:
        return only
    middle, way = usual
    side = ((figure - middle).sign() * way).fill_null(0.0)
    return only.zip_with(only != 0, side)


def _said(facts: pl.Series, up: NDArray[np.bool_], told: NDArray[np.bool_], ways: Ways) -> pl.Series:
    """Facts with what they do; null where they are no reasons."""
    rows = pl.DataFrame({"fact": facts, "up": up, "told": told})
    way = pl.when("up").then(pl.lit(ways[0])).otherwise(pl.lit(ways[1]))
    return rows.select(pl.when("told").then(pl.format("{} ({})", "fact", way))).to_series()
