"""What a contest is held on: past questions, split by day, as learners read them."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import polars as pl

from configs.app import App
from configs.errors import NightquestError
from models.contest.leaks import refuse_leaks
from models.contest.split import Parts, Split
from models.given import Samples
from models.task import BinaryTask, Encoding

FEWEST_ROWS = 30
_KEYS = ("player_key", "base_day", "start_day", "window_days")


@dataclass(frozen=True)
class ContestRows:
    """What a contest is held on: past questions, split by day, and what turns them into features.

    Attributes:
        over: The rows that ended before the later holdout begins.
    """

    task: BinaryTask[Any]
    days: pl.Series
    split: Split
    encoding: Encoding
    parts: Parts
    over: pl.DataFrame

    @classmethod
    def on(cls, task: BinaryTask[Any], app: App, samples: Samples, seed: int) -> "ContestRows":
        """Rows that can be learned from.

        Raises:
            NightquestError: There are too few rows, all answers are alike, or a feature knows them.
            ValueError: The task's rows are not what they should be.
        """
        days = task.days(samples)
        split = Split.of(days) if len(days) else Split(dt.date.max, dt.date.max)
        encoding = task.encoding(app, samples, split.calibrate_from, seed=seed)
        rows = _checked(task, task.rows(app, samples, encoding, seed=seed))
        parts = split.parts(rows)
        if min(part.height for part in parts) < FEWEST_ROWS:
            raise NightquestError(
                f"There are too few past windows to learn {task.name}: "
                f"{parts[0].height} to train, {parts[2].height} to test.",
                "Ingest a longer history (--history), or wait for more days of activity.",
            )
        if parts[0][task.label].n_unique() < 2:
            raise NightquestError(f"All past answers of {task.name} are alike.", "Wait for days that differ.")
        later = task.encode(parts[2], encoding)
        features = later.select(pl.col(task.features).cast(pl.Float64))
        refuse_leaks(task.name, features, later[task.label], later.select(n for n in task.sorts if n in later.columns))
        return cls(task, days, split, encoding, parts, split.over(rows))

    @property
    def learned(self) -> pl.DataFrame:
        """The rows that candidates are fitted on."""
        return self.over if self.task.as_it_serves else self.parts[0]

    @property
    def before(self) -> pl.DataFrame:
        """The rows before the later holdout that candidates come from."""
        return self.over if self.task.as_it_serves else pl.concat(self.parts[:2])

    def heights(self) -> dict[str, int]:
        """How many rows each part has."""
        train, calibrate, test = (part.height for part in self.parts)
        if self.task.as_it_serves:
            return {"train": self.over.height, "test": test}
        served = {"served": self.over.height} if self.task.told_as_served else {}
        return {"train": train, "calibrate": calibrate, "test": test, **served}

    def data_window(self) -> dict[str, dt.date]:
        """The days that the parts begin on."""
        first, *_, last = self.days.unique().sort()
        cuts = {"calibrate_from": self.split.calibrate_from, "test_from": self.split.test_from}
        if self.task.as_it_serves:
            cuts = {"over_before": self.split.test_from}
        elif self.parts[1]["base_day"].min() < self.split.calibrate_from:  # type: ignore[operator]
            cuts = {"fifth_before": self.split.test_from}  # windows were too long for days of their own
        return {"first": first, **cuts, "last": last}


def _checked(task: BinaryTask[Any], rows: pl.DataFrame) -> pl.DataFrame:
    """Rows that can be learned from.

    Raises:
        ValueError: A column is missing, or the label is not 0 or 1 throughout.
    """
    if lacking := [name for name in (*_KEYS, task.label, *task.inputs) if name not in rows.columns]:
        raise ValueError(f"its rows lack {', '.join(lacking)}")
    if not rows[task.label].cast(pl.Float64).is_in([0.0, 1.0]).all() or rows[task.label].null_count():
        raise ValueError(f"its label {task.label} is not 0 or 1 throughout")
    if task.label in task.features:
        raise ValueError(f"its label {task.label} is among its features")
    return rows
