"""Features on one scale: how many standard deviations each is from the mean of the rows that were learned from."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_FARTHEST = 6.0  # standard deviations, beyond which all are alike


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
