"""Why a model says what it says of a player, in words: the facts that moved its answer most.

What features of one kind add to the log-odds is summed; a kind is told by a sentence with the player's own figures.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

MOST = 3
LEAST = 0.05  # log-odds; what moves an answer less is no reason
CLEAR = 0.2  # rank correlation from which on a figure has a way
Usual = tuple[float, float]  # the middle of a figure, and 1 where more of it raises answers, -1 where it lowers them
NO_USUAL: Mapping[str, Usual] = {}
RAISES, LOWERS = "raises it", "lowers it"


@dataclass(frozen=True)
class Kind:
    """Features that one fact stands behind.

    Attributes:
        features: Their names.
        text: The fact, from the columns of a task's rows; null where it cannot be told.
        about: What it is about, of any player.
        figure: The column that the fact tells, where more of it is more of one thing.
        alone: The figure is all that the fact tells, so that its way must be that of its reason.
    """

    features: tuple[str, ...]
    text: pl.Expr
    about: str
    figure: str | None = None
    alone: bool = True


def spoken(value: str | pl.Expr) -> pl.Expr:
    """A number as people say it: whole."""
    number = pl.col(value) if isinstance(value, str) else value
    return number.round(0).cast(pl.Int64).cast(pl.String)


def counted(value: str | pl.Expr, noun: str) -> pl.Expr:
    """A number with its noun: 1 day, 2 days."""
    whole = (pl.col(value) if isinstance(value, str) else value).round(0).cast(pl.Int64)
    return pl.format("{} {}", whole, pl.when(whole == 1).then(pl.lit(noun)).otherwise(pl.lit(f"{noun}s")))


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
    if kind.figure is None or kind.figure not in rows.columns:
        return False
    way = _together(rows[kind.figure], moved)
    return (kind.alone and abs(way) < CLEAR) or way * _together(rows[kind.figure], whole) < 0


def _together(one: pl.Series, other: pl.Series) -> float:
    """The rank correlation where both are known; 0 where either is constant."""
    pairs = pl.DataFrame({"one": one.cast(pl.Float64), "other": other}).drop_nulls()
    found = pairs.select(pl.corr("one", "other", method="spearman")).item()
    return float(found) if found is not None and math.isfinite(found) else 0.0


def usual_figures(rows: pl.DataFrame, contributions: pl.DataFrame, kinds: Mapping[str, Kind]) -> dict[str, Usual]:
    """The middle of each kind's figure, and which way more of it goes with what its kind adds, see `Usual`."""
    usual: dict[str, Usual] = {}
    for moved in told_by(contributions, kinds).get_columns():
        kind = kinds[moved.name]
        if kind.figure is None or not kind.alone or kind.figure not in rows.columns:
            continue
        way, middle = _together(rows[kind.figure], moved), rows[kind.figure].cast(pl.Float64).median()
        if isinstance(middle, float) and abs(way) >= CLEAR:
            usual[moved.name] = (middle, math.copysign(1.0, way))
    return usual


def share_of_kinds(importance: Mapping[str, float], kinds: Mapping[str, Kind]) -> dict[str, float]:
    """What a model looks at, for people: the shares of its features by what they are about, the largest first."""
    shares = {kind.about: sum(importance.get(f, 0.0) for f in kind.features) for kind in kinds.values()}
    rest = sum(importance.values()) - sum(shares.values())
    ranked = sorted(shares.items(), key=lambda each: -each[1])
    return {about: share for about, share in [*ranked, ("anything else", rest)] if share >= 0.005}


def reasons(
    rows: pl.DataFrame,
    contributions: pl.DataFrame | None,
    kinds: Mapping[str, Kind],
    usual: Mapping[str, Usual] = NO_USUAL,
    sign: pl.Series | None = None,
) -> pl.Series:
    """The strongest reasons of each row, as one text: "last played 9 days ago, usually every 2 days (raises it); …".

    Args:
        rows: A task's rows.
        contributions: What each feature adds to a row's log-odds, see `Learner.contributions`; None: unknown.
        kinds: Who tells what; features of none are not told.
        usual: What figures are and do usually; a fact whose figure lies on the other side of that is no reason.
        sign: -1 for rows whose published answer is the opposite of what was asked.

    Returns:
        Text, null where there is nothing to tell.
    """
    moved = None if contributions is None else told_by(contributions, kinds)
    if moved is None or not moved.width:
        return pl.Series("reasons", [None] * rows.height, dtype=pl.String)
    told = moved.columns
    ways = {f"way_{name}": _holds(kinds[name].figure, usual.get(name)) for name in told}
    holds = rows.with_columns(**ways).select(*ways)
    facts = rows.select(kinds[name].text.alias(f"told_{name}") for name in told)
    signs = pl.DataFrame({"sign": [1.0] * rows.height if sign is None else sign.cast(pl.Float64)})
    moved = moved.rename({name: f"by_{name}" for name in told})
    whole = pl.concat([moved, facts, holds, signs], how="horizontal")
    texts = whole.select(pl.concat_list([_weighed(name) for name in told]).list.drop_nulls().alias("all"))
    strongest = pl.col("all").list.sort(descending=True).list.head(MOST)
    joined = strongest.list.eval(pl.element().struct.field("text")).list.join("; ")
    return texts.select(pl.when(strongest.list.len() > 0).then(joined).alias("reasons")).to_series()


def _holds(figure: str | None, usual: Usual | None) -> pl.Expr:
    """Which way a figure should move the answer: 1 up, -1 down, 0 either, as where it is usual or not known."""
    if figure is None or usual is None:
        return pl.lit(0.0)
    middle, way = usual
    return ((pl.col(figure).cast(pl.Float64) - middle).sign() * way).fill_null(0.0)


def _weighed(name: str) -> pl.Expr:
    """How strong a kind is and what it says, null where it is no reason."""
    by, told, way = pl.col(f"by_{name}"), pl.col(f"told_{name}"), pl.col(f"way_{name}")
    text = pl.format("{} ({})", told, pl.when(by * pl.col("sign") > 0).then(pl.lit(RAISES)).otherwise(pl.lit(LOWERS)))
    is_one = (by.abs() >= LEAST) & told.is_not_null() & (by * way >= 0)
    return pl.when(is_one).then(pl.struct(size=by.abs().round(6), text=text))
