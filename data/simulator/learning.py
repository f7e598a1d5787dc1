"""A learning platform's events with made-up learners, as configs/apps/learning.yaml takes them, and who they are.

    python -m data.simulator.learning FOLDER

writes events.parquet and truth/truth.parquet. Set-based, from a seed: what a learner does on a day follows from who
they are and the day, so that days can be played one at a time (data/simulator/respond.py).
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator

from data.simulator.folder import asked_folder
from data.simulator.learning_acts import SKILLS, learning_events, learning_play

PERSONAS = ("MASTER", "COLLECTOR", "COMPANION", "WANDERER", "STEADY")
# Of a day with play, by persona: lessons, exercises and reviews on average, the share of hard exercises, among how many
# skills, and the chance to play on a day.
_WAYS = {
    "lessons": (0.8, 2.2, 0.9, 1.0, 1.0),
    "exercises": (3.2, 2.0, 1.6, 2.0, 2.4),
    "reviews": (0.1, 0.1, 1.2, 0.2, 0.2),
    "hard": (0.5, 0.15, 0.2, 0.25, 0.2),
    "breadth": (2, 3, 2, 6, 2),
    "plays": (0.45, 0.5, 0.45, 0.35, 0.7),
}
_FOCUS = ("mastery", "achievement", "social", "exploration", "mastery")


@dataclass(frozen=True)
class LearningSettings:
    """What to simulate; the same settings give the same rows.

    Attributes:
        players: How many learners join.
        days: How many days, the last of them `end`.
    """

    players: int = 300
    days: int = 60
    end: dt.date = dt.date(2026, 6, 30)
    seed: int = 5


@dataclass(frozen=True)
class LearningHistory:
    """What learners did, in the contract's columns, and who they are.

    Attributes:
        truth: A row per learner: user_id, persona, plays (chance of a day that is no weekend), lessons, exercises,
            reviews, hard, breadth, favourite, skill (0 to 1, on the first day), growth (of skill in a hundred days),
            hour, joined_on, leaves_on, and what they say at the start of sessions.
    """

    events: pl.DataFrame
    truth: pl.DataFrame


def simulate_learning(settings: LearningSettings | None = None) -> LearningHistory:
    """Draw learners, and let them play their days."""
    settings = settings or LearningSettings()
    rng = np.random.default_rng(settings.seed)
    truth = _people(rng, settings)
    first = settings.end - dt.timedelta(days=settings.days - 1)
    days = [first + dt.timedelta(days=day) for day in range(settings.days)]
    acts = learning_play(rng, truth, days)
    return LearningHistory(learning_events(acts), truth)


def write_learning(history: LearningHistory, folder: Path) -> list[Path]:
    """Write the events, and the truth apart; the files that `ingest` takes."""
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    history.truth.write_parquet(folder / "truth" / "truth.parquet")
    history.events.write_parquet(folder / "events.parquet")
    return [folder / "events.parquet"]


def _people(rng: Generator, settings: LearningSettings) -> pl.DataFrame:
    n = settings.players
    persona = rng.integers(0, len(PERSONAS), n)
    usual = {name: np.array(way, dtype=float)[persona] for name, way in _WAYS.items()}
    joined = rng.integers(-settings.days // 2, settings.days * 2 // 3, n).clip(0)
    stays = rng.geometric(1 / 150, n) + 10
    first = settings.end - dt.timedelta(days=settings.days - 1)
    odds = np.log(usual["plays"] / (1 - usual["plays"])) + rng.normal(0, 0.6, n)
    frame = pl.DataFrame({
        "user_id": pl.Series([f"learner-{number:05d}" for number in range(n)]),
        "persona": pl.Series(PERSONAS).gather(persona),
        "plays": 1 / (1 + np.exp(-odds)),
        **{name: usual[name] * rng.lognormal(0, 0.25, n) for name in ("lessons", "exercises", "reviews")},
        "hard": usual["hard"],
        "breadth": usual["breadth"].astype(np.int64),
        "favourite": rng.integers(0, len(SKILLS), n),
        "skill": rng.beta(4, 4, n),
        "growth": rng.uniform(0.0, 0.3, n),
        "hour": rng.normal(18, 3.0, n).clip(6, 23),
        "joined": joined,
        "leaves": joined + stays,
        "focus": pl.Series(_FOCUS).gather(persona),
        "intensity": pl.Series(["light", "balanced", "immersive"]).gather(rng.integers(0, 3, n)),
        "planned_minutes": pl.Series([15, 30, 60]).gather(rng.integers(0, 3, n)),
    })  # fmt: skip
    day = pl.lit(first) + pl.duration(days=pl.col("joined"))
    gone = pl.lit(first) + pl.duration(days=pl.col("leaves"))
    return frame.with_columns(joined_on=day, leaves_on=gone).drop("joined", "leaves")


if __name__ == "__main__":
    into = asked_folder("learning", __doc__)
    write_learning(simulate_learning(), into)
