"""Were earlier challenges kept? Settlement reads the same window values that the labels were made of."""

import datetime as dt

import polars as pl

from configs.app import App
from pipelines.activity.freshness import touching
from pipelines.challenges.parts import each_part
from pipelines.known import Known
from pipelines.windows import SO_FAR, completed, crossings, window_values

OPEN = {"content_id": pl.String(), "player_key": pl.Int64(), "progress": pl.Float64(), "so_far": SO_FAR}


def settle_challenges(known: Known) -> pl.DataFrame:
    """Settle what can be settled by a night, and write settlements and XP.

    - Completed: with the event that reached its target, as soon as that is known. It is paid once and stays completed;
      a late event may only move that moment earlier.
    - Expired: when its window is over and known in whole, that is, the app's input is silent on none of its days. One
      in which the player paused expires with that reason, and counts nowhere against them.
    - Completed late: within the app's grace period a late event may still complete an expired one. A new revision says
      so, with its own XP entry.
    - Taken back: where an event behind a completed one was retracted, a new revision says that it is open again, or
      expired. What it paid stays or goes as the app's `on_retraction` says; what a night paid under `keep` stays even
      if the app revokes by now, since its share of the night's budget has been promised to others.

    A night that issues nothing writes nothing and only looks.

    Args:
        known: What the night may see.

    Returns:
        The challenges still open: content_id, player_key, progress (0 to 1), so_far (SO_FAR).
    """
    with known.lend(lost=_lost_events(known)):
        due = known.frame(known.fixed("challenges/due_challenges"), settling_limits(known))
    if due.is_empty():
        return pl.DataFrame(schema=OPEN)
    running = known.running_days()
    valued = with_outcomes(known, due).join(running, on="player_key", how="left", maintain_order="left")
    over = (pl.col("end_day") < pl.col("running_day")) & ~pl.col("content_id").is_in(_unknown(known, due))
    first_time = pl.col("settled_revision").is_null() | pl.col("is_reopened")
    undone = ~pl.col("hit") & pl.col("is_completed").fill_null(value=False) & pl.col("lost_events")
    kept = _completed_rows(known, valued.filter("hit"))
    paused = touching(due, known.pauses())["content_id"].to_list()
    missed = valued.filter(~pl.col("hit") & over & first_time).with_columns(
        state=pl.lit("expired"),
        completed_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
        event_id=pl.lit(None, dtype=pl.String),
        reason=pl.when(~_still_counted(known.app))
        .then(pl.lit("window over, the app no longer counts this"))
        .when(pl.col("content_id").is_in(paused))
        .then(pl.lit("window over, the player paused in it"))
        .when("played")
        .then(pl.lit("window over, target not reached"))
        .otherwise(pl.lit("window over, no play")),
        earned="known_xp",
    )
    lost = _undone_rows(known.app, valued.filter(undone).with_columns(over=over))
    settled = pl.concat([kept, missed.select(kept.columns), lost.select(kept.columns)])
    if known.night.issues:
        with known.warehouse.transaction():
            known.warehouse.append("settlements", _settlements(known, settled), on_conflict_skip=True)
            known.run(known.fixed("challenges/pay_settlements"), {"as_of": known.as_of, "cut": known.cut})
    still = valued.filter(~pl.col("hit") & ~over & (first_time | undone))
    return still.select(*OPEN)


def with_outcomes(known: Known, challenges: pl.DataFrame) -> pl.DataFrame:
    """Add value, played, hit, progress and so_far to challenges.

    One that asks for several things is hit when each of them is, and as far as they are on average; its value is the
    first one's. `so_far` (SO_FAR) tells of each.

    Args:
        known: What is known of what came of them.
        challenges: player_key, metric, start_day, end_day, target, op and, where any asks for several things, also.
    """
    rows = challenges.with_row_index("window_id")
    parts = each_part(rows, "window_id", "player_key", "start_day", "end_day").with_row_index("of")
    valued = window_values(known, parts.select("player_key", "metric", "start_day", "end_day", window_id="of"))
    share = (
        pl.when(pl.col("op") == ">=")
        .then(pl.col("value") / pl.col("target"))
        .otherwise(pl.col("target") / pl.col("value"))
    )
    told = parts.select("window_id", "op", "target").hstack(valued.select("value", "played"))
    told = told.with_columns(
        hit=completed(pl.col("value"), pl.col("op"), pl.col("target")),
        progress=share.fill_nan(0.0).fill_null(0.0).clip(0.0, 1.0),
    )
    every = told.group_by("window_id").agg(  # its rows stay in their order: the first part is the first
        pl.col("value", "played").first(),
        pl.col("hit").all(),
        pl.col("progress").mean(),
        so_far=pl.struct("value", "progress"),
    )
    return rows.join(every, on="window_id", how="left", maintain_order="left")


