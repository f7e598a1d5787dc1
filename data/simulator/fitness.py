"""A fitness game's tables with made-up players, as configs/sources/fitness.sql reads them, and the truth about them.

    python -m data.simulator.fitness FOLDER

writes Workouts.csv, RaceConfigs.csv, Users.csv, HealthData.csv and truth/truth.parquet. Set-based, from a seed.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from data.simulator.folder import asked_folder

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVELS = ("Beginner", "Intermediate", "Advanced", "Expert")
SHARES = (0.36, 0.30, 0.22, 0.12)
USUAL_SCORE = np.array([60_000.0, 100_000.0, 150_000.0, 220_000.0])  # of ten minutes of DualFlow at the hardest level
MODES = ("DualFlow", "Endurance", "Reflex", "Strength")
MAIN = ("DualFlow", -1, 600)
_EASIER = {-1: 1.0, 0: 1.5, 1: 1.3, 2: 1.15}  # what a difficulty makes of the same skill
_SECONDS = (300, 600, 900)


@dataclass(frozen=True)
class FitnessSettings:
    """What to simulate; the same settings give the same tables.

    Attributes:
        records: Workouts of the main kind: DualFlow, difficulty -1, ten minutes.
        others: Workouts in other modes, difficulties and durations.
        players: How many may play; few never do.
        days: How many days, the last of them `end`.
    """

    records: int = 945
    others: int = 1100
    players: int = 220
    days: int = 120
    end: dt.date = dt.date(2026, 6, 30)
    seed: int = 11


@dataclass(frozen=True)
class FitnessTables:
    """The tables, as the game's database has them, and what nobody but a test may know.

    Attributes:
        truth: A row per player: userId, level, usual_score (of the main kind, on the first day), growth (share of it
            gained in a hundred days), start_speed, born_on, joined_day, leaves_day, habit (how often, 0 to 1), and
            began_on, the first day of all.
    """

    workouts: pl.DataFrame
    race_configs: pl.DataFrame
    users: pl.DataFrame
    health_data: pl.DataFrame
    truth: pl.DataFrame


def simulate_fitness(settings: FitnessSettings | None = None) -> FitnessTables:
    """Draw players, the days on which they play, and what they score."""
    settings = settings or FitnessSettings()
    rng = np.random.default_rng(settings.seed)
    truth = _people(rng, settings)
    who, day = _plays(rng, settings, truth)
    main = np.zeros(len(who), dtype=bool)
    main[rng.choice(len(who), settings.records, replace=False)] = True
    workouts, races = _workouts(rng, settings, truth, who, day, main)
    first = pl.Series(truth["joined_day"])
    began = settings.end - dt.timedelta(days=settings.days - 1)
    truth = truth.with_columns(began_on=pl.lit(began))
    users = pl.DataFrame({
        "id": truth["userId"],
        "username": pl.Series([f"player{number}" for number in truth["userId"]]),
        "createdAt": pl.Series([began + dt.timedelta(days=int(day)) for day in first]).dt.strftime("%Y-%m-%d 05:00:00"),
    })  # fmt: skip
    health = truth.select("userId", dob="born_on").drop_nulls().with_columns(
        weight=pl.Series(rng.normal(74, 13, truth["born_on"].count()).round(1)),
        height=pl.Series(rng.normal(173, 9, truth["born_on"].count()).round(0)),
    )  # fmt: skip
    return FitnessTables(workouts, races, users, health, truth)


def write_fitness(tables: FitnessTables, folder: Path) -> tuple[list[Path], list[Path]]:
    """Write the tables as CSV, and the truth apart.

    Returns:
        The files that `ingest --players` takes, and those that `ingest` takes.
    """
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    tables.truth.write_parquet(folder / "truth" / "truth.parquet")
    named = {
        "Users": tables.users,
        "HealthData": tables.health_data,
        "Workouts": tables.workouts,
        "RaceConfigs": tables.race_configs,
    }
    files = [folder / f"{name}.csv" for name in named]
    for path, table in zip(files, named.values(), strict=True):
        table.write_csv(path)
    return files[:2], files[2:]


def _people(rng: Generator, settings: FitnessSettings) -> pl.DataFrame:
    n = settings.players
    level = rng.choice(len(LEVELS), n, p=SHARES)
    age = np.clip(rng.gamma(6.0, 4.5, n) + 12, 14, 72)
    born = [settings.end - dt.timedelta(days=int(years * 365.25)) for years in age]
    known = rng.random(n) < 0.85
    truth = pl.DataFrame({
        "userId": np.arange(1, n + 1),
        "level": pl.Series(LEVELS).gather(level),
        "usual_score": USUAL_SCORE[level] * rng.lognormal(0, 0.1, n),
        "growth": rng.uniform(0, 0.12, n),
        "start_speed": (2.5 + 1.3 * level + rng.normal(0, 0.4, n)).clip(1, 10).round(1),
        "born_on": pl.Series([day if told else None for day, told in zip(born, known, strict=True)], dtype=pl.Date),
        "joined_day": rng.integers(-20, settings.days * 2 // 3, n).clip(0),
    })  # fmt: skip
    return truth.with_columns(
        leaves_day=truth["joined_day"] + rng.geometric(1 / 90, n) + 6, habit=rng.beta(1.6, 3.2, n)
    )


def _plays(rng: Generator, settings: FitnessSettings, truth: pl.DataFrame) -> tuple[Ints, Ints]:
    """(player, day) of each workout: days of one's own habit, weighted, between joining and leaving."""
    n, days = settings.players, settings.days
    joined, leaves, habit = (truth[name].to_numpy() for name in ("joined_day", "leaves_day", "habit"))
    at = np.arange(days)
    here = (at >= joined[:, None]) & (at < leaves[:, None])
    weight = here * habit[:, None] * rng.lognormal(0, 0.5, (n, days))
    drawn = rng.choice(n * days, settings.records + settings.others, p=(weight / weight.sum()).ravel())
    drawn.sort()
    return drawn // days, drawn % days


