"""Recalibration: move probabilities so that what is promised is what happens."""

from abc import ABC, abstractmethod
from copy import copy
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, logit

Array = NDArray[np.float64]


def logits(p: Array) -> Array:
    """Log-odds, kept finite."""
    clipped: Array = logit(np.clip(p, 1e-6, 1 - 1e-6))
    return clipped


@dataclass(frozen=True)
class Recalibration:
    """p -> expit(intercept[group] + slope * logit(p)); the identity until fitted.

    Platt's scaling (1999) on log-odds with a common slope and an intercept per group. Ridge terms pull towards the
    identity, so few outcomes move it little.
    """

    slope: float = 1.0
    intercepts: tuple[float, ...] = (0.0,)

    def apply(self, p: Array, group: NDArray[np.int64] | None = None) -> Array:
        """Recalibrated probabilities; a group never seen uses the mean intercept."""
        known = np.append(np.asarray(self.intercepts), np.mean(self.intercepts))
        index = np.zeros(len(p), dtype=np.int64) if group is None else np.asarray(group)
        index = np.where((index >= 0) & (index < len(self.intercepts)), index, len(self.intercepts))
        moved: Array = expit(known[index] + self.slope * logits(p))
        return moved

    @classmethod
    def fit(
        cls,
        y: Array,
        p: Array,
        group: NDArray[np.int64] | None = None,
        *,
        weights: Array | None = None,
        strength: float = 6.0,
        steepest: float = 3.0,
    ) -> "Recalibration":
        """Fit on outcomes `y` (0 or 1) of promises `p`.

        Args:
            y: Outcomes, shape (n,).
            p: Probabilities given, shape (n,).
            group: Whole numbers from 0, or -1 for no group of its own, shape (n,); None is one group.
            weights: Weight of each outcome, such as recency.
            steepest: The slope may not rise above this.
            strength: Ridge on each group's own intercept; five times that on the slope, a sixth on what all share.
        """
        from scipy.optimize import minimize  # noqa: PLC0415 (its import takes most of a second, and few commands fit)

        index = np.zeros(len(y), dtype=np.int64) if group is None else np.asarray(group)
        n_groups = max(int(index.max(initial=0)) + 1, 1)
        if len(y) == 0:
            return cls(1.0, (0.0,) * n_groups)
        w = np.ones(len(y)) if weights is None else weights
        z, grouped = logits(p), index >= 0

        def loss(theta: Array) -> tuple[float, Array]:
            slope, common, own = theta[0], theta[1], np.append(theta[2:], 0.0)  # the last is of those without a group
            predicted = expit(common + own[index] + slope * z)
            error = w * (predicted - y)
            value = -np.sum(w * (y * np.log(predicted + 1e-12) + (1 - y) * np.log(1 - predicted + 1e-12)))
            value += strength * (5 * (slope - 1) ** 2 + common**2 / 6 + float(np.sum(own**2)))
            by_group = np.bincount(index[grouped], weights=error[grouped], minlength=n_groups)
            gradient = np.concatenate(
                [
                    [np.sum(error * z) + 10 * strength * (slope - 1), np.sum(error) + strength * common / 3],
                    by_group + 2 * strength * own[:-1],
                ]
            )
            return float(value), gradient

        start = np.concatenate([[1.0], np.zeros(n_groups + 1)])
        found = minimize(
            loss, start, jac=True, method="L-BFGS-B", bounds=[(0.2, steepest)] + [(-3.0, 3.0)] * (n_groups + 1)
        )
        return cls(float(found.x[0]), tuple(float(v) for v in found.x[1] + found.x[2:]))


class Recalibrated(ABC):
    """A learner of probabilities that is recalibrated twice: when it is trained, and each night on newer outcomes.

    Attributes:
        label: The column with what happened, 0 or 1.
        least: No promise is nearer to 0 or 1 than this.
        inputs: What the learner reads, by name; saved with it.
        fitted_on: What it read when it was fitted.
    """

    label: ClassVar[str]
    least: ClassVar[float]
    inputs: ClassVar[tuple[str, ...]]
    fitted_on: tuple[str, ...]
    recalibration: Recalibration
    adjustment: Recalibration

    @property
    def outdated(self) -> bool:
        """Whether it was fitted on other inputs than this version of the code computes, and so can't serve."""
        return self.fitted_on != self.inputs

    @abstractmethod
    def _raw(self, rows: pl.DataFrame) -> Array:
        """The learner's own probabilities, shape (n,)."""

    @abstractmethod
    def _group(self, rows: pl.DataFrame) -> NDArray[np.int64]:
        """Which intercept each row has, shape (n,); -1 for none of its own."""

    def predict(self, rows: pl.DataFrame) -> Array:
        """Probabilities, shape (n,)."""
        group = self._group(rows)
        calibrated = self.recalibration.apply(self._raw(rows), group)
        return np.clip(self.adjustment.apply(calibrated, group), self.least, 1 - self.least)

    @property
    @abstractmethod
    def flexible(self) -> bool:
        """Whether the learner can fit the noise of its rows, and so looks surer on them than it may be."""

    def calibrate(self, rows: pl.DataFrame, *, seen: bool = False) -> Self:
        """Set the recalibration from later rows; the learner itself stays.

        With `seen`, the rows are among those it was fitted on: a flexible learner is then made no surer by them.
        """
        y = rows[self.label].cast(pl.Float64).to_numpy()
        steepest = 1.0 if seen and self.flexible else 3.0
        self.recalibration = Recalibration.fit(y, self._raw(rows), self._group(rows), steepest=steepest)
        return self

    def adjusted(self, rows: pl.DataFrame, y: Array, p: Array, *, weights: Array, strength: float) -> Self:
        """A copy whose promises are moved to fit newer outcomes, for one night's use.

        Args:
            rows: The columns that tell a row's group.
            y: What happened, 0 or 1, shape (n,).
            p: What this model promised, shape (n,).
            weights: Weight of each outcome, shape (n,).
            strength: See Recalibration.fit.
        """
        tuned = copy(self)
        tuned.adjustment = Recalibration.fit(y, p, self._group(rows), weights=weights, strength=strength)
        return tuned
