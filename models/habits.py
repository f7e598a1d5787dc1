"""How a player plays, as numbers for learners and as words for people: what tasks about players have in common.

All of it rests on a snapshot's features, which end before its base day (pipelines/players/features.py).
"""

import math
from collections.abc import Mapping, Sequence

import polars as pl

from models.explain.reasons import Kind, counted, days_played, percent, spoken
from models.given import Change

_DAYS = tuple(f"active_days_{n}" for n in (1, 7, 14, 28, 90, "life"))

# What a task's rows must carry for it.
INPUTS: dict[str, pl.DataType] = {
    **{
        name: pl.Float64()
        for name in (
            *("recency_days", "tenure_days", "streak_days", "best_streak_days", "gap_mean_28", "gap_sd_28"),
            *("heat_3", "heat_10", "heat_30", "events_7", "events_28", "events_90", "sessions_28"),
            *("minutes_per_session", "weekend_share", "app_active_3", "app_active_7", "app_active_28"),
            *_DAYS,
        )
    },
    **{name: pl.Int64() for name in ("next_calendar_days", "last_calendar_days")},
}

# Of an app that says what play ends with, see `pipelines.players.facts.has_ended`; 0 for all elsewhere.
ENDED: dict[str, pl.DataType] = {"ended": pl.Float64()}

NEAR_DAYS = 28  # beyond which a date of the calendar moves no answer


def nearness(days: str) -> pl.Expr:
    """How near a date of the calendar is: 1 on the day, 0 beyond NEAR_DAYS, where it would but tell the season."""
    away = pl.col(days)
    return pl.when(away <= NEAR_DAYS).then((-away / 7).exp()).otherwise(0.0)


_RECENCY = pl.col("recency_days").fill_null(90)
_GAP = pl.col("gap_mean_28").fill_null(14).clip(1, 28)
_TENURE = pl.col("tenure_days").fill_null(0)
_WEEK, _MONTH = pl.col("active_days_7") / 7, pl.col("active_days_28") / pl.col("tenure_days").fill_null(0).clip(1, 28)

FEATURES: dict[str, pl.Expr] = {
    "log_recency": _RECENCY.log1p(),
    "overdue": (_RECENCY / _GAP).log1p(),
    "log_gap": _GAP.log(),
    "gap_spread": pl.col("gap_sd_28").fill_null(7).log1p(),
    "heat_3": pl.col("heat_3").fill_null(0).log1p(),
    "heat_10": pl.col("heat_10").fill_null(0).log1p(),
    "heat_30": pl.col("heat_30").fill_null(0).log1p(),
    "active_1": pl.col("active_days_1"),
    "active_7": _WEEK,
    "active_14": pl.col("active_days_14") / 14,
    "active_28": pl.col("active_days_28") / 28,
    "active_90": pl.col("active_days_90") / 90,
    "share_of_tenure": _MONTH,
    "slowing": ((_WEEK + 0.02) / (_MONTH + 0.02)).log(),
    "log_events_7": pl.col("events_7").log1p(),
    "log_events_28": pl.col("events_28").log1p(),
    "log_events_90": pl.col("events_90").fill_null(0).log1p(),
    "streak": pl.col("streak_days").log1p(),
    "best_streak": pl.col("best_streak_days").fill_null(0).log1p(),
    "log_tenure": _TENURE.log1p(),
    "log_life": pl.col("active_days_life").fill_null(0).log1p(),
    "log_sessions": pl.col("sessions_28").log1p(),
    "log_minutes": pl.col("minutes_per_session").fill_null(0).log1p(),
    "weekends": pl.col("weekend_share").fill_null(2 / 7),
    "app_7": pl.col("app_active_7"),
    "app_ratio": ((pl.col("app_active_3") + 0.02) / (pl.col("app_active_28") + 0.02)).log(),
    "next_calendar": nearness("next_calendar_days"),
    "last_calendar": nearness("last_calendar_days"),
}

# Alike for all players on a day, or a clock that tells one day from another.
COMMON = frozenset({"app_7", "app_ratio", "log_tenure", "log_life", "next_calendar", "last_calendar"})

_EVENTS = ("log_events_7", "log_events_28", "log_events_90")

# Who played on one day alone is told so once: when, not also for how long they have been there and how often.
_ONCE = pl.col("active_days_life") == 1
# The pauses that ended in the last 28 days.
_PAUSE = pl.col("gap_mean_28").round(2)
_BEFORE = (
    pl.when(pl.col("active_days_28") == 1)
    .then(pl.format(", and {} before that", counted(_PAUSE, "day")))
    .when(_PAUSE == 1)
    .then(pl.lit(", before that every day"))
    .when(_PAUSE < 1.5)
    .then(pl.lit(", before that almost every day"))
    .otherwise(pl.format(", before that every {} on average", counted(_PAUSE, "day")))
    .fill_null("")
)
FEW_DAYS = 5  # of play: a share of fewer says little


def dated(to_next: pl.Expr, since_last: pl.Expr) -> pl.Expr:
    """How near the dates of the calendar are; null where none is within NEAR_DAYS."""
    coming = pl.when(to_next <= NEAR_DAYS).then(to_next)
    gone = pl.when(since_last <= NEAR_DAYS).then(since_last)
    ahead = (
        pl.when(coming == 0)
        .then(pl.lit("today is a date of the calendar"))
        .otherwise(pl.format("{} to the next date of the calendar", counted(coming, "day")))
    )
    behind = pl.format("{} since the last date of the calendar", counted(gone, "day"))
    return pl.coalesce(pl.format("{}, {}", ahead, pl.format("{} since the last", spoken(gone))), ahead, behind)


