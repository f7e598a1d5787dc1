"""How long what is asked takes, by how long such play took in the last 28 days.

The time between an event and the one before it in the same session is the time of what the later one ends; where the
app's events say themselves how long they took, at least that; what is told at one moment, such as the lines of an
order, takes it together where one of them says so. So a session is shared out among what was done in it,
and a lesson does not take the time of all else that is done beside lessons. Pooled over players:

    minutes of one event = mean over the events that a metric counts or might have counted (tries)
    minutes of one unit  = minutes of one event * tries / units, of what adds up;
                           of different things one event each; of a best one, the tries of a day with any

A try is an event that meets the metric's conditions on what players choose, whatever came of it: who is asked for 80
points in a lesson may need two lessons; an answer is no try at a question, and a trade without a stop none at one with.
A player's own pace is their time of 28 days over what their events would take by these figures, drawn to the pace of
all as if by an hour more of play.
"""

import datetime as dt
from dataclasses import dataclass

import polars as pl
from sqlglot import exp

from configs.app import App
from configs.expressions import parse_condition
from configs.metrics import Metric
from configs.nouns import minutes_of
from configs.wording import metric_words
from pipelines.activity.metric_sql import event_marks, property_types
from pipelines.challenges.parts import each_part
from pipelines.engines.laid import Frame
from pipelines.known import Known

DAYS = 28
SAMPLE = 2_000  # players whose events are looked at one by one
LEAST = 10  # events of which the time is known; else those of any kind tell
SESSION_MIN = 30.0
PRIOR_MIN = 60.0
MOST_WAY = 2.0  # nobody is taken for more than twice as slow or fast as all
DAY_MIN = 24 * 60
EXACT = "DECIMAL(38, 6)"  # whose sum is the same in whatever order it is taken


@dataclass(frozen=True)
class Pace:
    """How long play takes.

    Attributes:
        metrics: metric, kinds (its events), per_unit and per_day (minutes; null: nothing says how long it takes).
        players: player_key, way (their time by that of all), minutes_28 and active_days_28.
    """

    metrics: pl.DataFrame
    players: pl.DataFrame


def units_of_time(app: App) -> dict[str, float]:
    """The metrics that count time, with the minutes that one of their unit is."""
    words = {name: metric_words(app, name) for name in app.metrics}
    minutes = {name: minutes_of(said.unit or said.one) for name, said in words.items() if said}
    return {name: time for name, time in minutes.items() if time}


def learn_pace(known: Known, features: Frame) -> Pace:
    """How long one of each metric takes, and how quick each player is.

    Args:
        known: What the night may see.
        features: One row per eligible player at the night's base day.
    """
    spans = {"cut": known.cut, "since": known.base_day - dt.timedelta(days=DAYS), "until": known.base_day}
    played = features.select("player_key", "minutes_28", "sessions_28", "active_days_28", *_told_columns(known.app))
    known.run(_timed_sql(known.app), {**spans, "sample": SAMPLE, "gap": SESSION_MIN})
    metrics = _by_metric(known)
    kinds = known.frame(
        """SELECT event, sum(minutes) / count(*) AS each FROM timed_events WHERE minutes IS NOT NULL
           GROUP BY event ORDER BY event"""
    )
    with known.lend(kinds=kinds, played=played.select("player_key")):
        likely = known.frame(
            f"""SELECT player_key, sum(each::{EXACT})::DOUBLE AS likely
               FROM (SELECT player_key, event, day FROM events_at($cut) SEMI JOIN played USING (player_key)
                     WHERE active AND day >= $since AND day < $until)
               JOIN kinds USING (event) GROUP BY player_key ORDER BY player_key""",
            spans,
        )
    known.run("DROP TABLE timed_events")
    return Pace(metrics, _ways(known.app, played, likely))


