"""Boosted trees that know when it happens more often, and boosted trees that know only to whom, half and half."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.halves import Halves
from models.learner import Sheet
from models.learners.lightgbm import LightGBM
from models.statistics.levels import Levels

Array = NDArray[np.float64]
PACE, SHARE = 2.0, 2 / 3  # drawn thresholds fit slower: at twice the pace two thirds of the trees come as far


class Who(LightGBM):
    """Trees that begin where the day of each row stood, and so learn what tells players of a day apart.

    What is asked of them begins at the usual level: a baseline for each stratum, and effects that all strata share
    (Kalbfleisch and Prentice 2002, The Statistical Analysis of Failure Time Data, section 4.4, here with trees).
    """

    name: ClassVar[str] = "who"
    suits: ClassVar[frozenset[str]] = frozenset()
    spreads: ClassVar[bool] = False

    _levels: Levels

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Learn what is usual, and grow the trees beside what each day came to."""
        self._levels = Levels.of(sheet, y, weights)
        self.grow(sheet, y, weights, self._levels.of_days(sheet, y))
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        p: Array = expit(self.answers(sheet, raw_score=True) + self._levels.usual(sheet))
        return p

    def to_files(self, folder: Path) -> None:
        """Write the booster and the levels."""
        super().to_files(folder)
        self._levels.to_files(folder)

    def from_files(self, folder: Path) -> Self:
        """Read both."""
        self._levels = Levels.from_files(folder)
        return super().from_files(folder)


class WhoAndWhen(Halves):
    """Whole days go up and down together, and a season that was seen once is no rule.

    Trees that are told the calendar and how lively the app is learn the level of days by heart, and take for habit what
    was a season: they do better while seasons repeat. Those that begin at the level of each day rank players as well,
    and expect what is usual. Their thresholds are drawn at random (Geurts, Ernst and Wehenkel 2006, Machine Learning
    63, 3), since where little happens the best one is luck. The mean gives up little in either case.
    """

    name: ClassVar[str] = "who_and_when"
    does: ClassVar[str] = "boosted trees as they are, and others that begin at the level of each day, half and half"
    halves: ClassVar[tuple[str, str]] = ("when", "who")
    keeps_order: ClassVar[bool] = False  # levels know no directions

    def new(self, half: str) -> LightGBM:
        """Trees as they are always grown, or those that begin at the level of each day."""
        p = self.parameters
        if half == "when":
            return LightGBM(seed=self.seed, **vars(p))
        p = replace(p, drawn=True, trees=round(SHARE * p.trees), learning_rate=PACE * p.learning_rate)
        return Who(seed=self.seed, **vars(p))
