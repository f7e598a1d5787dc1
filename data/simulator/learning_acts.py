"""What made-up learners do on a day: of their own accord, and to do what they were asked for."""

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.random import Generator

SKILLS = ("python", "statistics", "design", "writing", "databases", "speaking")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "session_started": ("focus", "intensity", "planned_minutes"),
    "lesson_completed": ("skill", "objective", "lesson", "minutes"),
    "exercise_scored": ("skill", "objective", "difficulty", "score", "passed", "hints"),
    "objective_reached": ("skill", "objective"),
    "peer_reviewed": ("skill", "peer"),
}
ACTS: Mapping[str, type[pl.DataType]] = {
    "user_id": pl.String,
    "day": pl.Date,
    "second": pl.Int64,
    "number": pl.Int64,
    "event": pl.String,
    **dict.fromkeys(("focus", "intensity", "skill", "objective", "lesson", "difficulty", "peer"), pl.String),
    "planned_minutes": pl.Int64,
    "minutes": pl.Float64,
    "score": pl.Float64,
    "passed": pl.Boolean,
    "hints": pl.Int64,
}
_MOST = 40  # acts that a learner adds for one challenge; more is not tried
_GAP_S = 240
_LESSON_MINUTES = 20.0


def _is(event: str) -> pl.Expr:
    return pl.col("event") == event


_PASSED = _is("exercise_scored") & pl.col("passed")
# What acts of one learner and day come to in each metric that can be asked for, as configs/apps/learning.yaml says it.
COUNTS: Mapping[str, pl.Expr] = {
    "learning_days": pl.len().clip(0, 1),
    "lessons": _is("lesson_completed").sum(),
    "lesson_minutes": pl.col("minutes").filter(_is("lesson_completed")).sum(),
    "exercises": _PASSED.sum(),
    "hard_exercises": (_PASSED & (pl.col("difficulty") == "hard")).sum(),
    "clean_exercises": (_PASSED & (pl.col("score") >= 0.9)).sum(),
    "objectives": pl.col("objective").filter(_is("objective_reached")).n_unique(),
    "skills": pl.col("skill").filter(_is("lesson_completed") | _is("exercise_scored")).n_unique(),
    "reviews": _is("peer_reviewed").sum(),
    "peers_helped": pl.col("peer").filter(_is("peer_reviewed")).n_unique(),
}
# How much of each a learner can do on a day.
MOST: Mapping[str, float] = {
    **dict.fromkeys(COUNTS, float(_MOST)),
    "learning_days": 1.0,
    "skills": float(len(SKILLS)),
    "lesson_minutes": _MOST * _LESSON_MINUTES,
}
# What one more act for a metric is.
_MORE: Mapping[str, Mapping[str, object]] = {
    "learning_days": {"event": "session_started"},
    "lessons": {"event": "lesson_completed", "minutes": 8.0},
    "lesson_minutes": {"event": "lesson_completed", "minutes": _LESSON_MINUTES},
    "exercises": {"event": "exercise_scored", "score": 0.75, "passed": True, "difficulty": "medium"},
    "hard_exercises": {"event": "exercise_scored", "score": 0.75, "passed": True, "difficulty": "hard"},
    "clean_exercises": {"event": "exercise_scored", "score": 0.95, "passed": True, "difficulty": "easy"},
    "objectives": {"event": "objective_reached"},
    "skills": {"event": "exercise_scored", "score": 0.7, "passed": True, "difficulty": "easy"},
    "reviews": {"event": "peer_reviewed"},
    "peers_helped": {"event": "peer_reviewed"},
}


def learning_play(rng: Generator, truth: pl.DataFrame, days: Sequence[dt.date]) -> pl.DataFrame:
    """ACTS of the learners' own accord, by learner and day: sessions with lessons, exercises and reviews."""
    calendar = pl.DataFrame({"day": days})
    here = truth.join(calendar, how="cross").filter(pl.col("day").is_between("joined_on", "leaves_on"))
    chance = here["plays"].to_numpy() * np.where(here["day"].dt.weekday().to_numpy() > 5, 0.7, 1.0)
    played = here.filter(pl.Series(rng.random(here.height) < chance))
    began = (played["hour"].to_numpy() * 3600 + rng.normal(0, 2400, played.height)).clip(5 * 3600, 84000)
    played = played.with_columns(began=pl.Series(began.astype(np.int64)))
    parts = [played.select("user_id", "day", "began", "focus", "intensity", "planned_minutes").with_columns(
        event=pl.lit("session_started")
    )]  # fmt: skip
    for event, rate in (
        ("lesson_completed", "lessons"),
        ("exercise_scored", "exercises"),
        ("peer_reviewed", "reviews"),
    ):
        count = rng.poisson(played[rate].to_numpy()).clip(0, 12)
        rows = played[np.repeat(np.arange(played.height), count)].with_columns(event=pl.lit(event))
        parts.append(_DETAILS[event](rng, rows))
    reached = played.filter(pl.Series(rng.random(played.height) < 0.15)).with_columns(event=pl.lit("objective_reached"))
    parts.append(reached.select("user_id", "day", "began", "event", **_subject(rng, reached)))
    acts = pl.concat(parts, how="diagonal").with_columns(number=pl.int_range(pl.len()).over("user_id", "day"))
    return _shaped(acts.with_columns(second=pl.col("began") + _GAP_S * pl.col("number")))


