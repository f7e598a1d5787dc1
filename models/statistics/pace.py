"""What a player's pace makes of what is missing: a count whose rate is not sure."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

Array = NDArray[np.float64]
PACE_DAYS = 28  # from which a pace is known
COUNTED = ("missing", "eta_days", "window_days")


def reached(rows: pl.DataFrame) -> Array:
    """P(a Poisson count whose rate has a gamma prior comes to what is missing within the window), shape (n,).

    The count of the last 28 days is what the pace makes of it, plus a half: P(N >= m within h days) is the survival of
    a negative binomial (Gelman et al. 2013, Bayesian Data Analysis, section 2.6).

    Args:
        rows: COUNTED: missing (whole, at least 1), eta_days (at the pace of late; null without one), window_days.
    """
    from scipy.stats import nbinom  # noqa: PLC0415 (its import takes a second)

    missing, eta = rows["missing"].to_numpy(), rows["eta_days"].cast(pl.Float64).fill_null(np.inf).to_numpy()
    count, days = PACE_DAYS * missing / np.maximum(eta, 0.5) + 0.5, rows["window_days"].to_numpy().astype(np.float64)
    with np.errstate(divide="ignore"):
        chance: Array = np.where(days > 0, nbinom.sf(missing - 1, count, PACE_DAYS / (PACE_DAYS + days)), 0.0)
    return chance


def once_each(rows: pl.DataFrame, answer: Callable[[pl.DataFrame], Array]) -> Array:
    """The answer to each row, shape (n,), where alike rows are asked once: counts and days are whole, so few differ."""
    different = rows.unique()
    told = different.with_columns(answer=pl.Series(answer(different), dtype=pl.Float64))
    joined = rows.join(told, on=rows.columns, how="left", nulls_equal=True, maintain_order="left")
    return joined["answer"].to_numpy()
