"""A delivered calendar counts from when it was known; what it no longer names is called off; a bad row costs itself."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from configs.errors import NightquestError
from data.warehouse import Warehouse
from pipelines.players.calendar import near_calendar
from tests.factories import known_at, warehouse_with
from tests.pipelines.activity.deliveries import LEAN, NOW, as_jsonl, deliver, quarantine, solve

DAY = dt.timedelta(days=1)
HEAD = "title,kind,starts_on,ends_on,cohort,known_at\n"
EXAM = "Exam,exam,2024-06-10,,,2024-05-20T00:00:00Z\n"
EVENTS = as_jsonl([solve("ann", f"2024-05-{day:02}T10:00:00Z", points=1) for day in (1, 12, 30)])


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    with warehouse_with(LEAN) as made:
        yield made


def near(warehouse: Warehouse, day: dt.date, cut: dt.datetime) -> tuple[int | None, int | None]:
    """Days to the next and since the last date of the first player, in a night of a day."""
    snapshots = pl.DataFrame({"player_key": [1], "base_day": [day]}, schema_overrides={"player_key": pl.Int64})
    row = near_calendar(known_at(warehouse, LEAN, day, cut), snapshots).row(0, named=True)
    return row["next_calendar_days"], row["last_calendar_days"]


def test_history_knows_a_date_from_when_it_was_told_and_a_live_delivery_from_when_it_came(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    files = {"events.jsonl": EVENTS, "calendar.csv": HEAD + EXAM}
    taken = deliver(warehouse, LEAN, tmp_path, files, history=True)
    assert (taken.taken, taken.calendar, taken.refused) == (3, 1, 0)
    assert near(warehouse, dt.date(2024, 5, 20), dt.datetime(2024, 5, 19, 23, tzinfo=dt.UTC)) == (None, None)
    assert near(warehouse, dt.date(2024, 5, 21), dt.datetime(2024, 5, 21, tzinfo=dt.UTC)) == (20, None)
    # A later night sees its past days as they were: on 19 May nobody knew.
    snapshots = pl.DataFrame({"player_key": [1, 1], "base_day": [dt.date(2024, 5, 19), dt.date(2024, 5, 22)]})
    past = near_calendar(known_at(warehouse, LEAN, NOW.date(), NOW), snapshots).sort("base_day")
    assert past["next_calendar_days"].to_list() == [None, 19]
    with warehouse_with(LEAN) as live:
        deliver(live, LEAN, tmp_path, {**files, "calendar-2.csv": HEAD + EXAM}, now=NOW)
        assert near(live, dt.date(2024, 5, 31), NOW - DAY) == (None, None)
        assert near(live, dt.date(2024, 6, 2), NOW + DAY) == (8, None)


def test_a_date_that_is_moved_stands_where_it_stood_for_nights_before_the_news(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    deliver(warehouse, LEAN, tmp_path, {"e.jsonl": EVENTS, "calendar-1.csv": HEAD + EXAM}, history=True)
    moved = HEAD + EXAM.replace("06-10", "06-17")
    deliver(warehouse, LEAN, tmp_path, {"calendar-2.csv": moved}, now=NOW + DAY)
    assert near(warehouse, dt.date(2024, 6, 1), NOW) == (9, None)
    assert near(warehouse, dt.date(2024, 6, 3), NOW + 2 * DAY) == (14, None)
    deliver(warehouse, LEAN, tmp_path, {"calendar-2.csv": moved, "more.jsonl": EVENTS}, now=NOW + 3 * DAY)
    assert warehouse.value("SELECT count(*) FROM calendar_entries") == 2


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",exam,2024-06-10,,,", "title is missing"),
        ("Exam,exam,soon,,,", "starts_on 'soon'"),
        ("Exam,exam,2024-06-10,2024-06-01,,", "ends_on is before starts_on"),
    ],
)
def test_a_row_that_cannot_be_read_is_told_and_the_others_count(
    warehouse: Warehouse, tmp_path: Path, row: str, why: str
) -> None:
    taken = deliver(warehouse, LEAN, tmp_path, {"calendar.csv": f"{HEAD}{row}\n{EXAM}"}, history=True)
    assert (taken.calendar, taken.refused) == (1, 1)
    ((_, line, raw, reason),) = quarantine(warehouse)
    assert (line, why in reason, "exam" in (raw or "")) == (2, True, True)


def test_a_calendar_without_its_columns_is_refused_whole(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(NightquestError, match="The calendar cannot be read: It lacks 'title', 'kind' and 'starts_on'"):
        deliver(warehouse, LEAN, tmp_path, {"calendar.csv": "name,day\nExam,2024-06-10\n"})


def test_a_select_reads_the_calendar_from_raw_tables_for_whom_a_record_names(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    people: Any = as_jsonl(
        [{"user_id": "ann", "recorded_at": "2024-05-02", "attributes": {"class": "7b", "year": "7"}}]
    )
    deliver(warehouse, LEAN, tmp_path, {"people.jsonl": people}, history=True, players=True)
    sql = """SELECT what AS title, 'test' AS kind, due AS starts_on, '2024-05-01' AS known_at,
                    json_object('class', class, 'year', '7') AS attributes FROM raw_tests"""
    tests = "what,due,class\nAlgebra,2024-06-07,7b\nLatin,2024-06-05,7a\n"
    files = {"events.jsonl": EVENTS, "tests.csv": tests}
    assert deliver(warehouse, LEAN, tmp_path, files, calendar_sql=sql, history=True).calendar == 2
    assert near(warehouse, dt.date(2024, 6, 1), NOW) == (6, None)
    assert near(warehouse, dt.date(2024, 5, 1), dt.datetime(2024, 5, 1, tzinfo=dt.UTC)) == (None, None)
