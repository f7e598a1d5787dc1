"""Small models whose predictions can be told apart, and the record of a contest that one of them won."""

import datetime as dt
import itertools
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl

from models.contest.outcome import Decision, Rival
from models.portable import load_arrays, portable, save_arrays
from models.tracking.pages import ModelRun

INPUTS = {
    "x": pl.Float64(),
    "days": pl.Int32(),
    "visits": pl.Int64(),
    "metric": pl.String(),
    "weekend": pl.Boolean(),
    "start_day": pl.Date(),
}
FIRST = "it is the first version; the contest said: better by 0.01"
apps = (f"app_{i}" for i in itertools.count())


@portable
class Toy:
    """p = slope * x, so that two versions can be told apart."""

    kind: ClassVar[str] = "toy"

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def to_files(self, folder: Path) -> None:
        save_arrays(folder / "slope.npz", {"slope": np.array([self.slope])})

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        return cls(float(load_arrays(folder / "slope.npz")["slope"][0]))

    def predict(self, rows: pl.DataFrame):
        assert dict(rows.schema) == INPUTS
        return self.slope * rows["x"].to_numpy()


@portable
class Forgetful(Toy):
    kind: ClassVar[str] = "forgetful"

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        return cls(0.0)


@portable
class Labels(Toy):
    kind: ClassVar[str] = "labels"

    def predict(self, rows: pl.DataFrame):
        return rows.select(segment=pl.col("metric").str.to_uppercase(), posterior=pl.col("x") * self.slope)


def a_run(slope: float = 0.5, *, promote: bool = True, reason: str = "better by 0.01", **changes) -> ModelRun:
    run = ModelRun(
        model=Toy(slope),
        question="Does the player play?",
        decision=Decision(promote, reason),
        data_window={"first": dt.date(2024, 1, 1), "test_from": dt.date(2024, 3, 1), "last": dt.date(2024, 3, 31)},
        rows={"train": 1000, "test": 200},
        inputs=INPUTS,
        app_hash="0123456789abcdef",
        code_version="1.2.3",
        parameters={"kind": "logistic", "c": 0.1},
        metrics={"log_loss": (0.41, 0.40, 0.42), "auc": 0.8, "odd": (0.1, float("-inf"), float("inf"))},
        players=80,
        rivals=(
            Rival("logistic", 0.41, 0.40, 0.42),
            Rival("base_rate", 0.5, 0.48, 0.52, behind=(0.09, 0.08, 0.1), does="says 0.3 of everybody"),
        ),
        chosen="logistic",
        limits=("Players younger than a week are rare.",),
    )
    return replace(run, **changes)


def files_of(home: Path, slope_file: str = "slope.npz") -> Path:
    """The registered files written last."""
    return max(home.glob(f"mlartifacts/**/{slope_file}"), key=lambda path: path.stat().st_mtime_ns).parent
