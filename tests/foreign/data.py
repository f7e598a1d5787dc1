"""Made-up histories for the apps of tests/foreign/apps.py, in the events contract: from a seed, set-based.

Shapes follow public data: a purchase log in which most people buy once to three times a year, workouts of people with
weekly habits that wear off, and xAPI-like statements of learners, several in one sitting.
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

LAST_DAY = dt.date(2025, 10, 31)
Whole = NDArray[np.int64]


def purchases(rng: Generator, people: int, days: int) -> pl.DataFrame:
    """Baskets: a first one on any day, one or two more in a year for most, dozens for a few; Saturdays are busy."""
    more = rng.poisson(rng.gamma(0.5, 3.0, people) * days / 365)
    who = np.repeat(np.arange(people), more + 1)
    first = rng.integers(0, days, people)[who]
    day = first + np.where(nth(who) == 0, 0, rng.integers(0, days, len(who)))
    kept = day < days
    records = rng.geometric(0.55, len(who)) + rng.binomial(1, 0.05, len(who)) * rng.poisson(8, len(who))
    return pl.DataFrame(
        {
            "who": who,
            "day": day + ((day % 7 < 2) & (rng.random(len(who)) < 0.3)),
            "second": around(rng, len(who), 15, 3),
            "event": "purchase",
            "records": records,
            "dollars": (records * rng.lognormal(2.6, 0.3, len(who))).round(2),
        }
    ).filter(pl.lit(pl.Series(kept)) & (pl.col("day") < days))


def workouts(rng: Generator, people: int, days: int) -> pl.DataFrame:
    """A workout on the days of one's habit, seldom two; habits wear off, and half of the modes are one's own."""
    who, day = visits(rng, people, days, often=rng.beta(1.5, 3, people), lasts=rng.geometric(1 / 90, people))
    times = 1 + (rng.random(len(who)) < 0.08)
    who, day = np.repeat(who, times), np.repeat(day, times)
    form = rng.normal(500, 120, people)[who] + 0.5 * day
    modes = np.array(["run", "row", "bike", "swim", "lift"])
    own = rng.integers(0, len(modes), people)[who]
    return pl.DataFrame(
        {
            "who": who,
            "day": day,
            "second": around(rng, len(who), 18, 4),
            "event": "workout",
            "mode": modes[np.where(rng.random(len(who)) < 0.6, own, rng.integers(0, len(modes), len(who)))],
            "difficulty": np.array(["easy", "steady", "hard"])[rng.integers(0, 3, people)[who]],
            "minutes": rng.lognormal(3.4, 0.4, len(who)).round(1).clip(3, 300),
            "score": rng.normal(form, 60).round().clip(0, 1000).astype(np.int64),
            "heart_rate": rng.normal(rng.normal(125, 15, people)[who], 8).round().clip(60, 200).astype(np.int64),
            "personal_best": rng.random(len(who)) < 0.1,
        }
    )


def statements(rng: Generator, people: int, days: int) -> pl.DataFrame:
    """Sittings of a handful of statements on the days of one's study: most complete something, few ask or help."""
    who, day = visits(rng, people, days, often=rng.beta(2, 4, people), lasts=rng.geometric(1 / 150, people))
    size = 1 + rng.poisson(rng.gamma(2.0, 2.0, people)[who])
    starts = around(rng, len(who), 19, 4)
    who, day, starts = np.repeat(who, size), np.repeat(day, size), np.repeat(starts, size)
    kind = rng.choice(["completed", "scored", "asked", "helped"], len(who), p=[0.55, 0.33, 0.07, 0.05])
    able = rng.normal(70, 12, people)[who]
    nothing = pl.lit(None)
    return (
        pl.DataFrame(
            {
                "who": who,
                "day": day,
                "second": np.minimum(starts + 240 * nth(who * days + day), 86_399),
                "event": kind,
                "activity": np.char.add("unit-", rng.integers(1, 41, len(who)).astype(str)),
                "minutes": rng.lognormal(2.3, 0.6, len(who)).round(1).clip(1, 240),
                "percent": rng.normal(able, 12).round(1).clip(0, 100),
                "peer": np.char.add("study_log-", rng.integers(0, people, len(who)).astype(str)),
            }
        )
        .with_columns(passed=pl.col("percent") >= 60)
        .with_columns(
            activity=pl.when(pl.col("event") == "helped").then(nothing).otherwise("activity"),
            minutes=pl.when(pl.col("event") == "completed").then("minutes"),
            percent=pl.when(pl.col("event") == "scored").then("percent"),
            passed=pl.when(pl.col("event") == "scored").then("passed"),
            peer=pl.when(pl.col("event") == "helped").then("peer"),
        )
    )


Log = Callable[[Generator, int, int], pl.DataFrame]
LOGS: dict[str, Log] = {
    "record_club": purchases,
    "gym": workouts,
    "study_log": statements,
}


def history(app: str, people: int, days: int, seed: int = 5, log_of: Log | None = None) -> pl.DataFrame:
    """The events of an app up to LAST_DAY: event_id, user_id, event, occurred_at (wall time), properties (JSON)."""
    log = (log_of or LOGS[app])(np.random.default_rng(seed), people, days).sort(
        "day", "second", "who", maintain_order=True
    )
    known = [name for name in log.columns if name not in {"who", "day", "second", "event"}]
    began = LAST_DAY - dt.timedelta(days=days - 1)
    moment = pl.lit(dt.datetime.combine(began, dt.time())) + pl.duration(days="day", seconds="second")
    return log.select(
        event_id=pl.format(f"{app}-{{}}", pl.int_range(pl.len())),
        user_id=pl.format(f"{app}-{{}}", "who"),
        event="event",
        occurred_at=moment.dt.strftime("%Y-%m-%dT%H:%M:%S"),
        properties=_without_nulls(pl.struct(known).struct.json_encode()),
    )


def write_history(folder: Path, events: pl.DataFrame, name: str = "events.csv") -> Path:
    """A delivery as a CSV file."""
    folder.mkdir(parents=True, exist_ok=True)
    events.write_csv(folder / name)
    return folder / name


def visits(rng: Generator, people: int, days: int, *, often: NDArray[np.float64], lasts: Whole) -> tuple[Whole, Whole]:
    """(who, day) of every visit: a player comes from a day of their own on, with a chance of their own, and leaves."""
    joined = rng.integers(-60, days, people)
    at = np.arange(days)
    weekend = np.where(at % 7 >= 5, 0.6, 1.0)
    here = (at >= joined[:, None]) & (at < (joined + lasts)[:, None])
    who, day = np.nonzero(here & (rng.random((people, days)) < often[:, None] * weekend))
    return who, day


def nth(groups: Whole) -> Whole:
    """Which row of its group a row is, groups being together."""
    starts = np.r_[True, groups[1:] != groups[:-1]]
    at = np.arange(len(groups))
    nth: Whole = at - np.maximum.accumulate(np.where(starts, at, 0))
    return nth


def around(rng: Generator, count: int, hour: float, spread_h: float) -> Whole:
    """Seconds of the day around an hour."""
    return (rng.normal(hour, spread_h, count).clip(0.5, 23.4) * 3600).astype(np.int64)


def _without_nulls(document: pl.Expr) -> pl.Expr:
    """A JSON object without the properties that an event has not."""
    return document.str.replace_all(r'"[a-z_]+":null,?', "").str.replace(r",\}$", "}")
