"""Rows of the events contract from what simulated players did."""

import datetime as dt

import numpy as np
import polars as pl

from data.simulator.play import (
    DRILL,
    JOURNAL,
    LESSON,
    LOGIN,
    NAMES,
    SQUAD,
    STOP,
    TRADE,
    Acts,
    PlayDays,
    drill_scores,
    nth_of_player,
)
from data.simulator.players import ALWAYS_OPEN, EXCHANGE, MODES, ZONES, Ints, Population, squads

DIFFICULTIES = ("recruit", "operator", "veteran")
COURSES = (
    *("orientation", "risk-control", "chart-reading", "order-types", "position-sizing", "market-hours"),
    *("journaling", "psychology", "volatility", "news-days", "correlation", "review-craft"),
)
_LESSONS_PER_COURSE = 9
_PLATFORMS = ("mobile", "desktop", "web")
EVENT_COLUMNS = ("event_id", "user_id", "event", "occurred_at", "sequence", "value", "properties")


def event_rows(
    rng: np.random.Generator, people: Population, days: PlayDays, acts: Acts, start: dt.date
) -> pl.DataFrame:
    """All events by the players themselves, with `day` (local day of the app) and `play_day` besides the contract."""
    base = _base(people, days, acts, start)
    parts = [
        base[rows].with_columns(_json(props))
        for rows, props in (
            _trades(rng, people, days, acts),
            _stops(rng, acts, days, people),
            _journals(rng, acts),
            _lessons(rng, days, acts),
            _drills(rng, people, days, acts),
            _squad(rng, people, days, acts),
            _logins(rng, acts),
        )
    ]
    events = pl.concat(parts)
    journal = events["event"] == "journal_entry"
    entry = pl.concat_str(pl.lit('{"entry_id":"'), "event_id", pl.lit('",'), pl.col("properties").str.slice(1))
    return events.with_columns(pl.when(journal).then(entry).otherwise("properties").alias("properties"))


def kudos_rows(rng: np.random.Generator, people: Population, events: pl.DataFrame, end: dt.datetime) -> pl.DataFrame:
    """Praise for journal entries, up to days later; it happens to a player and is no play."""
    entries = events.filter(pl.col("event") == "journal_entry").sort("event_id")
    fame = people.fame[entries["player"].to_numpy()]
    count = np.minimum(rng.poisson(fame), 12)
    rows = entries[np.repeat(np.arange(len(entries)), count)]
    nth = pl.Series(np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count) + 1)
    wait = pl.Series(np.round(rng.exponential(14 * 3600, len(rows))).astype(np.int64) + 60) * 1_000_000
    return rows.select(
        (pl.col("event_id") + pl.format("-k{}", nth)).alias("event_id"),
        "user_id",
        pl.lit("kudos_received").alias("event"),
        (pl.col("occurred_at") + wait.cast(pl.Duration("us"))).alias("occurred_at"),
        pl.lit(0, dtype=pl.Int64).alias("sequence"),
        "value",
        pl.concat_str(pl.lit('{"entry_id":"'), "event_id", pl.lit('","delta":1}')).alias("properties"),
    ).filter(pl.col("occurred_at") < end)


def _base(people: Population, days: PlayDays, acts: Acts, start: dt.date) -> pl.DataFrame:
    """Ids and times. A local time that the clocks skip is moved an hour on; one that comes twice is the first."""
    player = days.player[acts.play_day]
    frame = pl.DataFrame(
        {
            "player": player,
            "play_day": acts.play_day,
            "user_id": pl.Series(people.user_id).gather(player),
            "event": pl.Series(NAMES).gather(acts.kind),
            "day": days.day[acts.play_day],
            "seconds": np.round(acts.minute * 60).astype(np.int64),
            "sequence": acts.sequence,
            "zone": people.zone[player],
        }
    ).with_columns(
        (pl.lit(start) + pl.duration(days=pl.col("day"))).alias("day"), pl.lit(None, dtype=pl.Float64).alias("value")
    )
    wall = pl.col("day").cast(pl.Datetime("us")) + pl.duration(seconds=pl.col("seconds"))
    times = [
        pl.when(pl.col("zone") == number).then(
            pl.coalesce(
                at.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
                for at in (wall, wall + pl.duration(hours=1))
            ).dt.convert_time_zone("UTC")
        )
        for number, zone in enumerate(ZONES)
    ]
    number = pl.col("sequence").cast(pl.String).str.zfill(3)
    return frame.select(
        pl.format("{}-{}-{}", "user_id", pl.col("day").dt.strftime("%Y%m%d"), number).alias("event_id"),
        *("user_id", "event"),
        pl.coalesce(times).alias("occurred_at"),
        *("sequence", "value", "day", "player", "play_day"),
    )


def _json(properties: pl.DataFrame) -> pl.Series:
    return properties.to_struct("properties").struct.json_encode()


def _rows(acts: Acts, kind: int) -> Ints:
    return np.flatnonzero(acts.kind == kind)


