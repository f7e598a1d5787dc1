"""Learners together: p = expit(b + sum of w * logit(p of each))."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from models.calibration import logits
from models.learner import Learner, Sheet
from models.portable import load_json, save_json

Array = NDArray[np.float64]


class Weighed(Learner):
    """Bases whose log-odds are added up as they are weighed: by shares that are given, or as a `fit` of its own learns.

    Attributes:
        shares: The weight of each base.
    """

    shares: ClassVar[tuple[float, ...]] = ()
    _fitted: Sequence[Learner]
    _weights: Array
    _intercept: float = 0.0

    @abstractmethod
    def bases(self) -> list[Learner]:
        """Those that it is made of, not fitted yet."""

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Fit each on all rows."""
        self._fitted = [base.fit(sheet, y, weights) for base in self.bases()]
        self._weights = np.array(self.shares)
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        z = np.column_stack([logits(base.predict(sheet)) for base in self._fitted])
        p: Array = expit(z @ self._weights + self._intercept)
        return p

    def contributions(self, sheet: Sheet) -> pl.DataFrame:
        """Those of the bases, weighed as their log-odds are."""
        told: dict[str, pl.Series] = {}
        for base, weight in zip(self._fitted, self._weights, strict=True):
            moved = base.contributions(sheet)
            for column in [] if moved is None else moved.get_columns():
                added = weight * column
                told[column.name] = told[column.name] + added if column.name in told else added
        return pl.DataFrame(told)

    def importance(self) -> dict[str, float]:
        """Those of the bases, by their weights."""
        whole = float(self._weights.sum()) or 1.0
        shares: dict[str, float] = {}
        for base, weight in zip(self._fitted, self._weights, strict=True):
            for name, share in base.importance().items():
                shares[name] = shares.get(name, 0.0) + float(weight) / whole * share
        return shares

    def to_files(self, folder: Path) -> None:
        """Write each base into a folder of its own, and the weights."""
        save_json(folder / "weights.json", {"weights": self._weights.tolist(), "intercept": self._intercept})
        for base in self._fitted:
            (folder / base.name).mkdir()
            base.to_files(folder / base.name)

    def from_files(self, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        told = load_json(folder / "weights.json")
        self._weights, self._intercept = np.array(told["weights"]), told["intercept"]
        self._fitted = [base.from_files(folder / base.name) for base in self.bases()]
        return self
