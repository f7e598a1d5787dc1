"""Made-up histories for the shipped apps `school` and `learning`, in the form of tests/foreign/data.py."""

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from tests.foreign.data import Whole, around, nth, visits

SUBJECTS = ("maths", "italian", "english", "science", "history", "geography", "art", "music", "latin")
SKILLS = ("python", "statistics", "design", "writing", "databases", "speaking")


def school_days(rng: Generator, people: int, days: int) -> pl.DataFrame:
    """Days of study with some things done on each: homework and quizzes for most, books and projects for few."""
    kinds = ["homework_submitted", "quiz_taken", "study_session", "answer_given", "note_shared", "book_finished",
             "project_step"]  # fmt: skip
    who, day, second, kind = _doings(rng, people, days, kinds, [0.34, 0.22, 0.2, 0.09, 0.06, 0.04, 0.05], size=1.5)
    able = rng.normal(68, 12, people)[who]
    count = len(who)
    own = rng.integers(0, len(SUBJECTS), people)[who]
    subject = np.where(rng.random(count) < 0.4, own, rng.integers(0, len(SUBJECTS), count))
    rows = pl.DataFrame(
        {
            "who": who,
            "day": day,
            "second": second,
            "event": kind,
            "subject": np.array(SUBJECTS)[subject],
            "on_time": rng.random(count) < rng.beta(8, 2, people)[who],
            "minutes": rng.lognormal(3.3, 0.5, count).round().clip(3, 240).astype(np.int64),
            "score": rng.normal(able, 14).round().clip(0, 100).astype(np.int64),
            "book": _numbered("book-", rng.integers(1, 200, count)),
            "pages": rng.lognormal(5.2, 0.4, count).round().clip(30, 900).astype(np.int64),
            "note_id": _numbered("note-", np.arange(count)),
            "classmate": _numbered("school-", rng.integers(0, people, count)),
            "project": _numbered("project-", rng.integers(1, 4, count)),
        }
    )
    shared = rows.filter(pl.col("event") == "note_shared")
    thanks = shared.filter(pl.Series(rng.random(shared.height) < 0.4))
    thanked = [
        thanks.with_columns(event=pl.lit("note_thanked"), second=pl.col("second") + 60 * (1 + turn), delta=pl.lit(1))
        for turn in range(3)
    ]
    return _only(pl.concat([rows.with_columns(delta=pl.lit(None, pl.Int32)), *thanked]), {
        "homework_submitted": {"subject", "on_time", "minutes"},
        "quiz_taken": {"subject", "score"},
        "study_session": {"subject", "minutes"},
        "answer_given": {"subject", "classmate"},
        "note_shared": {"subject", "note_id"},
        "book_finished": {"book", "pages"},
        "project_step": {"project"},
        "note_thanked": {"note_id", "delta"},
    })  # fmt: skip


def workshop_days(rng: Generator, people: int, days: int) -> pl.DataFrame:
    """Sessions of lessons and exercises, now and then an objective, an assessment or a review."""
    kinds = ["session_started", "lesson_completed", "exercise_scored", "objective_reached", "skill_assessed",
             "peer_reviewed"]  # fmt: skip
    who, day, second, kind = _doings(rng, people, days, kinds, [0.18, 0.26, 0.4, 0.06, 0.04, 0.06], size=3)
    count = len(who)
    skill = rng.integers(0, len(SKILLS), count)
    part = rng.integers(1, 9, count)
    score = rng.normal(rng.normal(0.72, 0.1, people)[who], 0.15).clip(0, 1).round(2)
    rows = pl.DataFrame(
        {
            "who": who,
            "day": day,
            "second": second,
            "event": kind,
            "focus": rng.choice(["mastery", "achievement", "social", "exploration"], people)[who],
            "intensity": rng.choice(["light", "balanced", "immersive"], people)[who],
            "planned_minutes": rng.choice([15, 30, 60], people)[who],
            "skill": np.array(SKILLS)[skill],
            "objective": _numbered("objective-", skill * 10 + part),
            "lesson": _numbered("lesson-", skill * 100 + part),
            "minutes": rng.lognormal(2.4, 0.5, count).round(1).clip(1, 90),
            "difficulty": rng.choice(["easy", "medium", "hard"], count, p=[0.4, 0.4, 0.2]),
            "score": score,
            "passed": score >= 0.6,
            "hints": rng.poisson(1.0, count),
            "level": score,
            "peer": _numbered("learning-", rng.integers(0, people, count)),
        }
    )
    return _only(rows, {
        "session_started": {"focus", "intensity", "planned_minutes"},
        "lesson_completed": {"skill", "objective", "lesson", "minutes"},
        "exercise_scored": {"skill", "objective", "difficulty", "score", "passed", "hints"},
        "objective_reached": {"skill", "objective"},
        "skill_assessed": {"skill", "level"},
        "peer_reviewed": {"skill", "peer"},
    })  # fmt: skip


def _doings(
    rng: Generator, people: int, days: int, kinds: list[str], shares: list[float], *, size: float
) -> tuple[Whole, Whole, Whole, NDArray[np.str_]]:
    """(who, day, second, kind) of what is done on the days of one's habit, one thing after another."""
    who, day = visits(rng, people, days, often=rng.beta(2, 3, people), lasts=rng.geometric(1 / 150, people))
    times = 1 + rng.poisson(rng.gamma(2.0, size / 2, people)[who])
    starts = around(rng, len(who), 16, 3)
    who, day, starts = np.repeat(who, times), np.repeat(day, times), np.repeat(starts, times)
    second = np.minimum(starts + 600 * nth(who * days + day), 86_000)
    return who, day, second, rng.choice(kinds, len(who), p=shares)


def _numbered(prefix: str, numbers: Whole) -> NDArray[np.str_]:
    named: NDArray[np.str_] = np.char.add(prefix, numbers.astype(str))
    return named


def _only(rows: pl.DataFrame, carried: dict[str, set[str]]) -> pl.DataFrame:
    """Properties that an event does not carry are null."""
    properties = set().union(*carried.values())
    return rows.with_columns(
        pl.when(pl.col("event").is_in([event for event, has in carried.items() if name in has])).then(pl.col(name))
        for name in sorted(properties)
    )
