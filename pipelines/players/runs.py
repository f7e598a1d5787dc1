"""The player's streaks as a screen shows them: how long they are, and until when they last."""

import datetime as dt

import polars as pl

from configs.app import App
from pipelines.activity.metric_sql import derived_sql
from pipelines.activity.parts import DERIVED
from pipelines.activity.streaks import BREAKS_ON
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
    found = _newest_runs(known, who, names)
    rows = who.select("player_key")
    for name in names:
        field = pl.struct(pl.col("days", "best").fill_null(0), "play_by").alias(name)
        mine = rows.join(found.filter(metric=name), on="player_key", how="left", maintain_order="left")
        rows = rows.hstack(mine.select(field))
    return rows.select("player_key", streaks=pl.struct(names))


def streaks_of(app: App) -> list[str]:
    """The app's metrics that are runs of days."""
    return [name for name, metric in app.metrics.items() if metric.aggregation.runs]


def _newest_runs(known: Known, who: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """player_key, metric, days, best, play_by of who ever had a run.

    Play after the night tells of a run that it went on, and no longer when it would have ended: it is looked at anew
    as it was known then.
    """
    open_end, base_day = f"DATE '{dt.date.max}'", f"DATE '{known.base_day}'"
    listed = ", ".join(f"'{name}'" for name in names)
    with known.lend(asked=who.select("player_key")):
        known.run(
            f"""CREATE OR REPLACE TEMP TABLE newest_runs AS
                SELECT player_key, metric, max(value)::BIGINT AS best, max_by(value, day)::BIGINT AS days,
                       {BREAKS_ON} AS breaks_on, arg_max_null(key, day) IS NULL OR breaks_on = {open_end} AS went_on
                FROM ({DERIVED}) SEMI JOIN asked USING (player_key)
                WHERE metric IN ({listed}) AND day < {base_day} GROUP BY player_key, metric"""
        )
    known.run("CREATE OR REPLACE TEMP TABLE runs_again AS SELECT DISTINCT player_key FROM newest_runs WHERE went_on")
    then = [derived_sql(known.app, name, "runs_again", f"TIMESTAMPTZ '{known.cut.isoformat()}'") for name in names]
    return known.frame(
        f"""SELECT player_key, metric, best, CASE WHEN breaks_on >= {base_day} THEN days ELSE 0 END AS days,
                   CASE WHEN breaks_on >= {base_day} AND ends_on < {open_end} THEN ends_on::VARCHAR END AS play_by
            FROM (SELECT n.*, CASE WHEN went_on THEN a.ends_on ELSE breaks_on END AS ends_on
                  FROM newest_runs n LEFT JOIN (
                      SELECT player_key, metric, {BREAKS_ON} AS ends_on
                      FROM ({" UNION ALL BY NAME ".join(f"FROM ({each})" for each in then)})
                      GROUP BY player_key, metric) a USING (player_key, metric))
            ORDER BY player_key, metric"""
    )