def _workouts(
    rng: Generator, settings: FitnessSettings, truth: pl.DataFrame, who: Ints, day: Ints, main: NDArray[np.bool_]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    n = len(who)
    mode = np.where(main, 0, rng.choice(len(MODES), n, p=(0.3, 0.3, 0.25, 0.15)))
    difficulty = np.where(main, MAIN[1], rng.integers(0, 3, n))
    seconds = np.where(main, MAIN[2], rng.choice(_SECONDS, n))
    skill = truth["usual_score"].to_numpy()[who] * (1 + truth["growth"].to_numpy()[who] * day / 100)
    ease = np.vectorize(_EASIER.get)(difficulty)
    completed = rng.random(n) < 0.94
    share = np.where(completed, 1.0, rng.uniform(0.1, 0.8, n))
    score = (skill * ease * seconds / MAIN[2] * share * rng.lognormal(0, 0.06, n)).round(-1)
    second = (rng.normal(rng.normal(17.5, 2.5, settings.players)[who], 1.5).clip(6, 23.4) * 3600).astype(np.int64)
    began = dt.datetime.combine(settings.end - dt.timedelta(days=settings.days - 1), dt.time())
    workouts = pl.DataFrame({
        "id": np.arange(1, n + 1),
        "userId": truth["userId"].to_numpy()[who],
        "score": score.astype(np.int64),
        "completedWorkout": completed,
        "day": day,
        "second": second,
    })  # fmt: skip
    moment = pl.lit(began) + pl.duration(days="day", seconds="second")
    races = pl.DataFrame({
        "workoutId": np.arange(1, n + 1),
        "mode": pl.Series(MODES).gather(mode),
        "difficulty": difficulty,
        "startSpeed": (truth["start_speed"].to_numpy()[who] + rng.normal(0, 0.3, n)).clip(1, 10).round(1),
        "duration": seconds,
    })  # fmt: skip
    stamped = workouts.with_columns(startedAt=moment.dt.strftime("%Y-%m-%d %H:%M:%S"))
    return stamped.select("id", "userId", "score", "startedAt", "completedWorkout"), races


if __name__ == "__main__":
    into = asked_folder("fitness", __doc__)
    write_fitness(simulate_fitness(), into)