def _instrument(rng: np.random.Generator, people: Population, days: PlayDays, acts: Acts, rows: Ints) -> pl.Series:
    day = acts.play_day[rows]
    owner = days.player[day]
    rank = (people.breadth[owner] * rng.random(len(rows)) ** 1.5).astype(np.int64)
    open_always = len(EXCHANGE) + (rng.random(len(rows)) > 0.7)
    chosen = np.where(days.market_shut[day], open_always, people.instruments[owner, rank])
    return pl.Series((*EXCHANGE, *ALWAYS_OPEN)).gather(chosen)


def _trades(rng: np.random.Generator, people: Population, days: PlayDays, acts: Acts) -> tuple[Ints, pl.DataFrame]:
    """Skill wins a little more often; a stop-loss caps what a loss costs."""
    rows = _rows(acts, TRADE)
    n, day = len(rows), acts.play_day[rows]
    owner = days.player[day]
    won = rng.random(n) < 0.40 + 0.16 * days.skill[day]
    loss = np.where(acts.stop_set[rows], rng.uniform(0.85, 1.05, n), rng.gamma(2.0, 0.8, n))
    result = np.clip(np.where(won, rng.gamma(2.2, 0.65, n) + 0.05, -loss), -10, 20).round(2)
    volume = np.clip(people.lots[owner] * rng.lognormal(0, 0.45, n), 0.01, 100).round(2)
    return rows, pl.DataFrame(
        {
            "instrument": _instrument(rng, people, days, acts, rows),
            "mode": pl.Series(MODES).gather(acts.mode[rows]),
            "difficulty": pl.Series(DIFFICULTIES).gather(acts.difficulty[rows]),
            "direction": pl.Series(["long", "short"]).gather(rng.integers(0, 2, n)),
            "volume": volume,
            "r_multiple": result,
            "profit": (result * volume * 85).round(2),
            "outcome": pl.Series(["loss", "win"]).gather(won.astype(np.int64)),
            "won": won,
            "stop_set": acts.stop_set[rows],
            "minutes": acts.minutes[rows],
        }
    )


def _stops(rng: np.random.Generator, acts: Acts, days: PlayDays, people: Population) -> tuple[Ints, pl.DataFrame]:
    rows = _rows(acts, STOP)
    distance = np.clip(rng.lognormal(-0.4, 0.5, len(rows)), 0.05, 20).round(2)
    return rows, pl.DataFrame({"instrument": _instrument(rng, people, days, acts, rows), "distance": distance})


def _journals(rng: np.random.Generator, acts: Acts) -> tuple[Ints, pl.DataFrame]:
    rows = _rows(acts, JOURNAL)
    return rows, pl.DataFrame({"words": np.clip(rng.lognormal(4.2, 0.6, len(rows)), 5, 3000).astype(np.int64)})


def _lessons(rng: np.random.Generator, days: PlayDays, acts: Acts) -> tuple[Ints, pl.DataFrame]:
    """Courses are taken in order, with some looking around."""
    rows = _rows(acts, LESSON)
    n = len(rows)
    nth = nth_of_player(days, acts, rows)
    ahead = days.player[acts.play_day[rows]] % 4 + nth // _LESSONS_PER_COURSE
    course = pl.Series(COURSES).gather(
        np.where(rng.random(n) < 0.15, rng.integers(0, len(COURSES), n), ahead) % len(COURSES)
    )
    number = pl.Series(nth % _LESSONS_PER_COURSE + 1).cast(pl.String)
    score = np.clip(np.round(50 + 42 * days.skill[acts.play_day[rows]] + 11 * rng.standard_normal(n)), 0, 100)
    return rows, pl.DataFrame(
        {
            "course": course,
            "lesson_id": course + "-" + number,
            "minutes": acts.minutes[rows],
            "score": score.astype(np.int64),
        }
    )


def _drills(rng: np.random.Generator, people: Population, days: PlayDays, acts: Acts) -> tuple[Ints, pl.DataFrame]:
    rows = _rows(acts, DRILL)
    return rows, pl.DataFrame(
        {
            "mode": pl.Series(MODES).gather(acts.mode[rows]),
            "difficulty": pl.Series(DIFFICULTIES).gather(acts.difficulty[rows]),
            "minutes": acts.minutes[rows],
            "score": drill_scores(rng, people, days, acts, rows),
        }
    )


def _squad(rng: np.random.Generator, people: Population, days: PlayDays, acts: Acts) -> tuple[Ints, pl.DataFrame]:
    """Some squad mates are written to far more often than others; nobody writes to themselves."""
    rows = _rows(acts, SQUAD)
    owner = days.player[acts.play_day[rows]]
    _, first, size = (part[owner] for part in squads(len(people)))
    step = 1 + (rng.random(len(rows)) ** 1.6 * (size - 1)).astype(np.int64)
    mate = first + (owner - first + step) % size
    kind = pl.Series(["chat", "help"]).gather((rng.random(len(rows)) < 0.4).astype(np.int64))
    return rows, pl.DataFrame({"kind": kind, "mate": pl.Series(people.user_id).gather(mate)})


def _logins(rng: np.random.Generator, acts: Acts) -> tuple[Ints, pl.DataFrame]:
    rows = _rows(acts, LOGIN)
    return rows, pl.DataFrame(
        {"platform": pl.Series(_PLATFORMS).gather(rng.choice(3, size=len(rows), p=[0.55, 0.3, 0.15]))}
    )
