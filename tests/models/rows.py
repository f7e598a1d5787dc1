"""Made-up snapshots for the learners: habits that drive play, and values that follow a known law."""

import datetime as dt

import numpy as np
import polars as pl

from models.learner import Sheet
from models.tasks.plays import INPUTS, Plays


def play_rows(n: int, *, seed: int = 0, window: int = 1) -> pl.DataFrame:
    """Snapshots whose chance of play is the share of the last 28 days with play."""
    rng = np.random.default_rng(seed)
    rate = rng.beta(1, 4, n)
    zero = {name: np.zeros(n) for name, kind in INPUTS.items() if kind == pl.Float64()}
    days = {f"active_days_{k}": rng.binomial(k, rate).astype(float) for k in (1, 3, 7, 14, 28)}
    return pl.DataFrame(
        {
            **zero,
            **days,
            "player_key": np.arange(n) % (n // 4),
            "base_day": [dt.date(2024, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 60, n)],
            "recency_days": rng.geometric(np.clip(rate, 0.02, 1)).astype(float),
            "tenure_days": np.full(n, 60.0),
            "heat_10": 10 * rate,
            "heat_30": 30 * rate,
            "next_calendar_days": np.full(n, None),
            "last_calendar_days": np.full(n, None),
            "window_days": np.full(n, window),
            "lead_days": np.zeros(n, dtype=int),
            "start_day": [dt.date(2024, 1, 1)] * n,
            "played": rng.random(n) < 1 - (1 - rate) ** window,
        },
        schema_overrides={"next_calendar_days": pl.Int64, "last_calendar_days": pl.Int64, "window_days": pl.Int32},
    )


def labels(n_players: int, *, seed: int = 0, windows: int = 6) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Poisson values with a gamma rate per player: labels, and each player's own earlier windows."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(2, 2, n_players)
    now = rng.poisson(rate)
    before = rng.poisson(np.repeat(rate, windows))
    day = dt.date(2024, 3, 1)
    key = {"base_day": day, "metric": "solved", "window_days": pl.lit(1, dtype=pl.Int32)}
    labelled = pl.DataFrame({"player_key": np.arange(n_players), "value": now.astype(float)})
    past = pl.DataFrame({"player_key": np.repeat(np.arange(n_players), windows), "value": before.astype(float)})
    fixed = {k: v if isinstance(v, pl.Expr) else pl.lit(v) for k, v in key.items()}
    past = (
        past.with_columns(**fixed)
        .group_by("player_key", "base_day", "metric", "window_days", "value")
        .agg(weight=pl.len().cast(pl.Float64))
    )
    return labelled.with_columns(**fixed, lead_days=pl.lit(0)), past


class Played(Plays):
    """Of rows that are there already."""

    def rows(self, app, samples, encoding, *, seed):
        return samples.labels


def sheet(n=3000, *, seed=0, monotone=None, unknown=0.0):
    """(rows, outcomes): `strong` drives them, `weak` a little, `idle` not at all; on one day in two windows."""
    rng = np.random.default_rng(seed)
    strong, weak, idle = rng.normal(size=(3, n))
    y = (rng.random(n) < 1 / (1 + np.exp(-(1.5 * strong + 0.4 * weak)))).astype(float)
    x = pl.DataFrame({"strong": strong, "weak": weak, "idle": idle})
    if unknown:
        x = x.with_columns(pl.when(pl.Series(rng.random(n) > unknown)).then("weak").alias("weak"))
    return Sheet(x, x, np.where(np.arange(n) % 2, 7, 1), monotone=monotone), y
