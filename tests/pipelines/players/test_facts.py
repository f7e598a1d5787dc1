import datetime as dt

import polars as pl
import pytest

from pipelines.players.facts import has_ended
from pipelines.players.segments import measures_of
from pipelines.players.snapshots import describe
from tests.factories import FAR, START, event, known_at, make_app, warehouse_with

APP = make_app(segments={"features": ["solved"], "score": "points", "shaped_by": ["age"]})
BASE = dt.date(2024, 1, 20)


def record(player: int, born_on: dt.date | None, day: float = 0, available: float = 0) -> dict:
    at = START + dt.timedelta(days=day)
    return {"player_key": player, "born_on": born_on, "recorded_at": at,
            "available_at": START + dt.timedelta(days=available)}  # fmt: skip


def ages(*records: dict, app=APP, cut: dt.datetime = FAR) -> dict[int, float | None]:
    snapshots = pl.DataFrame({"player_key": [1, 2], "base_day": [BASE, BASE]})
    with warehouse_with(app, [event(1, 1, points=1), event(2, 1, points=1)]) as warehouse:
        if records:
            warehouse.append("player_records", pl.DataFrame(records, schema_overrides={"born_on": pl.Date}))
        return dict(describe(known_at(warehouse, app, cut=cut), snapshots).select("player_key", "age").iter_rows())


def test_an_age_is_that_of_the_base_day_and_unknown_without_a_date_of_birth():
    assert ages(record(1, dt.date(2000, 1, 20))) == {1: pytest.approx(24.0, abs=0.01), 2: None}


def test_a_newer_record_without_a_date_of_birth_takes_none_away_and_one_with_another_wins():
    found = ages(record(1, dt.date(2000, 1, 20)), record(1, None, 1), record(2, dt.date(1990, 1, 20)),
                 record(2, dt.date(1994, 1, 20), 1))  # fmt: skip
    assert found == {1: pytest.approx(24.0, abs=0.01), 2: pytest.approx(30.0, abs=0.01)}


def test_no_age_is_told_by_what_was_recorded_on_the_base_day_or_known_after_the_cut():
    late = (BASE - START.date()).days
    cut = START + dt.timedelta(days=late)
    assert ages(record(1, dt.date(2000, 1, 20), late), record(2, dt.date(2000, 1, 20), 0, late + 1), cut=cut) == {
        1: None,
        2: None,
    }


def test_an_age_shapes_segments_and_is_no_strength():
    (age,) = [measure for measure in measures_of(APP) if measure.column == "age"]
    assert (age.better, age.weight) == ("neither", 0.0)
    assert "age" not in [measure.column for measure in measures_of(make_app())]


def test_whose_last_deed_is_what_play_ends_with_has_ended_until_they_play_again():
    app = make_app(engagement={"ends_with": "solved"})
    rows = [event(1, 1, points=1), event(2, 1, points=1), event(2, 3, name="comment"), event(3, 1, name="comment")]
    days = [START.date() + dt.timedelta(days=k) for k in (1, 2, 4)]
    snapshots = pl.DataFrame({"player_key": [1, 1, 2, 2, 3], "base_day": [days[0], days[1], days[1], days[2], days[1]]})
    with warehouse_with(app, rows) as warehouse:
        told = has_ended(known_at(warehouse, app, cut=FAR), snapshots).sort("player_key", "base_day")
    assert told["ended"].to_list() == [0.0, 1.0, 1.0, 0.0, 0.0]
