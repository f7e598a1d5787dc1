"""What comes again each year comes on the same dates; what leaves no way for a streak to break is refused."""

import datetime as dt
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from configs.calendar import CalendarEntry
from pipelines.players.calendar import near_calendar
from tests.factories import event, known_at, make_app, warehouse_with

BREAK: dict[str, Any] = {
    "title": "Break",
    "kind": "holiday",
    "on": dt.date(2023, 12, 23),
    "until": dt.date(2024, 1, 6),
    "every": "year",
}


def test_an_entry_of_every_year_comes_on_the_same_dates_over_the_turn_of_years_too() -> None:
    spans = list(CalendarEntry(**BREAK).spans(dt.date(2025, 1, 2), dt.date(2025, 1, 2)))
    assert (dt.date(2024, 12, 23), dt.date(2025, 1, 6)) in spans
    assert (dt.date(2025, 12, 23), dt.date(2026, 1, 6)) in spans
    spring = CalendarEntry(**BREAK | {"on": dt.date(2024, 2, 20), "until": dt.date(2024, 3, 5)})
    assert (dt.date(2025, 2, 20), dt.date(2025, 3, 5)) in spring.spans(dt.date(2025, 3, 5), dt.date(2025, 3, 5))
    once = CalendarEntry(**BREAK | {"every": None})
    assert list(once.spans(dt.date(2030, 1, 1), dt.date(2030, 1, 1))) == [(BREAK["on"], BREAK["until"])]


def test_models_are_told_how_near_the_next_time_is_and_the_last_one_was() -> None:
    app = make_app(calendar=[BREAK])
    with warehouse_with(app, [event(1, 0)]) as warehouse:
        snapshots = pl.DataFrame({"player_key": [1], "base_day": [dt.date(2025, 12, 20)]})
        near = near_calendar(known_at(warehouse, app), snapshots)
        assert near.select("next_calendar_days", "last_calendar_days").rows() == [(3, 362)]


@pytest.mark.parametrize(
    ("section", "what", "why"),
    [
        ("streaks", {"freezes": 7, "freeze_renews_days": 7}, "no streak could ever break"),
        ("streaks", {"rest_on": ["holiday"]}, "no entry of the calendar is of kind 'holiday'"),
        ("calendar", [BREAK | {"until": dt.date(2023, 1, 1)}], "`until` is before `on`"),
        ("calendar", [BREAK | {"until": dt.date(2025, 1, 6)}], "lasts less than a year"),
        ("calendar", [BREAK | {"until": dt.date(2024, 2, 29)}], "not every year has a 29 February"),
        ("quiet_hours", {"begin": "22:00", "end": "22:00"}, "no message could ever be sent"),
        ("quiet_hours", {"begin": 22, "end": "08:00"}, "written with its minutes"),
    ],
)
def test_what_leaves_no_way_is_refused(section: str, what: object, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        make_app(**{section: what})


def test_days_of_rest_are_everyones() -> None:
    with pytest.raises(ValidationError, match="days of rest are everyone's"):
        make_app(calendar=[BREAK | {"cohort": "a"}], streaks={"rest_on": ["holiday"]})
