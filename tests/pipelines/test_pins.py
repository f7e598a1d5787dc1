"""A night's pins: which day it serves, what it may see, and that a rerun keeps them."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from configs.errors import NightquestError
from pipelines.known import Known
from pipelines.pins import GRACE, day_start, local_day, make_night, next_served_day, pin_night
from tests.factories import event, make_app, warehouse_with

NEW_YORK = make_app(timezone="America/New_York", day_starts_at="04:00")


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def test_a_day_begins_at_the_apps_hour_on_both_sides_of_a_clock_change() -> None:
    assert day_start(NEW_YORK, dt.date(2024, 3, 9)) == utc("2024-03-09 09:00")
    assert day_start(NEW_YORK, dt.date(2024, 3, 10)) == utc("2024-03-10 08:00")
    assert local_day(NEW_YORK, utc("2024-03-10 07:59")) == dt.date(2024, 3, 9)
    assert local_day(NEW_YORK, utc("2024-03-10 08:00")) == dt.date(2024, 3, 10)


@pytest.mark.parametrize("starts_at", ["00:00", "04:00", "23:00"])
def test_a_night_run_within_the_grace_of_a_days_start_serves_that_day_and_later_the_next(starts_at: str) -> None:
    app = make_app(timezone="America/New_York", day_starts_at=starts_at)
    day = dt.date(2024, 1, 2)
    begins, minute = day_start(app, day), dt.timedelta(minutes=1)
    assert next_served_day(app, begins - minute) == day
    assert next_served_day(app, begins + GRACE) == day
    assert next_served_day(app, begins + GRACE + minute) == day + dt.timedelta(days=1)
    assert next_served_day(app, begins + minute, dt.timedelta(0)) == day + dt.timedelta(days=1)


def test_a_night_within_the_grace_sees_what_came_in_since_the_day_began() -> None:
    app = make_app(day_starts_at="04:00")
    with warehouse_with(app, [event(1, 0, points=1, topic="a")]) as warehouse:
        night = make_night(warehouse, app, dt.date(2024, 1, 5), utc("2024-01-05 06:00"))
        found = Known(warehouse, night).first_whole_days()
    assert (night.cut, night.base_day, night.lead_days) == (utc("2024-01-05 06:00"), dt.date(2024, 1, 5), 0)
    assert found["start_day"].to_list() == [dt.date(2024, 1, 5)]


def test_a_night_started_during_a_day_does_not_count_that_day_as_known() -> None:
    app = make_app()
    with warehouse_with(app, [event(1, 0, points=1, topic="a")]) as warehouse:
        night = make_night(warehouse, app, dt.date(2024, 1, 5), utc("2024-01-04 06:00"))
    assert night.base_day == dt.date(2024, 1, 4)
    assert night.lead_days == 1


def test_a_night_of_the_past_is_cut_at_its_own_start() -> None:
    app = make_app()
    with warehouse_with(app, [event(1, 0, points=1, topic="a")]) as warehouse:
        night = make_night(warehouse, app, dt.date(2024, 1, 5), utc("2025-01-01 06:00"))
    assert night.cut == utc("2024-01-05 00:00")
    assert night.lead_days == 0


def test_a_rerun_uses_the_same_pins_and_a_refresh_makes_a_new_revision() -> None:
    app = make_app()
    with warehouse_with(app, [event(1, 0, points=1, topic="a")]) as warehouse:
        day = dt.date(2024, 1, 5)
        first = pin_night(warehouse, app, "h1", day, utc("2024-01-05 06:00"), "v1")
        again = pin_night(warehouse, app, "h2", day, utc("2024-01-06 06:00"), "v2")
        fresh = pin_night(warehouse, app, "h2", day, utc("2024-01-06 06:00"), "v2", refresh=True)
    assert again == replace(first, app_hash="h2", file_hash="h2", code_version="v2")  # what goes on with it
    assert (fresh.revision, fresh.app_hash) == (2, "h2")


def test_a_night_before_any_data_says_when_data_begins() -> None:
    app = make_app()
    with warehouse_with(app, [event(1, 0, points=1, topic="a")]) as warehouse, pytest.raises(NightquestError) as told:
        make_night(warehouse, app, dt.date(2023, 1, 1), utc("2024-06-01 00:00"))
    assert "2023-01-01" in str(told.value)
    assert "--as-of" in str(told.value)


def test_a_player_whose_day_has_begun_is_served_from_the_next() -> None:
    app = make_app()
    with warehouse_with(app, [event(p, 0, points=1, topic="a") for p in (1, 2, 3)]) as warehouse:
        zones = [(1, "Asia/Tokyo"), (2, "America/New_York")]
        records = pl.DataFrame(zones, schema=["player_key", "timezone"], orient="row").with_columns(
            recorded_at=pl.lit(utc("2024-01-01 00:00")), available_at=pl.lit(utc("2024-01-01 00:00"))
        )
        warehouse.append("player_records", records)
        night = make_night(warehouse, app, dt.date(2024, 1, 5), utc("2024-01-05 00:00"))
        found = Known(warehouse, night).first_whole_days().sort("player_key")
    assert found["start_day"].to_list() == [dt.date(2024, 1, 6), dt.date(2024, 1, 5), dt.date(2024, 1, 5)]


def test_a_player_whose_day_began_within_the_grace_is_served_from_it() -> None:
    app = make_app(timezone="Europe/London")
    with warehouse_with(app, [event(p, 0, points=1, topic="a") for p in (1, 2)]) as warehouse:
        zones = [(1, "Europe/Helsinki"), (2, "Asia/Kolkata")]
        records = pl.DataFrame(zones, schema=["player_key", "timezone"], orient="row").with_columns(
            recorded_at=pl.lit(utc("2024-01-01 00:00")), available_at=pl.lit(utc("2024-01-01 00:00"))
        )
        warehouse.append("player_records", records)
        night = make_night(warehouse, app, dt.date(2024, 1, 5), utc("2024-01-05 00:30"))
        found = Known(warehouse, night).first_whole_days().sort("player_key")
    assert found["start_day"].to_list() == [dt.date(2024, 1, 5), dt.date(2024, 1, 6)]
