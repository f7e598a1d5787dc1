"""Which rows train, which calibrate and which test; how much each counts by its age and among those of its days."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Array = NDArray[np.float64]
FEWEST_CALIBRATED = 300
HALF_LIFE_DAYS = 60.0
Parts = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]  # to train, to calibrate, to test
END = pl.col("start_day") + pl.duration(days=pl.col("window_days") - 1)


@dataclass(frozen=True)
class Split:
    """Later cuts for calibration and test; labels of an earlier part end before the next part begins."""

    calibrate_from: dt.date
    test_from: dt.date

    @classmethod
    def of(cls, base_days: pl.Series) -> "Split":
        """From the last 20 % of the rows on a day tests, from the 20 % before them on it calibrates."""
        days = base_days.sort()
        return cls(days[int(len(days) * 0.6)], days[int(len(days) * 0.8)])

    def parts(self, rows: pl.DataFrame) -> Parts:
        """Training, calibration and test rows.

        Where windows are so long that hardly any ends between the two cuts, every fifth player of the days before the
        test calibrates, and the others train.
        """
        base = pl.col("base_day")
        train = rows.filter((base < self.calibrate_from) & (self.calibrate_from > END))
        calibrate = rows.filter((base >= self.calibrate_from) & (base < self.test_from) & (self.test_from > END))
        if calibrate.height < FEWEST_CALIBRATED:
            early, fifth = self.over(rows), pl.col("player_key") % 5 == 0
            train, calibrate = early.filter(~fifth), early.filter(fifth)
        return train, calibrate, rows.filter(base >= self.test_from)

    def over(self, rows: pl.DataFrame) -> pl.DataFrame:
        """What had ended before the test begins."""
        return rows.filter((pl.col("base_day") < self.test_from) & (self.test_from > END))


def recency(rows: pl.DataFrame, half_life_days: float | Array) -> Array:
    """A weight for each row that halves with age, counted back from the latest base day; shape (n,).

    Args:
        rows: base_day.
        half_life_days: Of all rows, or of each, shape (n,).
    """
    age = rows.select((pl.col("base_day").max() - pl.col("base_day")).dt.total_days()).to_series().to_numpy()
    return np.asarray(0.5 ** (age / half_life_days), dtype=np.float64)


def evidence(rows: pl.DataFrame, weights: Array, alike: float, *, of: Sequence[str] = ()) -> Array:
    """What outcomes tell of the days to come, where those of the same days have something in common; shape (n,).

    A wave, a holiday or a campaign befalls all who are asked about its days, and all windows that overlap it. So
    windows of one length are counted by stretches of that length, and m of a stretch are worth m / (1 + (m - 1) alike),
    at most 1 / alike: the design effect of samples in clusters (Kish 1965, Survey Sampling, section 5.4).

    Args:
        rows: start_day, window_days and the columns `of`.
        weights: What each would count alone, shape (n,).
        alike: The correlation of outcomes within a stretch; 0: each counts for itself; 1: all of them are one.
        of: Whose outcomes go together, such as a player's; without it those of all.
    """
    since = (pl.col("start_day").max() - pl.col("start_day")).dt.total_days()
    within = pl.col("weight").sum().over(*of, "window_days", since // pl.col("window_days"))
    counted = rows.select(*of, "start_day", "window_days", weight=pl.Series(weights, dtype=pl.Float64))
    return counted.select(pl.col("weight") / (1 + (within - 1).clip(0) * alike)).to_series().to_numpy()
