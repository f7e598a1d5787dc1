"""Logistic regression on standardised features, one for each length of window."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from models.calibration import logits
from models.learner import Learner, Sheet, shares
from models.portable import load_arrays, load_json, save_arrays, save_json
from models.statistics.standard import Standard
from models.tuning import Setting, Suggest

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LogisticParameters:
    """`c` is the inverse strength of the ridge."""

    c: float = 0.1


@dataclass(frozen=True)
class Line(Standard):
    """The regression for one length of window; arrays of shape (features,)."""

    weights: Array
    intercept: float

    def predict(self, x: Array) -> Array:
        """Probabilities, shape (n,)."""
        # Row by row, since a product of matrices rounds otherwise where there are more rows.
        p: Array = expit(np.einsum("ij,j->i", self.apply(x), self.weights) + self.intercept)
        return p

    def contributions(self, x: Array) -> Array:
        """What each feature adds to the log-odds of a row at the mean of all, shape (n, features)."""
        return self.apply(x) * self.weights


class Logistic(Learner):
    """A length of window that was never seen is answered by the nearest one that was."""

    name: ClassVar[str] = "logistic"
    does: ClassVar[str] = "logistic regression, one for each length of window"
    suits: ClassVar[frozenset[str]] = frozenset({"binary"})
    rank: ClassVar[int] = 2
    flexible: ClassVar[bool] = True
    requires: ClassVar[tuple[str, ...]] = ("scikit-learn",)
    parameters_type = LogisticParameters
    parameters: LogisticParameters

    _names: tuple[str, ...] = ()
    _lines: dict[int, Line]

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:
        """The strength of the ridge."""
        return {"c": ask.number("c", 0.001, 10.0, log=True)}

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Fit a line for each length of window."""
        self._names, x = tuple(sheet.x.columns), sheet.x.to_numpy()
        at = {int(days): sheet.windows == days for days in np.unique(sheet.windows)}
        self._lines = {days: self._regress(x[here], y[here], weights[here]) for days, here in at.items()}
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        p = np.full(len(sheet.windows), 0.5)
        for line, here, x in self._by_window(sheet):
            p[here] = line.predict(x)
        return p

    def contributions(self, sheet: Sheet) -> pl.DataFrame:
        """Exact: a weight times how far the feature is from the mean of those the line was fitted on."""
        told = np.zeros(sheet.x.shape)
        for line, here, x in self._by_window(sheet):
            told[here] = line.contributions(x)
        return pl.DataFrame(told, schema=sheet.x.columns)

    def importance(self) -> dict[str, float]:
        """Mean absolute standardised weight, as shares."""
        return shares(list(self._names), np.mean([np.abs(line.weights) for line in self._lines.values()], axis=0))

    def to_files(self, folder: Path) -> None:
        """Write the lines as JSON and arrays."""
        intercepts = {str(days): line.intercept for days, line in self._lines.items()}
        save_json(folder / "lines.json", {"names": list(self._names), "intercepts": intercepts})
        arrays = {f"{d}_{k}": getattr(m, k) for d, m in self._lines.items() for k in ("mean", "scale", "weights")}
        save_arrays(folder / "lines.npz", arrays)

    def from_files(self, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        told, arrays = load_json(folder / "lines.json"), load_arrays(folder / "lines.npz")
        self._names = tuple(told["names"])
        self._lines = {
            int(days): Line(**{k: arrays[f"{days}_{k}"] for k in ("mean", "scale", "weights")}, intercept=intercept)
            for days, intercept in told["intercepts"].items()
        }
        return self

    def _by_window(self, sheet: Sheet) -> Iterator[tuple[Line, NDArray[np.bool_], Array]]:
        """The line for each length of window asked about, which rows those are, and their features."""
        x = sheet.x.to_numpy()
        for days in np.unique(sheet.windows):
            here = sheet.windows == days
            yield self._lines[min(self._lines, key=lambda known: abs(known - days))], here, x[here]

    def _regress(self, x: Array, y: Array, weights: Array) -> Line:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 (it takes seconds, for training alone)

        on = Standard.of(x)
        if y.min() == y.max():
            share = (y.sum() + 0.5) / (len(y) + 1)
            return Line(on.mean, on.scale, np.zeros(x.shape[1]), float(logits(np.array([share]))[0]))
        learner = LogisticRegression(C=self.parameters.c, max_iter=500)
        fitted = learner.fit(on.apply(x), y, sample_weight=weights)
        return Line(on.mean, on.scale, fitted.coef_[0], float(fitted.intercept_[0]))
