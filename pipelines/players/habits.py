"""When and how much players play, and with whom: what features tell of a player's ways, as a profile says it."""

import math

import polars as pl

from configs.app import App
from pipelines.engines.laid import Frame
from pipelines.players.standing import mid_rank

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PARTS_OF_DAY = ("night", "morning", "afternoon", "evening")  # six hours each, from midnight on
ANY = "any"
# Hours whose mean direction is shorter than this have no middle: three quarters of a day lie within 9 hours at most.
TOGETHER = 0.4
SAME_HOUR = 1e-9  # of the mean direction of hours
# Gaps between days with play: how bursty they are, from -1 (all alike) over 0 (by chance) to 1.
REGULAR, BURSTY = -0.3, 0.2
FEWEST_DAYS = 4


def describe_habits(app: App, features: Frame) -> pl.DataFrame:
    """When, how much and with whom each player plays.

    The rhythm is told by the gaps between days with play of 28: B = (s - m) / (s + m), m being their mean and s their
    standard deviation (Goh and Barabasi 2008, EPL 81, 48002): `regular` below -0.3, `bursty` above 0.2, `mixed`
    between; null with fewer than four such days.

    Args:
        app: Its social metrics.
        features: One row per player.

    Returns:
        In the order of `features`: player_key, and as Structs
        habits: usual_hour (0 to 23), hours_together (0 to 1: how close together the hours lie), part_of_day (`any`
        where they lie anywhere; all three null where only dates are known), a share for each weekday (of the last
        eight), days_a_week, sessions_a_day, minutes_a_session (null below one: moments of single events do not tell),
        rhythm;
        engagement: active_days_7, _28 and _90, sessions_28, minutes_28, streak_days, best_streak_days,
        days_since_play, days_known;
        social: for each social metric last_28_days and standing (0 to 1), null where the app has none.
    """
    return features.select("player_key", habits=_habits(app), engagement=_engagement(), social=_social(app))


def _habits(app: App) -> pl.Expr:
    angle = pl.arctan2("hour_sin", "hour_cos") / (2 * math.pi) * 24
    together = (pl.col("hour_sin") ** 2 + pl.col("hour_cos") ** 2).sqrt().clip(0, 1)
    hour = ((angle + 24.5) % 24).floor().cast(pl.Int32)
    part = (hour // 6).replace_strict(dict(enumerate(PARTS_OF_DAY)), return_dtype=pl.String)
    timed, days = ~_only_dated(app), pl.col("active_days_28")
    minutes = pl.col("minutes_per_session")
    weeks = pl.col("tenure_days").clip(7, 28) / 7
    return pl.struct(
        pl.when(timed).then(hour).alias("usual_hour"),
        pl.when(timed).then(together.round(2)).alias("hours_together"),
        pl.when(timed & (together >= TOGETHER)).then(part).when(timed).then(pl.lit(ANY)).alias("part_of_day"),
        *(pl.col(f"on_{day}").fill_null(0.0).round(2).alias(day) for day in WEEKDAYS),
        (days / weeks).round(1).alias("days_a_week"),
        (pl.col("sessions_28") / days.clip(1)).round(1).alias("sessions_a_day"),
        pl.when(minutes >= 1).then(minutes.round(1)).alias("minutes_a_session"),
        _rhythm().alias("rhythm"),
    )


def _only_dated(app: App) -> pl.Expr:
    """Whether all events lie in the hour in which a day begins, with no time between them: dates alone."""
    angle = 2 * math.pi * app.day_starts_at.hour / 24
    apart = (pl.col("hour_sin") - math.sin(angle)).abs() + (pl.col("hour_cos") - math.cos(angle)).abs()
    return ((apart < SAME_HOUR) & (pl.col("minutes_28").fill_null(0.0) == 0)).fill_null(False)


def _rhythm() -> pl.Expr:
    spread, mean = pl.col("gap_sd_28"), pl.col("gap_mean_28")
    bursty = (spread - mean) / (spread + mean)
    word = pl.when(bursty < REGULAR).then(pl.lit("regular")).when(bursty > BURSTY).then(pl.lit("bursty"))
    return pl.when((pl.col("active_days_28") >= FEWEST_DAYS) & bursty.is_finite()).then(word.otherwise(pl.lit("mixed")))


def _engagement() -> pl.Expr:
    same = ("active_days_7", "active_days_28", "active_days_90", "sessions_28", "streak_days", "best_streak_days")
    return pl.struct(
        *(pl.col(name).fill_null(0).cast(pl.Int64) for name in same),
        pl.col("minutes_28").round(1),
        pl.col("recency_days").cast(pl.Int64).alias("days_since_play"),
        pl.col("tenure_days").cast(pl.Int64).alias("days_known"),
    )


def _social(app: App) -> pl.Expr:
    told = [
        pl.struct(
            pl.col(f"{name}__28").fill_null(0.0).round(3).alias("last_28_days"),
            mid_rank(pl.col(f"{name}__28").fill_null(0.0)).round(3).alias("standing"),
        ).alias(name)
        for name in app.social_metrics
    ]
    return pl.struct(told) if told else pl.lit(None, pl.String)
