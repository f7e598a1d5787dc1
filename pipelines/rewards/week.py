"""A player's own week: the weekdays on which they mostly play, and those on which they do not."""

import polars as pl

from pipelines.known import Known


def with_own_days(known: Known, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `lands_on`: whether the last day that counts is one on which the player usually plays.

    Args:
        known: What the night may see.
        rows: player_key and valid_until; null for what has no end.

    Returns:
        `rows` with lands_on: 'usual', 'unusual', or null without a last day or where too little is known.
    """
    weeks = known.frame(known.fixed("rewards/own_weeks"), {"base_day": known.base_day})
    weeks = weeks.select(
        "player_key",
        pl.col("weekday").cast(pl.Int8),
        own=pl.when("usual").then(pl.lit("usual")).otherwise(pl.lit("unusual")),
    )
    found = rows.with_columns(weekday=pl.col("valid_until").dt.weekday()).join(
        weeks, on=["player_key", "weekday"], how="left", maintain_order="left"
    )
    return found.rename({"own": "lands_on"}).drop("weekday")
