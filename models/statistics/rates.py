"""How often it happened among those who were alike in one thing: the simplest honest rival of any learner."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from models.learner import Learner, Sheet
from models.portable import load_arrays, save_arrays
from models.tuning import Setting, Suggest

Array = NDArray[np.float64]
_FEW = 32  # so many values have a bin each


@dataclass(frozen=True)
class RatesParameters:
    """`bins` of equally many rows; `prior` is how many rows of what all came to are added to each cell."""

    bins: int = 12
    prior: float = 5.0


class Rates(Learner):
    """Shares by length of window and bins of one column: with hazards, a Kaplan-Meier curve for each bin.

    A cell is drawn to the share of its window (Kaplan and Meier 1958, JASA 53, 457, without the drawing).

    Attributes:
        by: The column of the task's rows that they must be alike in, never null.
    """

    rank: ClassVar[int] = 1
    by: ClassVar[str]
    parameters_type = RatesParameters
    parameters: RatesParameters

    _windows: NDArray[np.int64]
    _edges: Array
    _table: Array

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:
        """How finely rows are told apart, and how much a cell is drawn to all."""
        return {"bins": ask.whole("bins", 4, 32), "prior": ask.number("prior", 0.5, 200.0, log=True)}

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Count."""
        value = self._value(sheet)
        different = np.unique(value)
        spread = np.quantile(value, np.linspace(0, 1, self.parameters.bins + 1)[1:-1])
        self._edges = different[:-1] if len(different) <= _FEW else np.unique(spread)
        self._windows = np.unique(sheet.windows)
        cells = (self._place(sheet), np.searchsorted(self._edges, value, side="left"))
        shape = (len(self._windows), len(self._edges) + 1)
        happened, seen = np.zeros(shape), np.zeros(shape)
        np.add.at(happened, cells, weights * y)
        np.add.at(seen, cells, weights)
        usual = (happened.sum(axis=1) + 0.5) / (seen.sum(axis=1) + 1)
        prior = self.parameters.prior
        self._table = (happened + prior * usual[:, None]) / (seen + prior)
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,); a length never seen is answered by the nearest one that was."""
        bins = np.searchsorted(self._edges, self._value(sheet), side="left")
        return np.asarray(self._table[self._place(sheet), bins], dtype=np.float64)

    def importance(self) -> dict[str, float]:
        """The one thing it looks at."""
        return {self.by: 1.0}

    def to_files(self, folder: Path) -> None:
        """Write the table."""
        save_arrays(folder / "rates.npz", {"windows": self._windows, "edges": self._edges, "table": self._table})

    def from_files(self, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        arrays = load_arrays(folder / "rates.npz")
        self._windows, self._edges, self._table = arrays["windows"], arrays["edges"], arrays["table"]
        return self

    def _value(self, sheet: Sheet) -> Array:
        return sheet.rows[self.by].to_numpy().astype(np.float64)

    def _place(self, sheet: Sheet) -> NDArray[np.int64]:
        distance = np.abs(sheet.windows[:, None] - self._windows[None, :])
        return np.asarray(distance.argmin(axis=1), dtype=np.int64)
