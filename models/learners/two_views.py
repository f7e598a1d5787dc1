"""Boosted trees that know the day and boosted trees that know only the player, half and half."""

from dataclasses import replace
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
VIEWS = ("player", "day")


class TwoViews(Learner):
    """p = expit of the mean of both log-odds.

    Trees that see what is alike for all on a day (the calendar, how lively the app is, how long a course has run) do
    better while seasons repeat, and are surer than they should be where one turns; trees that do not see it are steady
    and know less. Their errors differ, so the mean gives up little in either case.
    """

    name: ClassVar[str] = "two_views"
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
        """That of the trees, who are alike but for what they see."""
        return LightGBM.space(ask)

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Grow both."""
        self._trees = {view: self._new().fit(_seen(sheet, view), y, weights) for view in VIEWS}
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        z = [logits(trees.predict(_seen(sheet, view))) for view, trees in self._trees.items()]
        p: Array = expit(np.mean(z, axis=0))
        return p

    def contributions(self, sheet: Sheet) -> pl.DataFrame:
        """Half of what each tells; a feature that one does not see moves it by nothing."""
        told = [trees.contributions(_seen(sheet, view)) for view, trees in self._trees.items()]
        names = dict.fromkeys(name for each in told for name in each.columns)
        parts = [each.with_columns(pl.lit(0.0).alias(n) for n in names if n not in each.columns) for each in told]
        return pl.DataFrame({name: (parts[0][name] + parts[1][name]) / 2 for name in names})

    def importance(self) -> dict[str, float]:
        """The mean of their shares."""
        told = [trees.importance() for trees in self._trees.values()]
        return {name: sum(each.get(name, 0.0) for each in told) / len(told) for name in {**told[0], **told[1]}}

    def to_files(self, folder: Path) -> None:
        """Write each into a folder of its own."""
        for view, trees in self._trees.items():
            (folder / view).mkdir()
            trees.to_files(folder / view)

    def from_files(self, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        self._trees = {view: self._new().from_files(folder / view) for view in VIEWS}
        return self

    def _new(self) -> LightGBM:
        return LightGBM(seed=self.seed, **vars(self.parameters))


def _seen(sheet: Sheet, view: str) -> Sheet:
    return sheet if view == "player" else replace(sheet, common=frozenset())
