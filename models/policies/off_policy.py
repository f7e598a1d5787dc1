"""What another way to choose would have brought, told from choices whose chances were written down.

Every estimate rests on rows of what was chosen, with which chance, and what came of it; its standard error takes all
rows of a player as one. Rows whose chance was zero cannot exist, and what the other way would choose must have had a
chance: what it does beyond that is unknown to all of them but the model of DR.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Array = NDArray[np.float64]
MOST_WEIGHT = 10.0  # of a row of `snips_clipped`


@dataclass(frozen=True)
class Choices:
    """Choices that were made.

    Attributes:
        reward: What came of each, shape (n,).
        chance: With which chance it was chosen, above 0, at most 1; shape (n,).
        players: Whose choice it was, whole numbers, shape (n,).
        foretold: What a model expected of the thing chosen, shape (n,); needed by `doubly_robust` alone.
    """

    reward: Array
    chance: Array
    players: NDArray[np.int64]
    foretold: Array | None = None

    def __post_init__(self) -> None:
        """Refuse what no choice can have been.

        Raises:
            ValueError: A chance is not above 0 and at most 1.
        """
        if len(self.chance) and not (self.chance.min() > 0 and self.chance.max() <= 1 + 1e-9):
            raise ValueError("every choice must have had a chance above 0 and at most 1")


@dataclass(frozen=True)
class Worth:
    """What a way to choose brings on average.

    Attributes:
        mean: The estimate.
        se: Its standard error, by player.
        share: Of each player in the estimate less its mean, in the order of the players' numbers; they add up to 0.
    """

    mean: float
    se: float
    share: Array

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Low and high of the interval that holds the truth so often, in the limit of many players."""
        reach = float(ndtri((1 + level) / 2)) * self.se
        return self.mean - reach, self.mean + reach

    def less(self, other: "Worth") -> "Worth":
        """How much more this brings than another way that was told from the same choices.

        The same players stand behind both, so that the difference is often surer than either.
        """
        share = self.share - other.share
        return Worth(self.mean - other.mean, _error(share), share)


def ips(made: Choices, would: Array) -> Worth:
    """Inverse propensity scores: mean of w r with w = would / chance.

    Without bias where every choice of the other way had a chance (Horvitz and Thompson 1952, J. Am. Stat. Assoc. 47,
    663; for policies Dudik, Langford and Li 2011, ICML, eq. 2), and as uncertain as the largest weights are large.

    Args:
        made: The choices.
        would: With which chance the other way would have chosen the same, shape (n,).
    """
    return _mean(would / made.chance * made.reward, made.players)


def snips(made: Choices, would: Array, most: float = np.inf) -> Worth:
    """Self-normalised inverse propensity scores: sum of w r / sum of w.

    What the weights should add up to is what they do add up to, so that it lies among the rewards, and adding the same
    to every reward adds that to the estimate; its bias falls as 1 / n (Swaminathan and Joachims 2015, NeurIPS, eq. 8).
    The standard error is that of a ratio of sums over players (Cochran 1977, Sampling Techniques, chapter 6).

    Args:
        made: The choices.
        would: See `ips`.
        most: No weight is above it.
    """
    weight = np.minimum(would / made.chance, most)
    whole = float(weight.sum())
    if whole <= 0:
        return _mean(np.full(len(weight), np.nan), made.players)
    mean = float(weight @ made.reward) / whole
    share = _by_player(weight * (made.reward - mean) / whole, made.players)
    return Worth(mean, _error(share), share)


def snips_clipped(made: Choices, would: Array, most: float = MOST_WEIGHT) -> Worth:
    """`snips` with no weight above `most`: a little bias for much less variance (Ionides 2008, J. Comput. Graph. Stat.

    17, 295; Bottou et al. 2013, JMLR 14, 3207, section 5.1).
    """
    return snips(made, would, most)


def doubly_robust(made: Choices, would: Array, expected: Array) -> Worth:
    """DR: mean of q(other way) + w (r - q(choice)), with q what a model expects.

    Right where either the chances or the model are right, and the surer the better the model foretells (Dudik, Langford
    and Li 2011, ICML, eq. 3).

    Args:
        made: The choices, with what the model expected of each.
        would: See `ips`.
        expected: What the model expects of the other way: the mean over what it would choose, shape (n,).

    Raises:
        ValueError: The choices are without what a model expected.
    """
    if made.foretold is None:
        raise ValueError("the choices are without what a model expected of them")
    return _mean(expected + would / made.chance * (made.reward - made.foretold), made.players)


def effective(made: Choices, would: Array) -> float:
    """As how many choices of the other way itself these count: (sum of w)^2 / sum of w^2 (Kish 1965, Survey Sampling).

    0 where none of them would have been made.
    """
    weight = would / made.chance
    squares = float((weight**2).sum())
    return float(weight.sum()) ** 2 / squares if squares > 0 else 0.0


def _mean(values: Array, players: NDArray[np.int64]) -> Worth:
    """The mean of rows, with an error by player."""
    if not len(values):
        return Worth(float("nan"), float("nan"), np.zeros(0))
    mean = float(values.mean())
    share = _by_player((values - mean) / len(values), players)
    return Worth(mean, _error(share), share)


def _by_player(values: Array, players: NDArray[np.int64]) -> Array:
    _, at = np.unique(players, return_inverse=True)
    return np.bincount(at, values).astype(np.float64)


def _error(share: Array) -> float:
    """Standard error of a sum of players' shares; unknown of fewer than two players."""
    n = len(share)
    return float(np.sqrt(float((share**2).sum()) * n / (n - 1))) if n > 1 else float("nan")