def estimated_minutes(app: App, rows: pl.DataFrame, pace: Pace) -> pl.Series:
    """Minutes of what is asked: the goal's own where it asks for time, else by `Pace`; null where nothing tells.

    Several things are asked one after the other, but what the same events count is done in one. It takes at least a
    minute and no more than the player's usual play of so many days.

    Args:
        app: The app.
        rows: player_key, metric, op, target, window_days and, where any asks for several things, also.
        pace: From `learn_pace`.
    """
    parts = each_part(rows.with_row_index("at"), "at", "player_key")
    parts = parts.join(pace.metrics, on="metric", how="left", maintain_order="left")
    parts = parts.join(pace.players.select("player_key", "way"), on="player_key", how="left", maintain_order="left")
    adding = [name for name, one in app.metrics.items() if one.aggregation.adds_up]
    paced = pl.when(pl.col("metric").is_in(adding)).then(pl.col("target") * pl.col("per_unit")).otherwise("per_day")
    time = {name: unit for name, unit in units_of_time(app).items() if app.metrics[name].better == "higher"}
    goal = pl.col("target") * pl.col("metric").replace_strict(time, default=None, return_dtype=pl.Float64)
    parts = parts.with_columns(goal=goal, minutes=pl.coalesce(goal, paced * pl.col("way").fill_null(1.0)))
    each = parts.group_by("at", "kinds").agg(
        pl.col("minutes").max(), pl.col("goal").max(), pl.col("minutes").is_null().any().alias("open")
    )
    whole = each.group_by("at").agg(pl.col("minutes").sum(), pl.col("goal").max(), pl.col("open").any())
    told = rows.with_row_index("at").join(whole, on="at", how="left", maintain_order="left")
    told = told.join(pace.players, on="player_key", how="left", maintain_order="left")
    usual = pl.col("minutes_28") / pl.col("active_days_28").clip(1) * pl.col("window_days")
    most = pl.when(pl.col("minutes_28") > 0).then(pl.max_horizontal(usual, pl.col("goal").fill_null(0.0)))
    found = pl.when(~pl.col("open")).then(pl.min_horizontal("minutes", most)).clip(1, DAY_MIN)
    return told.select(estimated_minutes=found.round().cast(pl.Int32)).to_series()


def _told_columns(app: App) -> list[str]:
    return [f"{name}__28" for name in units_of_time(app) if app.metrics[name].agg == "sum"]


def _ways(app: App, played: pl.DataFrame, likely: pl.DataFrame) -> pl.DataFrame:
    """`Pace.players`. Gaps of less than a minute a session tell nothing of how long play takes, and count as 0."""
    between = pl.when(pl.col("minutes_28") >= pl.col("sessions_28")).then("minutes_28").otherwise(0.0)
    told = [pl.col(name) * units_of_time(app)[name.removesuffix("__28")] for name in _told_columns(app)]
    mine = played.select("player_key", pl.max_horizontal(between.alias("minutes_28"), *told), "active_days_28")
    mine = mine.join(likely, on="player_key", how="left", maintain_order="left").with_columns(
        pl.col("minutes_28", "likely").fill_null(0.0)
    )
    all_together = pl.col("minutes_28").sum() / pl.col("likely").sum()
    drawn = (pl.col("minutes_28") + PRIOR_MIN * all_together) / (pl.col("likely") + PRIOR_MIN) / all_together
    way = (
        pl.when((pl.col("minutes_28") > 0) & drawn.is_finite()).then(drawn.clip(1 / MOST_WAY, MOST_WAY)).otherwise(1.0)
    )
    return mine.select("player_key", "minutes_28", "active_days_28", way=way)


