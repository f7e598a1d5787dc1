"""How often something happens at all, whoever is asked: usually, and on each past day."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from models.calibration import logits
from models.learner import Sheet
from models.portable import load_json, save_json

Array = NDArray[np.float64]
FEW, FEW_OF_A_DAY = 50.0, 20.0  # rows as usual for all that are added to a subject's, and for a subject to a day's


@dataclass(frozen=True)
class Levels:
    """Shares by length of window, and by subject where a task has some (`Sheet.subject`), such as each badge.

    A subject is drawn to its window; one that was never seen has what is usual of its window.

    Attributes:
        windows: window_days, share.
        subjects: window_days, subject, share; no rows where a task has none.
    """

    windows: pl.DataFrame
    subjects: pl.DataFrame

    @classmethod
    def of(cls, sheet: Sheet, y: Array, weights: Array) -> Self:
        """What was usual over these rows."""
        rows = _asked(sheet).with_columns(y=pl.Series(y * weights), w=pl.Series(weights))
        happened, seen = pl.col("y").sum(), pl.col("w").sum()
        windows = rows.group_by("window_days").agg(share=(happened + 0.5) / (seen + 1)).sort("window_days")
        mine = rows.drop_nulls("subject").join(windows, on="window_days").group_by("window_days", "subject")
        subjects = mine.agg(share=(happened + FEW * pl.col("share").first()) / (seen + FEW))
        return cls(windows, subjects.sort("window_days", "subject"))

    def usual(self, sheet: Sheet) -> Array:
        """The log-odds of what is usual, shape (n,); a length never seen has those of the nearest one that was."""
        return self.of_windows(sheet) + self.of_subjects(sheet)

    def of_windows(self, sheet: Sheet) -> Array:
        """The log-odds of each row's window, shape (n,)."""
        return logits(self.windows["share"].to_numpy())[self._nearest(sheet)]

    def of_subjects(self, sheet: Sheet) -> Array:
        """How far those of each row's subject are above its window's, shape (n,)."""
        known = self.windows["window_days"].to_numpy()[self._nearest(sheet)]
        rows = _asked(sheet).with_columns(window_days=pl.Series(known))
        share = rows.join(self.subjects, on=["window_days", "subject"], how="left", maintain_order="left")["share"]
        above = logits(share.fill_null(0.5).to_numpy()) - self.of_windows(sheet)
        return np.where(share.is_null().to_numpy(), 0.0, above)

    def of_days(self, sheet: Sheet, y: Array) -> Array:
        """The log-odds of what happened on the day of each row to its like, drawn to what is usual, shape (n,)."""
        day = sheet.rows["base_day"] if "base_day" in sheet.rows.columns else pl.lit(0)
        rows = _asked(sheet).with_columns(y=pl.Series(y), usual=pl.Series(expit(self.usual(sheet))), day=day)
        drawn = (pl.col("y").sum() + FEW_OF_A_DAY * pl.col("usual").first()) / (pl.len() + FEW_OF_A_DAY)
        return logits(rows.select(drawn.over("day", "window_days", "subject")).to_series().to_numpy())

    def to_files(self, folder: Path) -> None:
        """Write the shares."""
        save_json(folder / "levels.json", {"windows": self.windows.rows(), "subjects": self.subjects.rows()})

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        told = load_json(folder / "levels.json")
        windows = pl.DataFrame(told["windows"], schema=_OF_WINDOW, orient="row")
        return cls(windows, pl.DataFrame(told["subjects"], schema=_OF_SUBJECT, orient="row"))

    def _nearest(self, sheet: Sheet) -> NDArray[np.int64]:
        """The place of the known window that is nearest to each row's, shape (n,)."""
        known = self.windows["window_days"].to_numpy()
        return np.asarray(np.abs(sheet.windows[:, None] - known[None, :]).argmin(axis=1), dtype=np.int64)


_OF_WINDOW = {"window_days": pl.Int64, "share": pl.Float64}
_OF_SUBJECT = {"window_days": pl.Int64, "subject": pl.String, "share": pl.Float64}


def _asked(sheet: Sheet) -> pl.DataFrame:
    """window_days and subject of each row; null where there is none, or the row does not say it."""
    name = sheet.subject[0] if sheet.subject else ""
    said = sheet.rows[name].cast(pl.String) if name in sheet.rows.columns else pl.lit(None, pl.String)
    return pl.DataFrame({"window_days": sheet.windows}, schema={"window_days": pl.Int64}).with_columns(subject=said)
