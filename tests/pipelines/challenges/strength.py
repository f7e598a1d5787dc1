"""Players of the toy app whose features differ in strength alone."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from configs.app import App
from pipelines.pins import Night
from pipelines.players.features import feature_names

BASE = dt.date(2024, 3, 1)


def at_night(app: App, **changes: Any) -> Night:
    """A night of the app at BASE."""
    cut = dt.datetime.combine(BASE, dt.time(), dt.UTC)
    pins: dict[str, Any] = {
        "as_of": BASE,
        "revision": 1,
        "cut": cut,
        "base_day": BASE,
        "seed": 7,
        "started_at": cut,
        "code_version": "test",
        "app_hash": "abc",
        "watermark": 0,
    }
    return Night(app=app, **(pins | changes))


def feature_rows(app: App, n: int, *, seed: int = 0, **columns: Any) -> pl.DataFrame:
    """Features of n players, all zero but for `columns` and what goes with strength; player_key rises with strength."""
    rng = np.random.default_rng(seed)
    days = np.ceil(np.linspace(0.2, 28, n))
    solved = np.round(days * np.linspace(1, 5, n) + rng.integers(0, 2, n))
    zero = {name: np.zeros(n) for name in feature_names(app)}
    strong = {
        "active_days_28": days,
        "active_days_90": days,
        "events_28": solved,
        "events_90": solved,
        "events_7": np.ones(n),
        "recency_days": np.round(np.linspace(27, 1, n)),
        "tenure_days": np.full(n, 60.0),
        "solved__28": solved,
        "points__28": solved * 3,
        "topics__28": np.minimum(solved, 9),
        "days__28": days,
    }
    keys = {"player_key": np.arange(1, n + 1), "base_day": [BASE] * n}
    return pl.DataFrame({**keys, **zero, "ended": np.zeros(n), **strong, **columns}, strict=False)


def one_cohort(features: pl.DataFrame, cohort: str = "all", segment: str = "Expert") -> pl.DataFrame:
    """Segments as assign_segments gives them, all players in one."""
    return features.select(
        "player_key", cohort=pl.lit(cohort), judged_as=pl.lit(cohort), segment=pl.lit(segment), posterior=pl.lit(1.0)
    )