def _by_metric(known: Known) -> pl.DataFrame:
    app, rows = known.app, []
    overall = known.rows("SELECT sum(minutes) / count(minutes) FROM timed_events")[0][0]
    for number, name in enumerate(app.metrics):
        metric = app.metrics[name]
        timed, minutes, tries, units, days = known.rows(
            f"""SELECT count(minutes), sum(minutes) / count(minutes), count(*), sum(unit_{number})::DOUBLE,
                       count(DISTINCT (player_key, day))
                FROM timed_events WHERE try_{number}"""
        )[0]
        one = minutes if timed >= LEAST else overall
        a_day, a_unit = tries / max(days, 1), 1.0 if metric.aggregation.keyed or not units else tries / units
        if metric.agg == "days":  # what comes first in a session is begun with, and its time not known
            a_day = a_unit = (timed if timed >= LEAST else tries) / max(days, 1)
        kinds = " ".join(sorted(metric.events or app.active_events))
        rows.append((name, kinds, *(None if one is None else one * some for some in (a_unit, a_day))))
    names = {"metric": pl.String, "kinds": pl.String, "per_unit": pl.Float64, "per_day": pl.Float64}
    return pl.DataFrame(rows, schema=names, orient="row")


def _timed_sql(app: App) -> str:
    """The active events of some players, with the minutes that each took, as far as anything says so.

    Where gaps come to less than a minute a session they tell nothing.
    """
    marks, tries = event_marks(app), event_marks(_tried(app))
    told = [
        f"({marks[name]}) * {minutes}"
        for name, minutes in units_of_time(app).items()
        if app.metrics[name].agg == "sum" and name in marks
    ]
    columns = [
        f"({tries[name]}) IS NOT NULL AS try_{number}, {_unit(app.metrics[name], marks.get(name))} AS unit_{number}"
        for number, name in enumerate(app.metrics)
    ]
    return f"""
        CREATE OR REPLACE TEMP TABLE timed_events AS
        WITH sampled AS (
            SELECT player_key FROM known_active_days WHERE day >= $since AND day < $until
            GROUP BY player_key ORDER BY hash(player_key), player_key LIMIT $sample
        ),
        spaced AS (
            SELECT *, greatest({", ".join([*told, "NULL"])}) AS told, date_diff('second', lag(occurred_at) OVER (
                                    PARTITION BY player_key, day ORDER BY occurred_at, event_id
                                ), occurred_at) / 60.0 AS gap
            FROM events_at($cut) SEMI JOIN sampled USING (player_key)
            WHERE active AND day >= $since AND day < $until
        ),
        sessions AS (
            SELECT sum(gap) FILTER (gap < $gap) >= count(*) FILTER (coalesce(gap, $gap) >= $gap) AS tell
            FROM spaced
        )
        SELECT player_key, day, event, {", ".join(columns)}, TRY_CAST(
                   greatest(CASE WHEN gap < $gap AND tell THEN gap END, told,
                            CASE WHEN max(told) OVER (PARTITION BY player_key, occurred_at) > 0 THEN 0 END) AS {EXACT}
               ) AS minutes
        FROM spaced, sessions"""


def _unit(metric: Metric, mark: str | None) -> str:
    """What an event adds to what a metric comes to."""
    if mark is None or metric.aggregation.keyed or not metric.aggregation.adds_up:
        return f"NULL::{EXACT}"
    return f"TRY_CAST({mark} AS {EXACT})"


def _tried(app: App) -> App:
    """The app with its metrics counting tries: with the conditions on what is chosen alone."""
    metrics = {
        name: metric.model_copy(update={"agg": "count", "of": None, "per": None, "where": _chosen(app, metric)})
        for name, metric in app.metrics.items()
    }
    return app.model_copy(update={"metrics": metrics})


def _chosen(app: App, metric: Metric) -> str | None:
    """A metric's conditions that tell what was done from what came of it: those on properties that players choose."""
    if not metric.where:
        return None
    events = metric.events or app.active_events
    tree = parse_condition(metric.where, property_types(app, events))
    parts = tree.flatten() if isinstance(tree, exp.And) else [tree]
    declared = [(event, name) for event in events for name in ("value", *app.events[event].properties)]
    outcomes = {name for event, name in declared if (of := app.property_of(event, name)) and not of.is_chosen}
    kept = [part.sql() for part in parts if outcomes.isdisjoint(each.name for each in part.find_all(exp.Column))]
    return " AND ".join(kept) or None
