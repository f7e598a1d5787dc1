"""Which local day a moment belongs to, by DuckDB's rules: the ones that give events their days.

DuckDB brings its time zone rules along, so they are the same on every machine with the same version.
"""

import datetime as dt
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

import configs.zones  # noqa: F401  # Python's own rules, which schedules follow, come from the tzdata package alone
from data.connections import in_memory
from data.warehouse import fixed_sql

AHEAD_DAYS = 400  # over which the two sets of rules are compared
UPDATE = "pip install --upgrade duckdb tzdata"


@lru_cache(maxsize=10_000)
def day_start(zone: str, day: dt.date, shift: dt.timedelta) -> dt.datetime:
    """The first moment at which the clocks of a zone show a day's start or later, in UTC.

    Where the clock skips the start, the day begins with the skip; where it shows it twice, the first time counts.
    """
    begins: dt.datetime = _one(
        fixed_sql("activity/day_start"), zone=zone, wall=dt.datetime.combine(day, dt.time()) + shift
    )
    return begins.replace(tzinfo=dt.UTC)


def local_day(zone: str, moment: dt.datetime, shift: dt.timedelta) -> dt.date:
    """The day that a moment belongs to where the clocks are those of a zone."""
    sql = "SELECT (timezone($zone, $moment::TIMESTAMPTZ) - $shift)::DATE"
    day: dt.date = _one(sql, zone=zone, moment=moment, shift=shift)
    return day


def first_fresh_day(zone: str, day: dt.date, since: dt.datetime, shift: dt.timedelta) -> dt.date:
    """The first day from `day` on that begins at `since` or later; a day that the zone skips is none."""
    found = max(day, local_day(zone, since, shift))
    while (begins := day_start(zone, found, shift)) < since or local_day(zone, begins, shift) != found:
        found += dt.timedelta(days=1)
    return found


def next_served_day(zone: str, now: dt.datetime, grace: dt.timedelta, shift: dt.timedelta) -> dt.date:
    """What a night started now serves: the day that began no longer ago than the grace, else the next to begin."""
    return first_fresh_day(zone, local_day(zone, now, shift), now - grace, shift)


def day_under_way(zone: str, moment: dt.datetime, shift: dt.timedelta) -> dt.date:
    """The first day of a zone that is not over: a clock that is put back may return to the day before."""
    day: dt.date = _one(fixed_sql("activity/day_under_way"), zone=zone, moment=moment, shift=shift)
    return day


@cache
def rules_differ_from(zone: str, since: dt.date) -> dt.date | None:
    """The first day from `since` on on which DuckDB and the tzdata package set a zone's clocks differently.

    None when they agree for AHEAD_DAYS.
    """
    first = dt.datetime.combine(since, dt.time(), dt.UTC)
    hours = [first + dt.timedelta(hours=hour) for hour in range(24 * AHEAD_DAYS)]
    walls = _cursor().execute(
        """SELECT timezone($zone, moment)
           FROM range($first::TIMESTAMPTZ, $last::TIMESTAMPTZ, INTERVAL 1 HOUR) AS hours(moment) ORDER BY moment""",
        {"zone": zone, "first": first, "last": first + dt.timedelta(days=AHEAD_DAYS)},
    )
    there = ZoneInfo(zone)
    pairs = zip(hours, walls.fetchall(), strict=True)
    return next((hour.date() for hour, (wall,) in pairs if hour.astimezone(there).replace(tzinfo=None) != wall), None)


def rules_note(zone: str, since: dt.date) -> tuple[str, ...]:
    """What a person must know where days, which follow DuckDB's rules, and schedules part; nothing if they agree."""
    parted = rules_differ_from(zone, since)
    if parted is None:
        return ()
    told = f"DuckDB and the tzdata package set the clocks of {zone} differently from {parted} on"
    return (f"{told}: days follow DuckDB, schedules tzdata. Update both: {UPDATE}",)


def _one(sql: str, **values: object) -> Any:
    rows = _cursor().execute(sql, values).fetchall()
    return rows[0][0]


def _cursor() -> duckdb.DuckDBPyConnection:
    """One of its own for each call: they come from several threads."""
    cursor = _connection().cursor()
    cursor.execute("SET TimeZone = 'UTC'")
    return cursor


_connection = cache(in_memory)
