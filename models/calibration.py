"""Recalibration: move probabilities so that what is promised is what happens."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Array = NDArray[np.float64]


def logits(p: Array) -> Array:
    """Log-odds, kept finite."""
    clipped: Array = logit(np.clip(p, 1e-6, 1 - 1e-6))
    return clipped


@dataclass(frozen=True)
class Recalibration:
    """p -> expit(intercept[group] + slope * logit(p) + lean[0] x + lean[1] x^2); the identity until fitted.

    Platt's scaling (1999) on log-odds with a common slope and an intercept per group. Where answers hold on a condition
    that is a chance itself, x is its log-odds: what is reached by those who play also tells of how likely they were to.
    Ridge terms pull towards the identity, so few outcomes move it little.
    """

    slope: float = 1.0
    intercepts: tuple[float, ...] = (0.0,)
    lean: tuple[float, float] = (0.0, 0.0)

    def apply(self, p: Array, group: NDArray[np.int64] | None = None, beside: Array | None = None) -> Array:
        """Recalibrated probabilities; a group never seen uses the mean intercept, and a chance beside is that of x."""
        known = np.append(np.asarray(self.intercepts), np.mean(self.intercepts))
        index = np.zeros(len(p), dtype=np.int64) if group is None else np.asarray(group)
        index = np.where((index >= 0) & (index < len(self.intercepts)), index, len(self.intercepts))
        x = _beside(beside, len(p))
        moved: Array = expit(known[index] + self.slope * logits(p) + x @ np.asarray(self.lean))
        return moved

    @classmethod
    def fit(
        cls,
        y: Array,
        p: Array,
        group: NDArray[np.int64] | None = None,
        beside: Array | None = None,
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
            beside: The chances of the condition, shape (n,); None: there is none.
            weights: Weight of each outcome, such as recency.
            steepest: The slope may not rise above this.
            strength: Ridge on each group's own intercept; five times that on the slope and the lean, a sixth on what
                all share.
        """
        from scipy.optimize import minimize  # noqa: PLC0415 (its import takes most of a second, and few commands fit)

        index = np.zeros(len(y), dtype=np.int64) if group is None else np.asarray(group)
        n_groups = max(int(index.max(initial=0)) + 1, 1)
        if len(y) == 0:
            return cls(1.0, (0.0,) * n_groups)
        w = np.ones(len(y)) if weights is None else weights
        z, x, grouped = logits(p), _beside(beside, len(y)), index >= 0

        def loss(theta: Array) -> tuple[float, Array]:
            slope, common, lean = theta[0], theta[1], theta[2:4]
            own = np.append(theta[4:], 0.0)  # the last is of those without a group
            predicted = expit(common + own[index] + slope * z + x @ lean)
            error = w * (predicted - y)
            value = -np.sum(w * (y * np.log(predicted + 1e-12) + (1 - y) * np.log(1 - predicted + 1e-12)))
            value += strength * (5 * (slope - 1) ** 2 + 5 * lean @ lean + common**2 / 6 + float(np.sum(own**2)))
            by_group = np.bincount(index[grouped], weights=error[grouped], minlength=n_groups)
            gradient = np.concatenate(
                [
                    [np.sum(error * z) + 10 * strength * (slope - 1), np.sum(error) + strength * common / 3],
                    x.T @ error + 10 * strength * lean,
                    by_group + 2 * strength * own[:-1],
                ]
            )
            return float(value), gradient

        start = np.concatenate([[1.0], np.zeros(n_groups + 3)])
        bounds = [(0.2, steepest)] + [(-3.0, 3.0)] * (n_groups + 3)
        slope, common, *others = map(float, minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)
        return cls(slope, tuple(common + own for own in others[2:]), (others[0], others[1]))


def _beside(chances: Array | None, count: int) -> Array:
    """The log-odds of chances, kept between 2 and 98 %, and their squares, shape (n, 2); zeros where there are none."""
    if chances is None:
        return np.zeros((count, 2))
    x = logits(np.clip(chances, 0.02, 0.98))
    return np.column_stack([x, x**2])
