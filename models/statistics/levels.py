"""How often something happens at all, whoever is asked: usually, and on each past day."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.calibration import logits
from models.learner import Sheet
from models.portable import load_arrays, save_arrays

Array = NDArray[np.float64]
FEW = 20.0  # rows as usual that are added to those of a day


@dataclass(frozen=True)
class Levels:
    """Shares by length of window.

    Attributes:
        windows: The lengths in days, rising, shape (lengths,).
        shares: How often it happened in each, shape (lengths,).
    """

    windows: NDArray[np.int64]
    shares: Array

    @classmethod
    def of(cls, sheet: Sheet, y: Array, weights: Array) -> Self:
        """What was usual over these rows."""
        windows, place = np.unique(sheet.windows, return_inverse=True)
        return cls(windows, (np.bincount(place, weights * y) + 0.5) / (np.bincount(place, weights) + 1))

    def usual(self, sheet: Sheet) -> Array:
        """The log-odds of what is usual, shape (n,); a length never seen has those of the nearest one that was."""
        return logits(self._shares(sheet))

    def of_days(self, sheet: Sheet, y: Array) -> Array:
        """The log-odds of what happened on the day of each row, drawn to what is usual, shape (n,)."""
        day = sheet.rows["base_day"] if "base_day" in sheet.rows.columns else pl.lit(0)
        rows = pl.DataFrame({"window_days": sheet.windows, "y": y, "usual": self._shares(sheet)}).with_columns(day=day)
        drawn = (pl.col("y").sum() + FEW * pl.col("usual").first()) / (pl.len() + FEW)
        return logits(rows.select(drawn.over("day", "window_days")).to_series().to_numpy())

    def to_files(self, folder: Path) -> None:
        """Write the shares."""
        save_arrays(folder / "levels.npz", {"windows": self.windows, "shares": self.shares})

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        arrays = load_arrays(folder / "levels.npz")
        return cls(arrays["windows"], arrays["shares"])

    def _shares(self, sheet: Sheet) -> Array:
        """The share of each row's window, shape (n,)."""
        nearest = np.abs(sheet.windows[:, None] - self.windows[None, :]).argmin(axis=1)
        return np.asarray(self.shares[nearest], dtype=np.float64)