KINDS: Mapping[str, Kind] = {
    "quiet": Kind(
        ("log_recency", "overdue", "log_gap", "gap_spread"),
        pl.when(_ONCE.not_()).then(pl.format("last played {} ago{}", counted("recency_days", "day"), _BEFORE)),
        "how long ago they last played, against their usual pause",
        "recency_days",
    ),
    "week": Kind(
        ("active_1", "active_7", "heat_3", "slowing"),
        days_played("active_days_7", 7),
        "how much they played in the last days",
        "active_days_7",
    ),
    # What goes together is one fact: apart, each would only correct the others, and a fact that corrects tells nothing.
    "often": Kind(
        (
            *("active_14", "active_28", "active_90", "share_of_tenure", "heat_10", "heat_30", *_EVENTS),
            *("streak", "best_streak", "log_sessions", "log_minutes"),
        ),
        pl.when(_ONCE)
        .then(pl.format("{} so far", counted("sessions_28", "visit")))
        .when(pl.col("active_days_28") == 0)
        .then(days_played("active_days_28", 28))
        .otherwise(pl.format("{}, {}", days_played("active_days_28", 28), counted("sessions_28", "visit"))),
        "how often and how much they play",
        "active_days_28",
    ),
    "tenure": Kind(
        ("log_tenure", "log_life"),
        pl.when(_ONCE)
        .then(pl.format("played on one day only, {} ago", counted("tenure_days", "day")))
        .otherwise(
            pl.format(
                "first played {} ago, on {} in all", counted("tenure_days", "day"), counted("active_days_life", "day")
            )
        ),
        "how long they have been there",
        "tenure_days",
    ),
    "weekends": Kind(
        ("weekends",),
        pl.when(pl.col("active_days_90") >= FEW_DAYS).then(
            pl.format("{} at weekends", percent("weekend_share", "the days with play in the last 90 were"))
        ),
        "whether they play at weekends",
        "weekend_share",
    ),
    # Alike for all on a day, so that it says nothing of one of them.
    "app": Kind(("app_7", "app_ratio"), pl.lit(None, pl.String), "how lively the app is as a whole"),
    "calendar": Kind(
        ("next_calendar", "last_calendar"),
        dated(pl.col("next_calendar_days"), pl.col("last_calendar_days")),
        "how near the dates of the calendar are",
    ),
}


TO_AN_END = Kind(
    tuple(ENDED),
    pl.when(pl.col("ended") > 0).then(pl.lit("the last that they did is what play ends with")),
    "whether they have come to the end of what there is",
)


def changes() -> Sequence[Change]:
    """That a player had also played on each of the last days before the night, or done more on the days they did."""
    return [*(_also_played(days) for days in range(1, 7)), *(_did_more(share) for share in (1.5, 2.0))]


def _also_played(days: int) -> Change:
    """What would be known of a player who had played on the last `days` days as on a usual day, and did on none."""
    last = pl.col("recency_days")
    played = pl.col("active_days_28").fill_null(0)
    share = {name: pl.col(name).fill_null(0) / pl.max_horizontal(played, 1) for name in ("events_28", "sessions_28")}
    gaps, sd = pl.col("gap_mean_28").fill_null(0), pl.col("gap_sd_28").fill_null(0)
    since = last - days
    n = played + days
    mean = (gaps * played + since + (days - 1)) / n
    square = ((sd**2 + gaps**2) * played + since**2 + (days - 1)) / n
    run = pl.when(since <= 1).then(pl.col("streak_days").fill_null(0) + days).otherwise(days)
    values = {
        "recency_days": pl.lit(1.0),
        "streak_days": run,
        "best_streak_days": pl.max_horizontal(pl.col("best_streak_days").fill_null(0), run),
        "gap_mean_28": mean,
        "gap_sd_28": (square - mean**2).clip(0).sqrt(),
        "sessions_28": pl.col("sessions_28") + days * pl.max_horizontal(share["sessions_28"], 1),
    }
    values |= {f"active_days_{k}": pl.col(f"active_days_{k}") + min(days, k) for k in (1, 3, 7, 14, 28, 90)}
    values["active_days_life"] = pl.col("active_days_life") + days
    done = pl.max_horizontal(share["events_28"], 1)
    for span in (1, 7, 28, 90):
        values[f"events_{span}"] = pl.col(f"events_{span}").fill_null(0) + done * min(days, span)
    for span in (3, 10, 30):  # as features_play.sql has it
        heat = sum(math.exp(-age / span) for age in range(1, days + 1))
        values[f"heat_{span}"] = pl.col(f"heat_{span}") + heat
    text = "they had played yesterday" if days == 1 else f"they had played on each of the last {days} days"
    return Change("also played", days, pl.lit(text), values, possible=last > days)


def _did_more(share: float) -> Change:
    """What would be known of a player who had done more on the days on which they played."""
    values = {f"events_{n}": pl.col(f"events_{n}") * share for n in (1, 7, 28, 90)}
    much = "half as much again" if share < 2 else "twice as much"
    text = pl.lit(f"they had done {much} on the days on which they played")
    return Change("did more", share, text, values, possible=pl.col("events_28") > 0)
