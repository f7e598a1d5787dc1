"""Recruits of the trading academy (data/simulator/simulator.py) whose days are played one at a time, and who answer."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.random import Generator

from data.simulator.events import COURSES, DIFFICULTIES, EVENT_COLUMNS
from data.simulator.play import DAY_STARTS, LOGIN, NAMES, STOP, TRADE
from data.simulator.players import KINDS, MODES, TEMPERS
from data.simulator.response import utc

_MOST, _MINUTES, _STRONG = 12, 10, 80
_ACTS = {
    **dict.fromkeys(
        ("user_id", "event", "mode", "difficulty", "outcome", "course", "lesson_id", "kind", "mate"), pl.String
    ),
    **dict.fromkeys(("second", "minutes", "score", "words"), pl.Int64),
    **dict.fromkeys(("stop_set", "won"), pl.Boolean),
}
# What each event tells; what else the academy knows of a trade is no matter of what is asked for.
_FIELDS = {
    "login": (),
    "trade_closed": ("mode", "difficulty", "outcome", "won", "stop_set", "minutes"),
    "stop_loss_set": (),
    "journal_entry": ("words",),
    "lesson_completed": ("course", "lesson_id", "minutes", "score"),
    "drill_finished": ("mode", "difficulty", "minutes", "score"),
    "squad_message": ("kind", "mate"),
}
# What is done where a metric is asked for.
_DOES = {
    "protected_trades": "trade_closed",
    "stops_set": "stop_loss_set",
    "journal_entries": "journal_entry",
    **dict.fromkeys(("lessons", "lesson_minutes", "strong_lessons"), "lesson_completed"),
    **dict.fromkeys(("drills", "drill_minutes", "drill_modes"), "drill_finished"),
    **dict.fromkeys(("squad_messages", "mates_helped"), "squad_message"),
    "days_active": "login",
}


def _is(event: str) -> pl.Expr:
    return pl.col("event") == event


_COUNTS: Mapping[str, pl.Expr] = {
    "protected_trades": (_is("trade_closed") & pl.col("stop_set")).sum(),
    "stops_set": _is("stop_loss_set").sum(),
    "journal_entries": _is("journal_entry").sum(),
    "lessons": _is("lesson_completed").sum(),
    "lesson_minutes": pl.col("minutes").filter(_is("lesson_completed")).sum(),
    "strong_lessons": (_is("lesson_completed") & (pl.col("score") >= _STRONG)).sum(),
    "drills": _is("drill_finished").sum(),
    "drill_minutes": pl.col("minutes").filter(_is("drill_finished")).sum(),
    "drill_modes": pl.col("mode").filter(_is("drill_finished")).n_unique(),
    "squad_messages": _is("squad_message").sum(),
    "mates_helped": pl.col("mate").filter(_is("squad_message") & (pl.col("kind") == "help")).n_unique(),
    "days_active": pl.len().clip(0, 1),
}


@dataclass(frozen=True)
class AcademyWorld:
    """The recruits whose truth `write_simulation` wrote: they come, and do as much, as their traits say.

    Moods, habits and absences end with the history. Best scores are not answered: they are no matter of will.
    """

    truth: pl.DataFrame
    zone: ClassVar[str] = "America/New_York"
    counts: ClassVar[Mapping[str, pl.Expr]] = _COUNTS
    most: ClassVar[Mapping[str, float]] = {
        **dict.fromkeys(_COUNTS, float(_MOST)),
        **dict.fromkeys(("lesson_minutes", "drill_minutes"), float(_MOST * _MINUTES)),
        "drill_modes": float(len(MODES)),
        "days_active": 1.0,
    }

    def play(self, rng: Generator, day: dt.date) -> pl.DataFrame:
        """A login, and trades, entries, lessons, drills and messages as often as a recruit's persona does them."""
        here = self.truth.filter((pl.col("joined_on") <= day) & pl.col("churned_on").is_null())
        came = here.filter(pl.Series(rng.random(here.height)) < pl.col("play_probability"))
        rates = np.array([TEMPERS[name].rates for name in came["persona"]]).reshape(came.height, len(KINDS))
        counts = rng.poisson(rates * came["intensity"].to_numpy()[:, None]).clip(0, _MOST)
        owner = np.concatenate([np.arange(came.height), *(np.repeat(np.arange(came.height), n) for n in counts.T)])
        kind = np.concatenate([np.full(came.height, LOGIN), np.repeat(np.arange(len(KINDS)), counts.sum(axis=0))])
        stops = (kind == TRADE) & (rng.random(len(kind)) < came["stop_share"].to_numpy()[owner])
        owner, kind = np.append(owner, owner[stops]), np.append(kind, np.full(stops.sum(), STOP))
        protected = np.append(stops, np.zeros(stops.sum(), dtype=np.bool_))
        n, skill = len(kind), came["skill_end"].to_numpy()[owner]
        begins = (came["preferred_hour"].to_numpy() * 3600 - DAY_STARTS * 60) % 86_400
        begins = DAY_STARTS * 60 + np.minimum(begins, 18 * 3600).astype(np.int64)  # six hours are left to the day's end
        won = rng.random(n) < 0.4 + 0.16 * skill
        rows = came.select("user_id")[owner].with_columns(
            event=pl.Series(NAMES).gather(kind),
            begins=pl.Series(begins[owner]),
            mode=pl.Series(MODES).gather(rng.integers(0, len(MODES), n)),
            difficulty=pl.Series(DIFFICULTIES).gather(np.digitize(skill, (0.38, 0.62))),
            outcome=pl.Series(("loss", "win")).gather(won.astype(np.int64)),
            won=pl.Series(won),
            stop_set=pl.Series(protected),
            minutes=pl.Series(rng.lognormal(2.2, 0.45, n).clip(1, 60).astype(np.int64)),
            score=pl.Series((50 + 42 * skill + 11 * rng.standard_normal(n)).clip(0, 100).astype(np.int64)),
            words=pl.Series(rng.lognormal(4.2, 0.6, n).clip(5, 3000).astype(np.int64)),
            kind=pl.Series(("chat", "help")).gather((rng.random(n) < 0.4).astype(np.int64)),
            nth=pl.Series(rng.integers(0, 100, n)),
        )
        return _shaped(rows.with_columns(second=pl.col("begins") + 300 * pl.int_range(pl.len()).over("user_id")))

    def more(self, wanted: pl.DataFrame, day: dt.date) -> pl.DataFrame:  # noqa: ARG002  # (what is added is the same any day)
        """What was asked for: protected trades, strong lessons, drills in one mode after another, help for mates."""
        minutes = pl.col("metric").str.ends_with("_minutes")
        count = (pl.col("amount") / pl.when(minutes).then(_MINUTES).otherwise(1)).ceil().cast(pl.Int64).clip(1, _MOST)
        rows = wanted.with_columns(nth=pl.int_ranges(count)).explode("nth")
        return _shaped(
            rows.with_columns(
                event=pl.col("metric").replace_strict(_DOES),
                second=pl.col("second") + 60 * pl.int_range(pl.len()).over("user_id"),
                mode=(pl.col("nth") % len(MODES)).replace_strict(dict(enumerate(MODES)), return_dtype=pl.String),
                difficulty=pl.lit(DIFFICULTIES[0]),
                outcome=pl.lit("loss"),
                won=pl.lit(value=False),
                stop_set=pl.lit(value=True),
                minutes=_MINUTES,
                score=90,
                words=60,
                kind=pl.lit("help"),
            )
        )

    def write(self, acts: pl.DataFrame, folder: Path, day: dt.date) -> list[Path]:
        """One file of events in the contract's columns, at the recruits' own clocks."""
        rows = acts.join(self.truth.select("user_id", "zone"), on="user_id", how="left", maintain_order="left")
        rows = rows.with_columns(sequence=1 + pl.int_range(pl.len()).over("user_id"))
        at = utc(rows, pl.lit(day).cast(pl.Datetime("us")) + pl.duration(seconds="second"), self.zone)
        told = pl.coalesce(pl.when(_is(event)).then(_document(fields)) for event, fields in _FIELDS.items())
        written = rows.select(
            pl.format("{}-{}-{}", "user_id", pl.lit(f"{day:%Y%m%d}"), "sequence").alias("event_id"),
            *("user_id", "event"),
            at.alias("occurred_at"),
            "sequence",
            pl.lit(None, pl.Float64).alias("value"),
            told.alias("properties"),
        ).select(EVENT_COLUMNS)
        path = folder / f"events-{day}.parquet"
        written.sort("occurred_at", "user_id", "sequence").write_parquet(path)
        return [path]


def _document(fields: tuple[str, ...]) -> pl.Expr:
    return pl.struct(fields).struct.json_encode() if fields else pl.lit("{}")


def _shaped(rows: pl.DataFrame) -> pl.DataFrame:
    """Acts with what follows from how many there were before: course, lesson and squad mate."""
    course = (pl.col("nth") % len(COURSES)).replace_strict(dict(enumerate(COURSES)), return_dtype=pl.String)
    rows = rows.with_columns(
        course=course, lesson_id=pl.format("{}-{}", course, "nth"), mate=pl.format("mate-{}", "nth")
    )
    return rows.select(pl.col(name).cast(kind) for name, kind in _ACTS.items())
