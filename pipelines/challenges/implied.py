"""No deed is asked twice: what follows from something else that is asked of the player is left out.

Compared are targets, windows and definitions (`deeds.py`), never a player's habits. Of what is open, what is left to
do counts: three lessons tonight are no new deed to whom an open challenge lacks three.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import polars as pl

from configs.app import App
from pipelines.challenges.deeds import facts_of

ASKED = pl.Schema(
    {
        "player_key": pl.Int64(),
        "metric": pl.String(),
        "op": pl.String(),
        "target": pl.Float64(),
        "left": pl.Float64(),
        "start_day": pl.Date(),
        "end_day": pl.Date(),
        "counts": pl.Boolean(),  # among what a player may have open; of a mission once, whatever it asks for
    }
)
NOTHING_ASKED = pl.DataFrame(schema=ASKED)
EVER, FOREVER = dt.date(1, 1, 1), dt.date(9999, 12, 31)  # of lifetime goals
AT_ONCE = 40_000  # players whose rows are held against each other together: each has dozens of such pairs
_NEAR = 1e-9


def as_asked(rows: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Rows with metric, op, target, start_day and end_day as something asked anew: all of it is left to do."""
    return rows.with_columns(left=pl.col("target"), counts=pl.lit(value=True)).select(*keys, *ASKED)


def without_implied(app: App, rows: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """The rows that neither follow from what is asked of the same player nor make it follow.

    Args:
        app: Its metrics' definitions.
        rows: player_key, metric, op, target, start_day, end_day; others are kept.
        asked: The columns of ASKED; with base_day it counts for rows of that day only.
    """
    if rows.is_empty() or asked.is_empty():
        return rows
    facts = facts_of(app, asked["metric"].unique().to_list())
    numbered = rows.with_row_index("_row")
    keys = ["player_key", *(["base_day"] if "base_day" in asked.columns else [])]
    new = numbered.select("_row", *keys, "metric", "op", "target", "start_day", "end_day")
    found = [_implied(app, facts, keys, *some) for some in _some_players(new, asked)]
    return numbered.join(pl.concat(found), on="_row", how="anti", maintain_order="left").drop("_row")


def _some_players(new: pl.DataFrame, asked: pl.DataFrame) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Both frames of AT_ONCE players after the others; of what is asked of nobody else."""
    for some in new.select(pl.col("player_key").unique().sort()).iter_slices(AT_ONCE):
        yield new.join(some, on="player_key", how="semi"), asked.join(some, on="player_key", how="semi")


def _implied(
    app: App, facts: pl.DataFrame, keys: Sequence[str], new: pl.DataFrame, asked: pl.DataFrame
) -> pl.DataFrame:
    """_row of the new ones that follow or make something follow."""
    says = asked.join(facts, on="metric", how="inner").rename({"metric": "by", "other": "metric"})
    said = asked.join(facts.rename({"metric": "by", "other": "metric"}), on="metric", how="inner")
    said = said.rename({"metric": "of", "by": "metric"})
    follows = new.join(says, on=[*keys, "metric"], how="inner", suffix="_asked").filter(_open_makes_new())
    makes = new.join(said, on=[*keys, "metric"], how="inner", suffix="_asked").filter(_new_makes_open(app))
    return pl.concat([follows.select("_row"), makes.select("_row")]).unique()


def _open_makes_new() -> pl.Expr:
    """Whether doing what is left of the open one, from now on, reaches the new target."""
    begin = pl.max_horizontal("start_day", "start_day_asked")
    return _reaches(
        _outside(begin, pl.col("end_day_asked"), pl.col("start_day"), pl.col("end_day")),
        pl.col("left"),
        pl.col("op_asked"),
        pl.col("target"),
        pl.col("op"),
    )


def _new_makes_open(app: App) -> pl.Expr:
    """Whether the new target, in its window, completes the open one.

    Of the same metric, by what is left to do; of another, by what was asked. The last bit of something that takes a
    week is often done on the way, and would leave nothing else to ask. Different things may be those seen before.
    """
    again = [name for name, metric in app.metrics.items() if metric.aggregation.keyed]
    same = (pl.col("metric") == pl.col("of")) & ~pl.col("metric").is_in(again)
    return _reaches(
        _outside(pl.col("start_day"), pl.col("end_day"), pl.col("start_day_asked"), pl.col("end_day_asked")),
        pl.col("target"),
        pl.col("op"),
        pl.when(same).then("left").otherwise("target_asked"),
        pl.col("op_asked"),
    )


def _outside(first: pl.Expr, last: pl.Expr, other_first: pl.Expr, other_last: pl.Expr) -> pl.Expr:
    """How many days of a window lie outside another."""
    before = (other_first - first).dt.total_days().clip(0)
    after = (last - other_last).dt.total_days().clip(0)
    return before + after


def _reaches(outside: pl.Expr, target: pl.Expr, op: pl.Expr, other: pl.Expr, other_op: pl.Expr) -> pl.Expr:
    """Whether a fact carries a target over to another."""
    inside = pl.when(pl.col("of_days")).then(target - outside).when(outside == 0).then(target)
    counts, always = inside - pl.col("missed"), ~pl.col("of_days") & (pl.col("missed") == 0)
    sure = pl.when(always | (counts > 0)).then(counts)
    since = pl.col("since")
    holds = since.is_null() | pl.when(op == "<=").then(sure <= since).otherwise(sure >= since)
    times = pl.col("rate") * sure
    times = pl.when("whole").then((times - _NEAR).ceil()).otherwise(times)
    value = pl.when(pl.col("rate") > 0).then(pl.col("each") * times).otherwise("least")
    enough = pl.when(other_op == "<=").then(value <= other + _NEAR).otherwise(value >= other - _NEAR)
    return (sure.is_not_null() & holds & enough).fill_null(value=False)
