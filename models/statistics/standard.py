"""Figures on one scale: how far each is from what is usual among the rows that were learned from."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_FARTHEST = 6.0  # standard deviations, beyond which all are alike
_STEEPNESS = 2.0  # log-odds for a spread of scores; the contest's calibration does the rest


@dataclass(frozen=True)
class Standard:
    """The mean and standard deviation of each feature, shape (features,); a constant one has a deviation of 1."""

    mean: Array
    scale: Array

    @classmethod
    def of(cls, x: Array) -> Self:
        """That of rows, shape (n, features)."""
        scale = x.std(axis=0)
        return cls(x.mean(axis=0), np.where(scale < 1e-9, 1.0, scale))

    def apply(self, x: Array) -> Array:
        """Rows on that scale, shape (n, features), none farther than six deviations."""
        scaled: Array = np.clip((x - self.mean) / self.scale, -_FARTHEST, _FARTHEST)
        return scaled


@dataclass(frozen=True)
class Oddness:
    """The median and interquartile range of the scores of usual rows, by which any score is as odd as its log-odds."""

    middle: float
    spread: float

    @classmethod
    def of(cls, scores: Array) -> Self:
        """That of scores, shape (n,)."""
        low, middle, high = np.quantile(scores, (0.25, 0.5, 0.75))
        return cls(float(middle), max(float(high - low), 1e-9))

    @property
    def slope(self) -> float:
        """How far the log-odds rise with a score."""
        return _STEEPNESS / self.spread

    def log_odds(self, scores: Array) -> Array:
        """Scores as log-odds, shape (n,)."""
        return self.slope * (scores - self.middle)
