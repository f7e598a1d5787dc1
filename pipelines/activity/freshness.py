"""How fresh the input is: stretches in which the app as a whole fell silent against its own rhythm.

Hours in which nobody played are compared with the same hours of the quarter before them. How likely they are is the
product over their days of P(nobody): the share of such days on which there was nobody, or what a negative binomial with
the mean and variance of their player-hours gives, whichever is larger. So a shop with two buyers a week may be silent
for weeks, and an app with thousands of players for a few hours of the night. A day as full as usual lacks nothing: its
players came at another hour, as a class does that moves to the afternoon, or clocks that change. Beyond a limit the
days are unknown: they settle nothing and teach nothing until their events come or a person says that they were silent.
"""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data import zones
from data.warehouse import Warehouse

Hours = NDArray[np.float64]
LOOK_BACK_DAYS = 280  # what is learned from goes back half a year, and is judged by the quarter before
QUARTER_DAYS = 91
FEWEST_DAYS = 7
FEWEST_WEEKDAYS = 4
FEWEST_HOURS = 6  # a shorter stretch decides nothing
LEAST_ODDS = 1e-4
FULL = 0.25  # a day is as full as usual with no less than this quantile of days like it
USUAL = 0.05  # a day's beginning or end that is as likely as this without players says nothing
SLACK = 1.2
_HOUR, _DAY = dt.timedelta(hours=1), dt.timedelta(days=1)


class Days(Protocol):
    """How days are counted: an app says it, and a warehouse remembers it."""

    @property
    def timezone(self) -> str:
        """IANA zone."""

    @property
    def day_shift(self) -> dt.timedelta:
        """How long after midnight a day begins."""


@dataclass(frozen=True)
class Silence:
    """A stretch of which nothing is known, in the app's own time: days begin at midnight whatever its day_starts_at."""

    since: dt.datetime
    until: dt.datetime

    @property
    def first_day(self) -> dt.date:
        """The first day that is not known whole."""
        return self.since.date()

    @property
    def last_day(self) -> dt.date:
        """The last one."""
        return (self.until - dt.timedelta.resolution).date()

    def covers(self, day: dt.date) -> bool:
        """Whether a day of the app is unknown, wholly or in part."""
        return self.first_day <= day <= self.last_day


