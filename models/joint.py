"""How likely a player reaches several targets within one window: learned from what was reached together.

Who does much of one thing does much of others, so the product of the targets' own chances is far too low; and the least
of them is too high. What happened to them together lies between, and where, the past tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from models.calibration import logits

Array = NDArray[np.float64]
# On the intercept, the slope, what all pairs share, and each pair's own.
RIDGE = (2.0, 20.0, 2.0, 2.0)


@dataclass(frozen=True)
class Joint:
    """P(all) = expit(a + b logit(product + w (least - product))), where w = expit(c + mean d), from 0 to 1.

    `product` and `least` are of the targets' own chances, d is each pair of metrics' own part: w says how far what
    befalls one befalls the others. It is the probability that the smallest value over target, of all that are asked
    for, comes to 1, modelled as such. Whatever was learned, it stays within what such chances allow (Fréchet 1935):
    between their sum less (k - 1) and the least of them.

    Attributes:
        intercept: a.
        slope: b.
        shared: c.
        own: d of each pair, by `pair_name`.
        outcomes: How many it was learned from.
    """

    intercept: float = 0.0
    slope: float = 1.0
    shared: float = 0.0
    own: Mapping[str, float] = field(default_factory=dict)
    outcomes: int = 0

    def predict(self, rows: pl.DataFrame) -> Array:
        """The chance that all targets of each row are reached, shape (n,).

        Args:
            rows: chances (list of the targets' own, given play) and pairs (list of the pairs of their metrics, see
                `pair_name`).
        """
        product, least, shares = _looked_at(rows, tuple(self.own))
        own = np.fromiter(self.own.values(), float, len(self.own))
        blend = product + expit(self.shared + shares @ own) * (least - product)
        chances = pl.col("chances")
        lowest = rows.select((chances.list.sum() - chances.list.len() + 1).clip(0)).to_series().to_numpy()
        within: Array = np.clip(expit(self.intercept + self.slope * logits(blend)), lowest, least)
        return within

    @classmethod
    def fit(cls, rows: pl.DataFrame, happened: Array, weights: Array) -> "Joint":
        """Learn from what was reached together; ridge terms pull half way, and each pair towards what all share.

        Args:
            rows: As for `predict`.
            happened: 1 where all targets were reached, shape (n,).
            weights: Of each row, shape (n,).
        """
        from scipy.optimize import minimize  # noqa: PLC0415 (its import takes most of a second, and few commands fit)

        if rows.is_empty():
            return cls()
        pairs = tuple(rows["pairs"].explode().unique().sort())
        product, least, shares = _looked_at(rows, pairs)
        seen, start = np.column_stack([np.ones(len(product)), shares]), np.zeros(3 + len(pairs))
        start[1] = 1.0
        ridge = np.concatenate([RIDGE[:3], np.full(len(pairs), RIDGE[3])])

        def loss(theta: Array) -> tuple[float, Array]:
            away, w = theta - start, expit(seen @ theta[2:])
            blend = np.clip(product + w * (least - product), 1e-6, 1 - 1e-6)
            moved = logits(blend)
            z = theta[0] + theta[1] * moved
            error = weights * (expit(z) - happened)
            by_w = error * theta[1] * (least - product) / (blend * (1 - blend)) * w * (1 - w)
            value = np.sum(weights * (np.logaddexp(0, z) - happened * z)) + np.sum(ridge * away**2)
            gradient = np.concatenate([[np.sum(error), np.sum(error * moved)], seen.T @ by_w])
            return float(value), gradient + 2 * ridge * away

        bounds = [(-2.0, 2.0), (0.5, 2.0), *[(-6.0, 6.0)] * (1 + len(pairs))]
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
        intercept, slope, shared = map(float, found[:3])
        return cls(intercept, slope, shared, dict(zip(pairs, map(float, found[3:]), strict=True)), rows.height)


def pair_name(one: str, other: str) -> pl.Expr:
    """What a pair of metrics is called, whichever of the columns stands first."""
    return pl.concat_str(pl.min_horizontal(one, other), pl.lit("+"), pl.max_horizontal(one, other))


def _looked_at(rows: pl.DataFrame, pairs: Sequence[str]) -> tuple[Array, Array, Array]:
    """The product and the least of the chances, and the share of each of the pairs in a row's, shape (n, pairs)."""
    chances, count = pl.col("chances"), pl.col("pairs").list.len().clip(1)
    of = rows.select(product=chances.list.eval(pl.element().log()).list.sum().exp(), least=chances.list.min())
    shares = [rows.select(pl.col("pairs").list.count_matches(pair) / count).to_series().to_numpy() for pair in pairs]
    return (
        of["product"].to_numpy(),
        of["least"].to_numpy(),
        np.column_stack(shares) if shares else np.zeros((rows.height, 0)),
    )