def _still_counted(app: App) -> pl.Expr:
    """Whether the app still has the metrics that a challenge asks for."""
    names = list(app.metrics)
    others = pl.col("also").list.eval(pl.element().struct.field("metric").is_in(names)).list.all()
    return pl.col("metric").is_in(names) & others.fill_null(value=True)


def _lost_events(known: Known) -> pl.DataFrame:
    """content_id of what was settled, of whose window an event was taken back since."""
    if not known.value("SELECT count(*) FROM (FROM retracted_events LIMIT 1)"):
        return pl.DataFrame(schema={"content_id": pl.String})
    return known.frame(known.fixed("challenges/lost_events"), {"as_of": known.as_of, "cut": known.cut})


def _undone_rows(app: App, undone: pl.DataFrame) -> pl.DataFrame:
    """Completed challenges (with `over`) that are so no longer, since an event was taken back."""
    return undone.with_columns(
        state=pl.when("over").then(pl.lit("expired")).otherwise(pl.lit("reopened")),
        completed_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
        event_id=pl.lit(None, dtype=pl.String),
        reason=pl.lit("an event that it rested on was taken back"),
        earned=pl.when(_stays_paid(app)).then("known_xp").otherwise(pl.lit(0, dtype=pl.Int32)),
    )


def _stays_paid(app: App) -> pl.Expr:
    """Whether what a challenge has paid is never taken back: it was kept by the settlement before, or the app keeps."""
    before = pl.col("stays_paid").fill_null(value=False) & (pl.col("known_xp") > 0)
    return before | pl.lit(app.on_retraction == "keep")


def settling_limits(known: Known) -> dict[str, object]:
    """Parameters of the query for challenges to settle: an expired one may be completed late since `grace_from`.

    Days of which a recent night, or the last one published, knew nothing move it back: their grace begins only when
    their events can have come in.
    """
    as_of = known.as_of
    grace_from = as_of - dt.timedelta(days=known.app.challenges.grace_days + 1)
    doubted = known.warehouse.value(
        """SELECT min(CAST(silent->0->>0 AS TIMESTAMP))::DATE FROM nights
           WHERE as_of <= $d
             AND as_of >= least($since, (SELECT max(as_of) FROM nights WHERE status = 'published' AND as_of < $d))""",
        {"since": grace_from, "d": as_of},
    )
    since = {"grace_from": min(grace_from, doubted or grace_from), "doubted_from": doubted}
    return {"as_of": as_of, **since}


def _unknown(known: Known, due: pl.DataFrame) -> list[str]:
    """The challenges with a day in their window of which nothing is known."""
    if not known.night.silences:
        return []
    return touching(due, known.unknown_days())["content_id"].to_list()


def _completed_rows(known: Known, hits: pl.DataFrame) -> pl.DataFrame:
    crossed = _last_crossings(known, hits)
    late = pl.col("settled_revision").is_not_null()
    earlier = pl.col("crossed_at") < pl.col("known_completed_at")
    found = hits.join(crossed, on="window_id", how="left", maintain_order="left")
    return found.filter(~pl.col("is_completed").fill_null(value=False) | earlier).select(
        *("content_id", "player_key", "settled_revision", "played", "known_xp", "stays_paid", "so_far"),
        progress=pl.lit(1.0),
        state=pl.lit("completed"),
        completed_at=pl.col("crossed_at"),
        event_id=pl.col("event_id"),
        reason=pl.when("is_completed")
        .then(pl.lit("completed by an earlier event that came late"))
        .when(late & ~pl.col("is_reopened"))
        .then(pl.lit("completed by a late event"))
        .otherwise(pl.lit("target reached")),
        earned=pl.col("xp"),
    )


def _last_crossings(known: Known, hits: pl.DataFrame) -> pl.DataFrame:
    """window_id, crossed_at and event_id of the event with which the last thing that is asked for was reached."""
    parts = each_part(hits, "window_id", "player_key", "start_day", "end_day").with_row_index("of")
    crossed = crossings(known, parts.drop("window_id", "part").rename({"of": "window_id"}))
    of = parts.select("window_id", of="of").join(crossed.rename({"window_id": "of"}), on="of", how="inner")
    last = of.sort("window_id", "crossed_at", "of").unique("window_id", keep="last", maintain_order=True)
    return last.select("window_id", "crossed_at", "event_id")


def _settlements(known: Known, settled: pl.DataFrame) -> pl.DataFrame:
    return settled.select(
        "content_id",
        "player_key",
        "state",
        "completed_at",
        "event_id",
        "progress",
        "so_far",
        "played",
        "reason",
        revision=pl.col("settled_revision").fill_null(0) + 1,
        as_of=pl.lit(known.as_of),
        xp=pl.col("earned"),
        stays_paid=_stays_paid(known.app),
    )
