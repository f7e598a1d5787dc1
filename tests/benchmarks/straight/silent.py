"""Who of the academy has left, for somebody who knows every player's habits to the letter and sees what apps see.

It is what a model could know at most, but for moods: of two players who have been silent alike, neither tells who of
them is away and who will be back tomorrow.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit

Array = NDArray[np.float64]
RISK, AT_FIRST, FIRST_DAYS = 0.0045, 5.0, 10.0  # of leaving on a day, as data/simulator/habits.py draws it on average


def stays_silent(players: pl.DataFrame, quiet: int) -> Array:
    """P(no play in the next days | none since the last), by filtering who is still there day by day, shape (n,).

    Args:
        players: base_day, recency_days, tenure_days; play_probability and weekday_log_odds, as they are in truth.
        quiet: How many days.
    """
    return _silent(players, quiet) / _silent(players, 0)


def _silent(players: pl.DataFrame, end: int) -> Array:
    """P(no play from the day after the last one to the day before `end`, counted from the base day)."""
    odds = logit(players["play_probability"].to_numpy())[:, None] + np.array(players["weekday_log_odds"].to_list())
    weekday = players["base_day"].dt.weekday().to_numpy() - 1
    recency, age = (players[name].to_numpy().astype(int) for name in ("recency_days", "tenure_days"))
    here, away = np.ones(len(age)), np.zeros(len(age))
    for day in range(-int(recency.max()), end):
        since, silent = recency >= -day, recency > -day  # with the last day of play, and without it
        plays = expit(np.take_along_axis(odds, ((weekday + day) % 7)[:, None], axis=1)[:, 0])
        stays = here * np.where(silent, 1 - plays, 1.0)
        leaves = stays * RISK * (1 + AT_FIRST * np.exp(-(age + day).clip(0) / FIRST_DAYS))
        here, away = np.where(since, stays - leaves, here), np.where(since, away + leaves, away)
    total: Array = here + away
    return total
