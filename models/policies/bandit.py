"""Thompson sampling: arms that have worked get more of the coming night's players, and every arm keeps some.

The probabilities that an arm is the best one are exact up to quadrature, so that they need no luck, are the same for
the same results, and are the chances with which players are assigned (Thompson 1933, Biometrika 25, 285).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FLOOR = 0.05  # of each arm, so that it can still show that it has become better
_POINTS = 1000
# The prior of a rating from 1 to 5: worth one rating of 3, spread 1.
_CENTRE, _WORTH, _SHAPE, _RATE = 3.0, 1.0, 1.0, 1.0


class Belief(Protocol):
    """A distribution of an arm's mean."""

    def ppf(self, q: Array, /) -> Any:
        """Quantiles."""

    def cdf(self, x: Array, /) -> Any:
        """Distribution function."""


@dataclass(frozen=True)
class Result:
    """What is known of an arm.

    Attributes:
        mean: Mean outcome: a share, or a rating from 1 to 5.
        rows: Independent rows that would tell as much: clustered rows tell less than their number says.
        spread: Variance of one outcome; only ratings need it.
    """

    mean: float
    rows: float
    spread: float = 0.0


def effective_rows(mean: float, se: float, players: int, *, spread: float) -> float:
    """How many independent rows have this standard error; a row a player where the error says nothing."""
    return spread / se**2 if se > 0 and spread > 0 and np.isfinite(mean) else float(players)


def arm_propensities(results: Mapping[str, Result], *, rating: bool = False, floor: float = FLOOR) -> dict[str, float]:
    """The chance of each arm for the coming night: that of being the best, and never less than the floor.

    Shares: Beta(1, 1) before, Beta(1 + rows mean, 1 + rows (1 - mean)) after. Ratings: a normal-gamma prior, after
    which the mean has a Student t distribution (Murphy 2007, Conjugate Bayesian analysis of the Gaussian, section 3).

    Args:
        results: By arm; one without rows is as its prior says.
        rating: Outcomes are ratings and not shares.
        floor: The least chance of an arm, below 1 / arms.

    Returns:
        By arm, in the same order; their sum is 1.

    Raises:
        ValueError: The floor leaves no room for so many arms.
    """
    if floor * len(results) > 1:
        raise ValueError(f"{len(results)} arms cannot each have {floor:.0%}")
    beliefs = [_of_rating(one) if rating else _of_share(one) for one in results.values()]
    best = _chance_of_best(beliefs)
    chances = floor + (1 - floor * len(results)) * best
    return dict(zip(results, chances.tolist(), strict=True))


def _of_share(result: Result) -> Belief:
    from scipy.stats import beta  # noqa: PLC0415 (it takes a second or two, and few apps try arms)

    kept = result.rows * result.mean if result.rows else 0.0
    found: Belief = beta(1 + kept, 1 + result.rows - kept)
    return found


def _of_rating(result: Result) -> Belief:
    from scipy.stats import t  # noqa: PLC0415 (as above)

    n = result.rows
    mean = result.mean if n else _CENTRE
    worth, shape = _WORTH + n, _SHAPE + n / 2
    centre = (_WORTH * _CENTRE + n * mean) / worth
    rate = _RATE + n * result.spread / 2 + _WORTH * n * (mean - _CENTRE) ** 2 / (2 * worth)
    found: Belief = t(2 * shape, centre, np.sqrt(rate / (shape * worth)))
    return found


def _chance_of_best(beliefs: list[Belief]) -> Array:
    """P(arm is best) = E over its own belief of the product of the others' distribution functions."""
    middles = (np.arange(_POINTS) + 0.5) / _POINTS
    chances = np.empty(len(beliefs))
    for i, own in enumerate(beliefs):
        at, below = own.ppf(middles), np.ones(_POINTS)
        for other in beliefs[:i] + beliefs[i + 1 :]:
            below *= other.cdf(at)
        chances[i] = below.mean()
    normed: Array = chances / chances.sum()
    return normed
