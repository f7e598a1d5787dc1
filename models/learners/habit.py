"""Each player's own habit: how often they played in the last four weeks, as if days fell independently."""

from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.learner import Learner, Sheet

Array = NDArray[np.float64]


class Habit(Learner):
    """1 - (1 - q) ** window_days with q the share of the last 28 days with play, shrunk to a tenth by five days.

    It needs no fitting and serves where too little is known. Rows have active_days_28, tenure_days and window_days.
    """

    name: ClassVar[str] = "habit"
    does: ClassVar[str] = "the share of the last 28 days with play, carried on; nothing is learned"
    suits: ClassVar[frozenset[str]] = frozenset({"plays"})
    rank: ClassVar[int] = 0

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:  # noqa: ARG002 (nothing is learned)
        """Learn nothing."""
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        share = (pl.col("active_days_28") + 0.5) / (pl.col("tenure_days").fill_null(0).clip(0, 28) + 5)
        chance = 1 - (1 - share.clip(0.005, 0.995)) ** pl.col("window_days")
        return sheet.rows.select(chance.cast(pl.Float64)).to_series().to_numpy()

    def importance(self) -> dict[str, float]:
        """The one thing it looks at."""
        return {"active_28": 1.0}
