"""The closed form for how soon a count fills up: no more than the pace of late and what is missing."""

from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from models.learner import Learner, Sheet

Array = NDArray[np.float64]


class GammaPoisson(Learner):
    """It learns nothing: rows have `chance`, see `models.tasks.badge_odds.closed_form`."""

    name: ClassVar[str] = "gamma_poisson"
    does: ClassVar[str] = "a Poisson count at the player's own pace against what is missing; nothing is learned"
    suits: ClassVar[frozenset[str]] = frozenset({"badge_odds"})
    rank: ClassVar[int] = 0

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:  # noqa: ARG002 (nothing is learned)
        """Learn nothing."""
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        return sheet.rows["chance"].to_numpy()

    def importance(self) -> dict[str, float]:
        """The one thing it looks at."""
        return {"chance": 1.0}
