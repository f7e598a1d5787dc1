"""A line and trees together: their answers weighed as they deserve, told by players and days that they had not seen."""

from collections.abc import Iterator
from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from models.calibration import logits
from models.learner import Learner, Sheet
from models.learners.lightgbm import LightGBM
from models.learners.logistic import Logistic
from models.statistics.weighed import Weighed

Array = NDArray[np.float64]
Rows = NDArray[np.bool_]
BASES: tuple[type[Learner], ...] = (Logistic, LightGBM)
FOLDS = 2  # of players
EARLY = 0.7  # of the rows, by day: what is fitted on to learn the weights
FEWEST = 200  # rows that a fold needs on either side
RIDGE = 1.0  # draws the weights to equal ones


class Stack(Weighed):
    """p = expit(b + sum of w * logit(p of each base)), no weight below zero (Breiman 1996, Machine Learning 24, 49).

    The weights are learned from answers about players and days that a base fitted for it had not seen; then the bases
    are fitted on all rows. It costs as much as two fits of its bases, so it enters only trainings that take their time.
    """

    name: ClassVar[str] = "stack"
    does: ClassVar[str] = (
        "logistic regression and boosted trees, weighed by what they said of players and days not seen"
    )
    suits: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 5
    requires: ClassVar[tuple[str, ...]] = ("lightgbm", "scikit-learn")
    flexible: ClassVar[bool] = True
    heavy: ClassVar[bool] = True

    def bases(self) -> list[Learner]:
        """A line and trees, as they are by themselves."""
        return [base(seed=self.seed) for base in BASES]

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Learn the weights out of fold, then the bases on all rows."""
        asked, known = [], []
        for fitted, judged in folds(sheet):
            bases = [base.fit(sheet.only(fitted), y[fitted], weights[fitted]) for base in self.bases()]
            asked.append(np.column_stack([logits(base.predict(sheet.only(judged))) for base in bases]))
            known.append(np.flatnonzero(judged))
        here = np.concatenate(known) if known else np.zeros(0, dtype=np.int64)
        z = np.concatenate(asked) if asked else np.zeros((0, len(BASES)))
        self._weights, self._intercept = weigh(z, y[here], weights[here])
        self._fitted = [base.fit(sheet, y, weights) for base in self.bases()]
        return self


def folds(sheet: Sheet) -> Iterator[tuple[Rows, Rows]]:
    """Which rows to fit on and which to judge by, fold by fold: never the same player, and what judges begins later.

    Where windows are so long that hardly any ends before the later days begin, folds are of players alone.
    """
    rows = sheet.rows
    players = rows["player_key"].to_numpy() if "player_key" in rows.columns else np.arange(len(sheet.windows))
    early, late = _by_time(sheet)
    for fold in range(FOLDS):
        here = players % FOLDS == fold
        fitted, judged = early & ~here, late & here
        if min(fitted.sum(), judged.sum()) >= FEWEST:
            yield fitted, judged


def _by_time(sheet: Sheet) -> tuple[Rows, Rows]:
    """Rows whose windows ended before the later days, and those of the later days; all, twice, where either is few."""
    rows, whole = sheet.rows, np.ones(len(sheet.windows), dtype=bool)
    if "base_day" not in rows.columns:
        return whole, whole
    cut = rows["base_day"].sort()[int(len(whole) * EARLY)]
    end = pl.col("start_day") + pl.duration(days=pl.col("window_days") - 1)
    early = rows.select(end < cut).to_series().to_numpy()
    late = (rows["base_day"] >= cut).to_numpy()
    return (early, late) if min(early.sum(), late.sum()) >= FOLDS * FEWEST else (whole, whole)


def weigh(z: Array, y: Array, weights: Array) -> tuple[Array, float]:
    """The weights of the bases and the intercept under which outcomes are likeliest; equal weights without rows.

    Args:
        z: Log-odds that each base gave, shape (n, bases).
        y: What happened, 0 or 1, shape (n,).
        weights: How much each row counts, shape (n,).
    """
    from scipy.optimize import minimize  # noqa: PLC0415 (its import takes most of a second)

    equal = np.full(len(BASES), 1 / len(BASES))
    if not len(y) or y.min() == y.max():
        return equal, 0.0

    def loss(theta: Array) -> tuple[float, Array]:
        off, p = theta[:-1] - equal, expit(z @ theta[:-1] + theta[-1])
        value = -np.sum(weights * (y * np.log(p + 1e-12) + (1 - y) * np.log(1 - p + 1e-12))) + RIDGE * float(off @ off)
        error = weights * (p - y)
        return float(value), np.append(z.T @ error + 2 * RIDGE * off, error.sum())

    bounds = [(0.0, 3.0)] * len(BASES) + [(-3.0, 3.0)]
    found = minimize(loss, np.append(equal, 0.0), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x[:-1]), float(found.x[-1])