def find_silences(
    warehouse: Warehouse, app: Days, cut: dt.datetime, base_day: dt.date, now: dt.datetime
) -> tuple[Silence, ...]:
    """The silent stretches before `base_day`, as known at `cut`, oldest first; without those that a person accepted.

    Args:
        warehouse: Its events.
        app: Its zone and the hour at which its days begin.
        cut: Nothing that became available later is read.
        base_day: The first local day of the app that was not over at the cut.
        now: What a person said later is not known.
    """
    since = base_day - LOOK_BACK_DAYS * _DAY
    pins = {"cut": cut, "zone": app.timezone, "shift": app.day_shift, "since": since, "base_day": base_day}
    rows = warehouse.frame(warehouse.fixed("activity/active_hours"), pins)
    if rows.is_empty():
        return ()
    first = rows["hour"].min().date()  # type: ignore[union-attr]
    hours = np.zeros(((base_day - first).days, 24))
    at = ((rows["hour"] - dt.datetime.combine(first, dt.time())).dt.total_seconds() // 3600).to_numpy().astype(int)
    hours.reshape(-1)[at] = rows["players"].to_numpy()
    said = warehouse.frame("SELECT first_day, last_day FROM quiet_days WHERE said_at <= $now", {"now": now}).rows()
    quiet = np.array([any(a <= first + day * _DAY <= b for a, b in said) for day in range(len(hours))])
    return tuple(_silences(hours, quiet, dt.datetime.combine(first, dt.time())))


def came_later(warehouse: Warehouse, cut: dt.datetime, silences: Sequence[Silence]) -> int:
    """How many events from the first to the last of silent days came in after a night's cut, so that it misses them."""
    pins = {"cut": cut, "first": silences[0].first_day, "last": silences[-1].last_day}
    found = warehouse.value(
        "SELECT count(*) FROM events WHERE active AND available_at > $cut AND day BETWEEN $first AND $last", pins
    )
    return int(found)


def _silences(hours: Hours, quiet: NDArray[np.bool_], first: dt.datetime) -> Iterator[Silence]:
    usable = np.ones(len(hours), dtype=bool)
    for begin, end in _empty_runs((hours.reshape(-1) == 0) & ~np.repeat(quiet, 24)):
        parts = _days_of(begin, end)
        odds = 1.0
        for day, a, b in parts[: 1 + begin // 48]:  # no stretch is judged by a history that is not twice as long
            odds *= _odds(hours, usable, begin // 24, day, a, b)
            if odds < LEAST_ODDS:
                break
        if odds >= LEAST_ODDS:
            continue
        since, until = _trimmed(hours, usable, parts)
        usable[since // 24 : -(-until // 24)] = False
        yield Silence(first + since * _HOUR, first + until * _HOUR)


def _empty_runs(empty: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], empty, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2) if b - a >= FEWEST_HOURS]


def _days_of(begin: int, end: int) -> list[tuple[int, int, int]]:
    """(day, first hour, last hour + 1) of each day of a run."""
    days = range(begin // 24, (end - 1) // 24 + 1)
    return [(day, max(begin - 24 * day, 0), min(end - 24 * day, 24)) for day in days]


def _odds(hours: Hours, usable: NDArray[np.bool_], before: int, day: int, a: int, b: int) -> float:
    """P(nobody plays between two hours of a day), by the quarter before a run.

    It is 1 while too little is known, and of a day that is as full as usual all the same.
    """
    known = np.arange(max(before - QUARTER_DAYS, 0), before)
    known = known[usable[known]]
    same = known[known % 7 == day % 7]
    like = same if len(same) >= FEWEST_WEEKDAYS else known
    whole = hours[day].sum()
    if len(known) < FEWEST_DAYS or (whole > 0 and whole >= np.quantile(hours[like].sum(axis=1), FULL)):
        return 1.0
    played = hours[like, a:b].sum(axis=1)
    mean, variance = float(played.mean()), float(played.var(ddof=1))
    if mean == 0:
        return 1.0
    shape = mean**2 / max(variance - mean, 1e-9)
    return max(float((played == 0).mean()), float((1 + mean / shape) ** -shape))


def _trimmed(hours: Hours, usable: NDArray[np.bool_], parts: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
    """A run without an end of its first day and a beginning of its last that are often as quiet."""
    before, (day, a, b), (last, c, d) = parts[0][0], parts[0], parts[-1]
    begin, end = 24 * day + a, 24 * last + d
    if len(parts) > 1 and a > 0 and _odds(hours, usable, before, day, a, b) >= USUAL:
        begin = 24 * (day + 1)
    if len(parts) > 1 and d < 24 and _odds(hours, usable, before, last, c, d) >= USUAL:
        end = 24 * last
    return (begin, end) if begin < end else (24 * day + a, 24 * last + d)


def known_whole_until(silences: Sequence[Silence], base_day: dt.date, *, stale: bool) -> dt.date:
    """The first day of the silence that lasts until `base_day`; else `base_day`.

    A day that is silent from some hour on still counts as known where the input always comes in parts: unless `stale`.
    """
    if not silences or silences[-1].until < dt.datetime.combine(base_day, dt.time()):
        return base_day
    since = silences[-1].since
    return since.date() if stale or since.time() == dt.time() else min(since.date() + _DAY, base_day)


def is_stale(warehouse: Warehouse, app: Days, silences: Sequence[Silence], cut: dt.datetime, base_day: dt.date) -> bool:
    """Whether the input is older than it uses to be at this hour: a feed that comes once a week may be six days old.

    It is when the newest known event is further back than 1.2 times what it was on nine of ten such weekdays of the
    quarter, or on nine of ten days while few such weekdays are known.
    """
    if not silences or silences[-1].until < dt.datetime.combine(base_day, dt.time()):
        return False
    pins = {"cut": cut, "days": QUARTER_DAYS, "zone": app.timezone, "shift": app.day_shift, "base_day": base_day}
    ages = warehouse.frame(warehouse.fixed("activity/input_ages"), pins)
    if ages.is_empty() or ages["days_ago"][0] > 0:
        return True
    now, past = ages["age_h"][0], ages.filter(pl.col("days_ago") > 0)
    same = past.filter(pl.col("days_ago") % 7 == 0)["age_h"]
    usual = (same if len(same) >= FEWEST_WEEKDAYS else past["age_h"]).quantile(0.9, "lower")
    return usual is None or bool(now > SLACK * usual)


def missing_from(warehouse: Warehouse, app: Days, now: dt.datetime) -> dt.date | None:
    """The first day whose input is missing as things stand now; None when the input is as fresh as it uses to be."""
    last: dt.date | None = warehouse.value("SELECT max(day) FROM events WHERE active")
    today = zones.local_day(app.timezone, now, app.day_shift)
    if last is None:
        return None
    if last < today - LOOK_BACK_DAYS * _DAY:
        return last + _DAY
    silences = find_silences(warehouse, app, now, today, now)
    return silences[-1].first_day if is_stale(warehouse, app, silences, now, today) else None


def silent_spans(warehouse: Warehouse, app: Days, cut: dt.datetime, silences: Sequence[Silence]) -> pl.DataFrame:
    """player_key, first_day, last_day: the player's own local days that silences touch."""
    frame = pl.DataFrame(
        [(silence.since, silence.until) for silence in silences],
        schema={"since": pl.Datetime("us"), "until": pl.Datetime("us")},
        orient="row",
    )
    with warehouse.lend(silences=frame):
        return warehouse.frame(
            warehouse.fixed("activity/silent_spans"), {"cut": cut, "zone": app.timezone, "shift": app.day_shift}
        )


def touching(windows: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """The windows (player_key, start_day, end_day, …) that share a day with one of their player's spans."""
    asked = windows.select("player_key", "start_day", "end_day").unique()
    hit = asked.join(spans, on="player_key").filter(
        (pl.col("start_day") <= pl.col("last_day")) & (pl.col("end_day") >= pl.col("first_day"))
    )
    return windows.join(hit, on=["player_key", "start_day", "end_day"], how="semi", maintain_order="left")


def to_json(silences: Sequence[Silence]) -> str:
    """For the night's pins."""
    return json.dumps([[silence.since.isoformat(), silence.until.isoformat()] for silence in silences])


def from_json(text: str | None) -> tuple[Silence, ...]:
    """From the night's pins."""
    return tuple(Silence(*map(dt.datetime.fromisoformat, pair)) for pair in json.loads(text or "[]"))