def learning_more(wanted: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """ACTS of learners who do what is asked of them today, whatever else they do.

    Args:
        wanted: user_id, metric, amount and second, from which on it is done: at most one row for a learner and metric.
        day: Today.
    """
    each = pl.when(pl.col("metric") == "lesson_minutes").then(_LESSON_MINUTES).otherwise(1.0)
    steps = (pl.col("amount") / each).ceil()
    rows = wanted.with_columns(nth=pl.int_ranges(steps.cast(pl.Int64).clip(1, _MOST))).explode("nth")
    more = pl.DataFrame([{"metric": metric, **act} for metric, act in _MORE.items()])
    rows = rows.join(more, on="metric", how="inner", maintain_order="left").with_columns(
        day=pl.lit(day),
        number=500 + pl.int_range(pl.len()).over("user_id"),
        skill=pl.lit(pl.Series("skill", SKILLS)).implode().first().list.get(pl.col("nth") % len(SKILLS)),
    )
    objective = pl.format("{}-asked-{}-{}", "skill", pl.lit(str(day)), "nth")
    return _shaped(
        rows.with_columns(
            objective=objective,
            lesson=objective,
            peer=pl.format("peer-{}", "nth"),
            hints=pl.lit(0),
            focus=pl.lit("achievement"),
            intensity=pl.lit("light"),
            planned_minutes=pl.lit(15),
            second=pl.col("second") + 60 * pl.int_range(pl.len()).over("user_id"),
        )
    )


def learning_events(acts: pl.DataFrame) -> pl.DataFrame:
    """Acts in the contract's columns."""
    moment = pl.col("day").cast(pl.Datetime("us")) + pl.duration(seconds=pl.col("second"))
    parts = [
        acts.filter(_is(event)).select(
            pl.format("{}/{}/{}", "user_id", "day", "number").alias("event_id"),
            *("user_id", "event"),
            moment.dt.replace_time_zone("UTC").alias("occurred_at"),
            pl.col("number").alias("sequence"),
            pl.lit(None, pl.Float64).alias("value"),
            pl.struct(fields).struct.json_encode().alias("properties"),
        )
        for event, fields in FIELDS.items()
    ]
    return pl.concat(parts).sort("occurred_at", "user_id", "sequence")


def _subject(rng: Generator, rows: pl.DataFrame) -> dict[str, pl.Series]:
    """Skill and objective: one's favourite skill mostly, else another of those one is about."""
    n = rows.height
    step = np.where(rng.random(n) < 0.4, 0, (rng.random(n) * rows["breadth"].to_numpy()).astype(np.int64))
    skill = pl.Series(SKILLS).gather((rows["favourite"].to_numpy() + step) % len(SKILLS))
    return {"skill": skill, "objective": skill + "-" + pl.Series(rng.integers(1, 30, n)).cast(pl.String)}


def _lessons(rng: Generator, rows: pl.DataFrame) -> pl.DataFrame:
    about = _subject(rng, rows)
    minutes = rng.lognormal(2.3, 0.5, rows.height).clip(1, 90).round(1)
    return rows.select(
        "user_id", "day", "began", "event", **about, lesson=about["objective"], minutes=pl.Series(minutes)
    )


def _exercises(rng: Generator, rows: pl.DataFrame) -> pl.DataFrame:
    n = rows.height
    hard = rng.random(n) < rows["hard"].to_numpy()
    age = (rows["day"] - rows["joined_on"]).dt.total_days().to_numpy()
    able = rows["skill"].to_numpy() + rows["growth"].to_numpy() * age / 100
    score = (0.35 + 0.5 * able - 0.15 * hard + rng.normal(0, 0.12, n)).clip(0, 1).round(2)
    return rows.select(
        *("user_id", "day", "began", "event"),
        **_subject(rng, rows),
        difficulty=pl.Series(np.where(hard, "hard", np.where(rng.random(n) < 0.5, "easy", "medium"))),
        score=pl.Series(score),
        passed=pl.Series(score >= 0.5),
        hints=pl.Series(rng.poisson(1 - able.clip(0, 1))),
    )


def _reviews(rng: Generator, rows: pl.DataFrame) -> pl.DataFrame:
    peer = pl.Series(rng.integers(0, 40, rows.height)).cast(pl.String)
    return rows.select("user_id", "day", "began", "event", skill=_subject(rng, rows)["skill"], peer="peer-" + peer)


_DETAILS = {"lesson_completed": _lessons, "exercise_scored": _exercises, "peer_reviewed": _reviews}


def _shaped(acts: pl.DataFrame) -> pl.DataFrame:
    known = set(acts.columns)
    columns = [(pl.col(name) if name in known else pl.lit(None)).cast(kind).alias(name) for name, kind in ACTS.items()]
    return acts.select(columns).sort("user_id", "day", "number")
