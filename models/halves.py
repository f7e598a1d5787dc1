"""The mean of two boosted tree models that differ in one thing: their errors differ, so their mean errs less."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from models.calibration import logits
from models.learner import Learner, Sheet
from models.learners.lightgbm import LightGBM, LightGBMParameters
from models.tuning import Setting, Suggest

Array = NDArray[np.float64]


class Halves(Learner):
    """p = expit of the mean of both log-odds.

    Attributes:
        halves: The names of the two, and of the folders that they are kept in.
    """

    halves: ClassVar[tuple[str, str]]
    suits: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 4
    requires: ClassVar[tuple[str, ...]] = ("lightgbm",)
    flexible: ClassVar[bool] = True
    keeps_order: ClassVar[bool] = True
    parameters_type = LightGBMParameters
    parameters: LightGBMParameters

    _trees: dict[str, LightGBM]

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:
        """That of the trees."""
        return LightGBM.space(ask)

    @abstractmethod
    def new(self, half: str) -> LightGBM:
        """One of the two, not fitted yet."""

    def seen(self, sheet: Sheet, half: str) -> Sheet:  # noqa: ARG002 (for those that see different things)
        """What one of the two sees."""
        return sheet

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Grow both."""
        self._trees = {half: self.new(half).fit(self.seen(sheet, half), y, weights) for half in self.halves}
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        z = [logits(trees.predict(self.seen(sheet, half))) for half, trees in self._trees.items()]
        p: Array = expit(np.mean(z, axis=0))
        return p

    def contributions(self, sheet: Sheet) -> pl.DataFrame:
        """Half of what each tells; a feature that one does not see moves it by nothing."""
        told = [trees.contributions(self.seen(sheet, half)) for half, trees in self._trees.items()]
        names = dict.fromkeys(name for each in told for name in each.columns)
        parts = [each.with_columns(pl.lit(0.0).alias(n) for n in names if n not in each.columns) for each in told]
        return pl.DataFrame({name: (parts[0][name] + parts[1][name]) / 2 for name in names})

    def importance(self) -> dict[str, float]:
        """The mean of their shares."""
        told = [trees.importance() for trees in self._trees.values()]
        return {name: sum(each.get(name, 0.0) for each in told) / len(told) for name in {**told[0], **told[1]}}

    def to_files(self, folder: Path) -> None:
        """Write each into a folder of its own."""
        for half, trees in self._trees.items():
            (folder / half).mkdir()
            trees.to_files(folder / half)

    def from_files(self, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        self._trees = {half: self.new(half).from_files(folder / half) for half in self.halves}
        return self
