"""Local days of every zone: across clocks put forward, put back, and days left out."""

import datetime as dt
import zoneinfo
from bisect import bisect_left
from zoneinfo import ZoneInfo

import pytest

from configs.zones import zone_names
from data.zones import day_start, day_under_way, first_fresh_day, local_day, rules_differ_from

NO_SHIFT, NEW_YEARS_EVE = dt.timedelta(0), dt.date(2011, 12, 31)
MINUTE, DAY = dt.timedelta(minutes=1), dt.timedelta(days=1)


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def changes() -> list[tuple[str, dt.datetime]]:
    """A zone and the moment of change for every kind of change: offsets before and after, and the hour on the clock."""
    this_year = dt.datetime.now(dt.UTC).year
    weeks = [dt.datetime(this_year - 2, 1, 1, tzinfo=dt.UTC) + DAY * 7 * n for n in range(5 * 52)]
    kinds: dict[tuple[object, ...], tuple[str, dt.datetime]] = {}
    for name in sorted(zone_names()):
        zone = ZoneInfo(name)
        offsets = [week.astimezone(zone).utcoffset() for week in weeks]
        for week, before, after in zip(weeks, offsets, offsets[1:], strict=False):
            if before != after:
                at = first_with(after, zone, week)
                kinds.setdefault((before, after, at.astimezone(zone).time()), (name, at))
    return list(kinds.values())


def first_with(offset: dt.timedelta | None, zone: ZoneInfo, week: dt.datetime) -> dt.datetime:
    """The minute from which on a week has an offset."""
    return week + MINUTE * bisect_left(
        range(7 * 24 * 60), True, key=lambda n: (week + MINUTE * n).astimezone(zone).utcoffset() == offset
    )


@pytest.mark.parametrize(("zone", "change"), changes(), ids=str)
def test_a_day_begins_once_whatever_the_clock_does_at_its_start(zone: str, change: dt.datetime) -> None:
    there = ZoneInfo(zone)
    before = (change - MINUTE).astimezone(there).replace(tzinfo=None) + MINUTE
    after = change.astimezone(there).replace(tzinfo=None)
    for wall in {before, before + (after - before) / 2, after}:
        day, shift = wall.date(), wall - dt.datetime.combine(wall.date(), dt.time())
        begins = day_start(zone, day, shift)
        if after > before:
            assert begins == change
        else:  # the clock never shows `before` at first: it goes back instead
            assert begins == change - (before - wall) + (before - after if wall == before else 0 * MINUTE)
        assert local_day(zone, begins, shift) == day
        assert local_day(zone, begins - MINUTE, shift) < day
        assert first_fresh_day(zone, day, begins, shift) == day
        assert day_under_way(zone, begins - 6 * MINUTE, shift) == day - DAY


def test_a_skipped_start_does_not_put_the_day_off() -> None:
    assert day_start("America/Santiago", dt.date(2026, 9, 6), dt.timedelta(0)) == utc("2026-09-06 04:00")
    assert day_start("America/New_York", dt.date(2026, 3, 8), dt.timedelta(hours=2)) == utc("2026-03-08 07:00")
    assert day_start("Australia/Lord_Howe", dt.date(2026, 10, 4), dt.timedelta(hours=2)) == utc("2026-10-03 15:30")


def test_a_day_that_a_zone_leaves_out_is_never_the_next() -> None:
    assert first_fresh_day("Pacific/Apia", dt.date(2011, 12, 30), utc("2011-12-30 09:00"), NO_SHIFT) == NEW_YEARS_EVE


def test_a_day_is_not_over_while_the_clock_will_return_to_it() -> None:
    first_half_past = utc("2026-11-01 05:45")  # 01:45, and at 02:00 it is 01:00 again
    shift = dt.timedelta(hours=1, minutes=30)
    assert local_day("America/New_York", first_half_past, shift) == dt.date(2026, 11, 1)
    assert day_under_way("America/New_York", first_half_past, shift) == dt.date(2026, 10, 31)


def test_python_takes_its_rules_from_the_pinned_package_whatever_the_system_has() -> None:
    assert zoneinfo.TZPATH == ()
    assert rules_differ_from("Africa/Casablanca", dt.date(2026, 1, 1)) is None
    assert rules_differ_from("America/Vancouver", dt.date(2026, 1, 1)) is None
