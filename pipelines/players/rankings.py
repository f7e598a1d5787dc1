"""How players are placed in the lists that an app file asks for, by what a metric came to over some days."""

import datetime as dt

import polars as pl

from pipelines.known import Known
from pipelines.players.standing import strength
from pipelines.windows import window_values

RANKINGS: dict[str, pl.DataType] = {
    "player_key": pl.Int64(),
    "ranking": pl.String(),
    "metric": pl.String(),
    "days": pl.Int32(),
    "cohort": pl.String(),
    "place": pl.Int32(),
    "players": pl.Int32(),
    "value": pl.Float64(),
    "next_value": pl.Float64(),
}
_AMONG = ("ranking", "cohort")


def rank_players(known: Known, players: pl.DataFrame) -> pl.DataFrame:
    """Each player's place in each of the app's `profile.rankings`, of those who have done any of it.

    Players with the same value share a place, and the one behind them stands as many places further.

    Args:
        known: What the night may see.
        players: player_key and cohort of whoever is to be listed.

    Returns:
        Columns RANKINGS, by player and ranking; cohort is null where everybody is listed together, next_value is that
        of whoever is next before the player, null for the first.
    """
    asked = known.app.profile.rankings
    if not asked or players.is_empty():
        return pl.DataFrame(schema=RANKINGS)
    lists = pl.DataFrame(
        [(name, one.metric, one.days, one.among == "cohort") for name, one in asked.items()],
        {"ranking": pl.String, "metric": pl.String, "days": pl.Int32, "apart": pl.Boolean},
        orient="row",
    )
    windows = players.select("player_key", "cohort").join(lists, on=None, how="cross").with_row_index("window_id")
    windows = windows.with_columns(
        cohort=pl.when("apart").then("cohort"),
        start_day=pl.lit(known.base_day) - pl.duration(days="days"),
        end_day=pl.lit(known.base_day - dt.timedelta(days=1)),
    )
    lower = pl.col("metric").is_in([name for name, metric in known.app.metrics.items() if metric.better == "lower"])
    rows = window_values(known, windows).filter(pl.col("value") != 0)
    rows = rows.with_columns(
        strength=pl.when(lower).then(strength("value", "lower")).otherwise(strength("value", "higher"))
    )
    rows = rows.with_columns(
        place=pl.col("strength").rank("min", descending=True).over(_AMONG), players=pl.len().over(_AMONG)
    )
    steps = rows.select(*_AMONG, "place", "value").unique().sort("ranking", "cohort", "place")
    steps = steps.with_columns(next_value=pl.col("value").shift(1).over(_AMONG)).drop("value")
    placed = rows.join(steps, on=[*_AMONG, "place"], how="left", nulls_equal=True)
    return placed.select(pl.col(name).cast(kind) for name, kind in RANKINGS.items()).sort("player_key", "ranking")
