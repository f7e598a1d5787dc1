"""What challenges, missions and achievements are called, and what they ask for: a list in a column, or a row each."""

import polars as pl

# The content types that ask players for something.
DAILY, MISSION, ACHIEVEMENT = "daily_challenge", "adaptive_mission", "custom_achievement"
PART = pl.Struct({"metric": pl.String(), "op": pl.String(), "target": pl.Float64()})
PARTS = pl.List(PART)
OCCASIONS = ("rising", "steady", "easing")  # of a mission, by how the last ones went


def each_part(rows: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """A row for each requirement of what is asked: the keys, part (0 for the first), metric, op and target.

    Args:
        rows: metric, op, target and, where any asks for several things, also (PARTS).
        keys: Columns that are kept.
    """
    first = rows.select(*keys, pl.lit(0, pl.Int64).alias("part"), "metric", "op", "target")
    if "also" not in rows.columns or rows["also"].list.len().fill_null(0).sum() == 0:
        return first
    more = (
        rows.select(*keys, "also", part=pl.int_ranges(1, pl.col("also").list.len() + 1))
        .filter(pl.col("also").list.len() > 0)
        .explode("also", "part")
        .unnest("also")
        .select(first.columns)
    )
    return pl.concat([first, more])
