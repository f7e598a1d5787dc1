"""Each player's own habit: how often they played in the last four weeks, and how little that may tell of the next."""

from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import betaln

from models.learner import Learner, Sheet

Array = NDArray[np.float64]
USUAL, DAYS = 0.1, 5.0  # what the share of days with play is drawn to, and as if by how many days
SPAN = 28
SELDOM = 0.02  # who has come to what play ends with


class Habit(Learner):
    """The chance of any day with play within the window, where each player's share of such days is drawn from a beta.

    Its mean is the share of the last 28 days with play, drawn to a tenth as if by five days more. Who has been there
    for a day may be one who plays daily or one who never returns: that no day sees play is as likely as
    E((1 - q) ** days), which falls far more slowly with longer windows than (1 - E(q)) ** days (the beta-binomial
    distribution: Skellam 1948, J. R. Stat. Soc. B 10, 257). Who has come to what play ends with is as good as gone,
    however often they came before. It needs no fitting and serves where too little is known. Rows have active_days_28,
    tenure_days, window_days and ended.
    """

    name: ClassVar[str] = "habit"
    does: ClassVar[str] = (
        "the share of the last 28 days with play, no surer than so many days can be; nothing is learned"
    )
    suits: ClassVar[frozenset[str]] = frozenset({"plays"})
    rank: ClassVar[int] = 0

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:  # noqa: ARG002 (nothing is learned)
        """Learn nothing."""
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        unknown = pl.col("tenure_days", "ended").fill_null(0)
        told = sheet.rows.select("active_days_28", unknown, "window_days").cast(pl.Float64)
        played, there, ended, window = told
        with_play = USUAL * DAYS + played.to_numpy()
        without = (1 - USUAL) * DAYS + (there.clip(0, SPAN) - played).clip(0).to_numpy()
        none: Array = np.exp(betaln(with_play, without + window.to_numpy()) - betaln(with_play, without))
        return np.where(ended > 0, SELDOM, 1 - none)

    def importance(self) -> dict[str, float]:
        """The share with play first of all; days there say how sure it is."""
        return {"active_28": 1.0}
