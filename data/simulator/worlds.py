"""The simulated apps whose days can be played one at a time: see data/simulator/response.py."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.random import Generator

from data.simulator.academy import AcademyWorld
from data.simulator.fitness import MODES
from data.simulator.learning_acts import COUNTS, MOST, learning_events, learning_more, learning_play
from data.simulator.response import World


@dataclass(frozen=True)
class LearningWorld:
    """The learners of data/simulator/learning.py."""

    truth: pl.DataFrame
    zone: ClassVar[str] = "UTC"
    counts: ClassVar[Mapping[str, pl.Expr]] = COUNTS
    most: ClassVar[Mapping[str, float]] = MOST

    def play(self, rng: Generator, day: dt.date) -> pl.DataFrame:
        """Sessions of lessons, exercises and reviews."""
        return learning_play(rng, self.truth, [day])

    def more(self, wanted: pl.DataFrame, day: dt.date) -> pl.DataFrame:
        """What was asked for, after the day's own sessions."""
        return learning_more(wanted, day)

    def write(self, acts: pl.DataFrame, folder: Path, day: dt.date) -> list[Path]:
        """One file of events in the contract's columns."""
        path = folder / f"events-{day}.parquet"
        learning_events(acts).write_parquet(path)
        return [path]


_DONE = pl.col("completed")
_FITNESS_COUNTS: Mapping[str, pl.Expr] = {
    "workouts": _DONE.sum(),
    "minutes": (pl.col("seconds") / 60).filter(_DONE).sum(),
    "training_days": pl.len().clip(0, 1),
    "modes": pl.col("mode").filter(_DONE).n_unique(),
    "dualflow_workouts": (_DONE & (pl.col("mode") == MODES[0])).sum(),
    "long_workouts": (_DONE & (pl.col("seconds") >= 600)).sum(),
}
_WORKOUT = {"user_id": pl.String, "second": pl.Int64, "mode": pl.String, "seconds": pl.Int64, "completed": pl.Boolean}
_MOST_WORKOUTS, _MINUTES = 12, 10.0
_FITNESS_MOST: Mapping[str, float] = {
    **dict.fromkeys(_FITNESS_COUNTS, float(_MOST_WORKOUTS)),
    "training_days": 1.0,
    "modes": float(len(MODES)),
    "minutes": _MOST_WORKOUTS * _MINUTES,
}


@dataclass(frozen=True)
class FitnessWorld:
    """The players of data/simulator/fitness.py, who play on the days of their habit, and on what they were asked for.

    `began` is the first day of their history. Best scores and points are not answered: they are no matter of will.
    """

    truth: pl.DataFrame
    began: dt.date
    zone: ClassVar[str] = "Europe/Copenhagen"  # in which the game writes its times
    counts: ClassVar[Mapping[str, pl.Expr]] = _FITNESS_COUNTS
    most: ClassVar[Mapping[str, float]] = _FITNESS_MOST

    def play(self, rng: Generator, day: dt.date) -> pl.DataFrame:
        """One to three workouts of those who come."""
        number = (day - self.began).days
        here = self.truth.filter(pl.lit(number).is_between("joined_day", pl.col("leaves_day") - 1))
        came = here.filter(pl.Series(rng.random(here.height)) < pl.col("habit"))
        rows = came.select("user_id")[np.repeat(np.arange(came.height), 1 + rng.binomial(2, 0.25, came.height))]
        n = rows.height
        second = (rng.normal(17.5, 2.5, came.height).clip(6, 22) * 3600).astype(np.int64)
        return rows.with_columns(
            second=pl.Series(np.repeat(second, rows.group_by("user_id", maintain_order=True).len()["len"].to_numpy()))
            + 1200 * pl.int_range(pl.len()).over("user_id"),
            mode=pl.Series(MODES).gather(rng.choice(len(MODES), n, p=(0.5, 0.2, 0.2, 0.1))),
            seconds=pl.Series(rng.choice((300, 600, 900), n)),
            completed=pl.Series(rng.random(n) < 0.94),
        ).select(pl.col(name).cast(kind) for name, kind in _WORKOUT.items())

    def more(self, wanted: pl.DataFrame, day: dt.date) -> pl.DataFrame:  # noqa: ARG002  # (what is added is the same any day)
        """Workouts of ten minutes, in DualFlow, where different modes are asked for in one after another."""
        each = pl.when(pl.col("metric") == "minutes").then(_MINUTES).otherwise(1.0)
        count = (pl.col("amount") / each).ceil().cast(pl.Int64).clip(1, _MOST_WORKOUTS)
        rows = wanted.with_columns(nth=pl.int_ranges(count)).explode("nth")
        mode = pl.when(pl.col("metric") == "modes").then(pl.col("nth") % len(MODES)).otherwise(0)
        return rows.with_columns(
            second=pl.col("second") + 900 * (1 + pl.int_range(pl.len()).over("user_id")),
            mode=mode.replace_strict(dict(enumerate(MODES)), return_dtype=pl.String),
            seconds=600,
            completed=pl.lit(value=True),
        ).select(pl.col(name).cast(kind) for name, kind in _WORKOUT.items())

    def write(self, acts: pl.DataFrame, folder: Path, day: dt.date) -> list[Path]:
        """Rows of Workouts and RaceConfigs, as the game's database has them."""
        known = self.truth.select("user_id", "userId", "usual_score", "start_speed")
        rows = acts.join(known, on="user_id", how="left", maintain_order="left").with_row_index("nth")
        moment = pl.lit(day).cast(pl.Datetime("us")) + pl.duration(seconds=pl.col("second"))
        number = pl.lit(day.toordinal() * 100_000) + pl.col("nth")
        share = pl.when(_DONE).then(1.0).otherwise(0.4)
        score = (pl.col("usual_score") * pl.col("seconds") / 600 * share / 10).round() * 10
        workouts = rows.select(
            number.alias("id"),
            "userId",
            score.cast(pl.Int64).alias("score"),
            moment.dt.strftime("%Y-%m-%d %H:%M:%S").alias("startedAt"),
            pl.col("completed").alias("completedWorkout"),
        )
        races = rows.select(
            number.alias("workoutId"),
            "mode",
            pl.lit(1).alias("difficulty"),
            pl.col("start_speed").alias("startSpeed"),
            pl.col("seconds").alias("duration"),
        )
        paths = [folder / f"{name}.csv" for name in ("Workouts", "RaceConfigs")]
        for path, table in zip(paths, (workouts, races), strict=True):
            table.write_csv(path)
        return paths


def learning_world(truth: pl.DataFrame) -> World:
    """The learners whose truth `write_learning` wrote."""
    return LearningWorld(truth)


def fitness_world(truth: pl.DataFrame) -> World:
    """The players whose truth `write_fitness` wrote; their persona is their level."""
    named = truth.with_columns(user_id=pl.col("userId").cast(pl.String), persona="level")
    return FitnessWorld(named, truth["began_on"][0])


WORLDS: Mapping[str, Callable[[pl.DataFrame], World]] = {
    "learning": learning_world,
    "fitness": fitness_world,
    "trading": AcademyWorld,
}
