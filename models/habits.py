"""How a player plays, as numbers for learners and as words for people: what tasks about players have in common.

All of it rests on a snapshot's features, which end before its base day (pipelines/players/features.py).
"""

from collections.abc import Mapping

import polars as pl

from models.reasons import Kind, counted, spoken

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
    "next_calendar": (-pl.col("next_calendar_days").fill_null(60) / 7).exp(),
    "last_calendar": (-pl.col("last_calendar_days").fill_null(60) / 7).exp(),
}

# Alike for all players on a day, or a clock that tells one day from another.
COMMON = frozenset({"app_7", "app_ratio", "log_tenure", "log_life", "next_calendar", "last_calendar"})

KINDS: Mapping[str, Kind] = {
    "quiet": Kind(
        ("log_recency", "overdue", "log_gap", "gap_spread"),
        pl.format("last played {} ago", counted("recency_days", "day"))
        + pl.format(", usually every {}", counted("gap_mean_28", "day")).fill_null(""),
    ),
    "week": Kind(
        ("active_1", "active_7", "heat_3", "slowing"),
        pl.format("played on {} of the last 7 days", spoken("active_days_7")),
    ),
    "month": Kind(
        ("active_14", "active_28", "share_of_tenure", "heat_10", "heat_30"),
        pl.format("played on {} of the last 28 days", spoken("active_days_28")),
    ),
    "quarter": Kind(("active_90",), pl.format("played on {} of the last 90 days", spoken("active_days_90"))),
    "amount": Kind(
        ("log_events_7", "log_events_28", "log_events_90"),
        pl.format("{} in the last 28 days", counted("events_28", "action")),
    ),
    "streak": Kind(
        ("streak", "best_streak"),
        pl.when(pl.col("streak_days") > 0)
        .then(pl.format("a run of {} going on", counted("streak_days", "day")))
        .otherwise(pl.format("no run of days going on, the longest was {}", counted("best_streak_days", "day"))),
    ),
    "tenure": Kind(
        ("log_tenure", "log_life"),
        pl.format(
            "first played {} ago, on {} since", counted("tenure_days", "day"), counted("active_days_life", "day")
        ),
    ),
    "visits": Kind(
        ("log_sessions", "log_minutes"),
        pl.format(
            "{} in the last 28 days, about {} each",
            counted("sessions_28", "visit"),
            counted("minutes_per_session", "minute"),
        ),
    ),
    "weekends": Kind(
        ("weekends",),
        pl.format("{} % of the days with play are weekends", spoken(100 * pl.col("weekend_share"))),
    ),
    "app": Kind(
        ("app_7", "app_ratio"),
        pl.format("{} % of all players are there on a usual day of this week", spoken(100 * pl.col("app_active_7"))),
    ),
    "calendar": Kind(
        ("next_calendar", "last_calendar"),
        pl.coalesce(
            pl.format("{} to the next date of the calendar", counted("next_calendar_days", "day")),
            pl.format("{} since the last date of the calendar", counted("last_calendar_days", "day")),
        ),
    ),
}
