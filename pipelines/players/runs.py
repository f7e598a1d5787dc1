"""The player's streaks as a screen shows them: how long they are, and until when they last."""

import datetime as dt

import polars as pl

from configs.app import App
from pipelines.activity.parts import DERIVED
from pipelines.activity.streaks import BREAKS_ON, goes_on_sql
from pipelines.known import Known


def describe_streaks(known: Known, who: pl.DataFrame) -> pl.DataFrame:
    """Each player's run of days in each of the app's streaks, with all that is forgiven.

    Args:
        known: What the night may see.
        who: player_key.

    Returns:
        player_key and streaks, a Struct with a field for each metric: {days (0 once it is broken), best, play_by (the
        last day on which playing still keeps it going, in ISO 8601; null: there is none to keep, or it asks for no
        play until further notice)}. Null throughout where the app has no streak.
    """
    names = streaks_of(known.app)
    if not names:
        return who.select("player_key", streaks=pl.lit(None, pl.String))
    with known.lend(asked=who.select("player_key")):
        found = known.frame(_runs_sql(known.base_day, names))
    rows = who.select("player_key")
    for name in names:
        field = pl.struct(pl.col("days", "best").fill_null(0), "play_by").alias(name)
        mine = rows.join(found.filter(metric=name), on="player_key", how="left", maintain_order="left")
        rows = rows.hstack(mine.select(field))
    return rows.select("player_key", streaks=pl.struct(names))


def streaks_of(app: App) -> list[str]:
    """The app's metrics that are runs of days."""
    return [name for name, metric in app.metrics.items() if metric.aggregation.runs]


def _runs_sql(base_day: dt.date, names: list[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return f"""
        SELECT player_key, metric, best, CASE WHEN goes_on THEN days ELSE 0 END AS days,
               CASE WHEN goes_on AND breaks_on < DATE '{dt.date.max}' THEN breaks_on::VARCHAR END AS play_by
        FROM (SELECT player_key, metric, max(value)::BIGINT AS best, max_by(value, day)::BIGINT AS days,
                     {goes_on_sql(base_day)} AS goes_on, {BREAKS_ON} AS breaks_on
              FROM ({DERIVED}) SEMI JOIN asked USING (player_key)
              WHERE metric IN ({listed}) AND day < DATE '{base_day}' GROUP BY player_key, metric)
        ORDER BY player_key, metric"""
