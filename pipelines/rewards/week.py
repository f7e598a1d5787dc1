"""A player's own week: the weekdays on which they mostly play, and those on which they do not."""

import polars as pl

from pipelines.known import Known


def with_own_days(known: Known, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `lands_on`: whether the one day that counts is one on which the player usually plays.

    Args:
        known: What the night may see.
        rows: player_key, window_days and valid_from; null both for what has no end.

    Returns:
        `rows` with lands_on: 'usual', 'unusual', or null where the player chooses among several days or too little is
        known of them.
    """
    weeks = known.frame(known.fixed("rewards/own_weeks"), {"base_day": known.base_day})
    weeks = weeks.select(
        "player_key",
        pl.col("weekday").cast(pl.Int8),
        own=pl.when("usual").then(pl.lit("usual")).otherwise(pl.lit("unusual")),
    )
    found = rows.with_columns(weekday=pl.col("valid_from").dt.weekday()).join(
        weeks, on=["player_key", "weekday"], how="left", maintain_order="left"
    )
    one_day = pl.col("window_days") == 1
    return found.with_columns(lands_on=pl.when(one_day).then("own")).drop("weekday", "own")
