"""Traits: what marks a player's way of playing, each from -1 to 1 by standing among the night's players."""

from collections.abc import Iterable

import polars as pl

from configs.app import App
from configs.personas import TRAITS
from pipelines.engines.laid import Frame
from pipelines.players.standing import rank_share

_SMALLEST = 0.05
# A trait moves this many days of play away from the middle before it counts for half.
_DAYS_TO_TELL = 2.0
_NIGHT_HOUR = 1.0


def trait_names(app: App) -> list[str]:
    """The traits that the app's personas and styles name, in order of the alphabet; without any, those of every app."""
    named = (kind.traits for kinds in (app.personas, app.profile.styles) for kind in kinds.values())
    return sorted({trait for traits in named for trait in traits} or TRAITS)


def measure_traits(app: App, features: Frame, names: Iterable[str]) -> pl.DataFrame:
    """Each trait as 2 * standing - 1, drawn to 0 for those with few days of play.

    Standing is the mean rank among the players who have a value, from 0 to 1; without a value, or with all alike, the
    trait is 0. It is multiplied by d / (d + 2), d being the days with play of the last 28. Built-in traits:

    - intensity: events on a day with play, over 90 days.
    - boldness: the best day over 90 days, mean standing over the challenge metrics that are totals.
    - variability: spread over mean of a day's total in the app's `engagement.metric` (else the mean of it over the
      challenge metrics that are totals) from three days on; and of the gaps between days.
    - regularity: the share of days with play, how close together its hours are, and how even the gaps between days.
    - breadth: how many of the challenge metrics were touched in 28 days, per logarithm of events.
    - growth: the trend of the challenge metrics, a week against four.
    - night: how near to one o'clock at night play is, by the mean direction of its hours.
    - weekend: share of the days with play that are Saturdays or Sundays.

    A trait named after a metric is its 28-day total per event, or its value where it is no total.

    Args:
        app: Its metrics.
        features: One row per player.
        names: The traits wanted; one that is neither built in nor a metric is 0.

    Returns:
        player_key and a Float64 column for each name.
    """
    built_in = _built_in(app)
    raw = {name: built_in[name] if name in built_in else _of_metric(app, name) for name in names}
    days = pl.col("active_days_28")
    return features.select("player_key", days, **raw).select(
        "player_key", *(_centred(name) * days / (days + _DAYS_TO_TELL) for name in raw)
    )


def _centred(name: str) -> pl.Expr:
    return (2 * rank_share(pl.col(name)) - 1).alias(name)


def _built_in(app: App) -> dict[str, pl.Expr]:
    totals = [name for name in app.challenges.metrics if app.metrics[name].aggregation.adds_up]
    days, events = pl.col("active_days_28").clip(1), pl.col("events_28")
    gaps = pl.col("gap_sd_28") / pl.col("gap_mean_28").clip(1)
    own = app.engagement.metric
    sizes = [own] if own and app.metrics[own].aggregation.adds_up else totals
    bursts = [pl.col(f"{m}__sd") / pl.col(f"{m}__per_day").abs().clip(_SMALLEST) for m in sizes]
    burst = pl.when(pl.col("active_days_28") >= 3).then(pl.mean_horizontal(bursts)) if bursts else gaps
    share = pl.col("active_days_28") / pl.col("tenure_days").clip(1, 28)
    together = (pl.col("hour_sin") ** 2 + pl.col("hour_cos") ** 2).sqrt()
    touched = pl.sum_horizontal((pl.col(f"{m}__28").fill_null(0) > 0).cast(pl.Float64) for m in app.challenges.metrics)
    angle = 2 * 3.141592653589793 * _NIGHT_HOUR / 24
    return {
        "intensity": pl.col("events_90") / pl.col("active_days_90").clip(1),
        "boldness": pl.mean_horizontal(rank_share(pl.col(f"{m}__best")) for m in totals) if totals else events / days,
        "variability": rank_share(burst) + rank_share(gaps),
        "regularity": rank_share(share) + rank_share(together) - rank_share(gaps),
        "breadth": touched / (2 + events).log(),
        "growth": pl.mean_horizontal(pl.col(f"{m}__trend").fill_null(0.0) for m in app.challenges.metrics),
        "night": pl.col("hour_sin") * pl.lit(angle).sin() + pl.col("hour_cos") * pl.lit(angle).cos(),
        "weekend": pl.col("weekend_share"),
    }


def _of_metric(app: App, name: str) -> pl.Expr:
    if name not in app.metrics:
        return pl.lit(None, dtype=pl.Float64)
    value = pl.col(f"{name}__28")
    return value / pl.col("events_28").clip(1) if app.metrics[name].aggregation.adds_up else value
