"""Features of players at a day, from what was known: nothing here looks at the base day or past it."""

import datetime as dt
from itertools import product
from typing import cast

import polars as pl

from configs.app import App
from pipelines.known import Known

PLAY = (
    *("recency_days", "tenure_days", "streak_days", "best_streak_days"),
    *(f"active_days_{n}" for n in (1, 3, 7, 14, 28, 90, "life")),
    *(f"events_{n}" for n in (1, 7, 28, 90)),
    *("sessions_28", "minutes_28", "minutes_per_session", "hour_sin", "hour_cos", "weekend_share"),
    *("gap_mean_28", "gap_sd_28", "heat_3", "heat_10", "heat_30"),
    *(f"on_{d}" for d in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")),
)
MEASURES = ("1", "7", "28", "90", "best", "per_day", "sd", "heat", "trend")
LOOKS_BACK = 90  # days before a base day, but for on which days players played: that spans a life
AT_ONCE = 30_000  # snapshots that are looked at together: beyond them memory does not grow with the players
_LONG = {"1": "v_1", "7": "v_7", "28": "v_28", "90": "v_90"}


def feature_names(app: App) -> tuple[str, ...]:
    """Every feature column of an app, in order: play first, then each metric's measures as `<metric>__<measure>`."""
    return PLAY + tuple(f"{metric}__{measure}" for metric, measure in product(sorted(app.metrics), MEASURES))


def compute_features(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Features of each snapshot (player_key, base_day), from days before its base day.

    Reads the known_* views.

    Returns:
        One row per snapshot in the order given: player_key, base_day and `feature_names(app)` as Float64. Counts and
        sums without events are 0; values that do not exist (a best score never scored) are null.
    """
    snapshots = snapshots.select("player_key", "base_day")
    parts = [_features(known, part) for part in snapshots.iter_slices(AT_ONCE)]
    return pl.concat(parts) if parts else _features(known, snapshots)


def _features(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    with known.lend(snapshots=snapshots):
        play = known.frame(known.fixed("players/features_play"))
        long = known.frame(known.fixed("players/features_metrics"), {"since": first_day(snapshots)})
    wide = snapshots.join(play, on=["player_key", "base_day"], how="left", maintain_order="left")
    for metric, rows in long.partition_by("metric", as_dict=True).items():
        named = {column: f"{metric[0]}__{measure}" for measure in MEASURES if (column := _LONG.get(measure, measure))}
        wide = wide.join(
            rows.drop("metric").rename(named), on=["player_key", "base_day"], how="left", maintain_order="left"
        )
    missing = [name for name in feature_names(known.app) if name not in wide.columns]
    wide = wide.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in missing)
    zero = [name for name in feature_names(known.app) if _counts(known.app, name)]
    return wide.select("player_key", "base_day", *(_steady(n, zero=n in zero) for n in feature_names(known.app)))


def first_day(snapshots: pl.DataFrame) -> dt.date | None:
    """The first day that counts for one of the snapshots."""
    return cast("dt.date | None", snapshots.select(pl.col("base_day").min() - pl.duration(days=LOOKS_BACK)).item())


def _steady(name: str, *, zero: bool) -> pl.Expr:
    """In single precision, so that the order in which threads add up leaves no trace."""
    value = pl.col(name).cast(pl.Float64).round(9).cast(pl.Float32).cast(pl.Float64)
    return value.fill_null(0.0) if zero else value


def _counts(app: App, name: str) -> bool:
    """Whether nothing done means zero rather than unknown."""
    metric, _, measure = name.rpartition("__")  # a metric's own name may have "__" in it
    if not metric:
        return name.startswith(("active_days", "events", "sessions", "minutes_28", "streak", "heat", "on_"))
    return measure == "heat" or (app.metrics[metric].aggregation.adds_up and measure in _LONG)
