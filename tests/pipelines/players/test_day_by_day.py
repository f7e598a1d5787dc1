"""What players did day by day, as of any day."""

import datetime as dt

import polars as pl

from pipelines.players.day_by_day import DayByDay, day_by_day
from tests.factories import START, event, known_at, make_app, warehouse_with

BASE = START.date() + dt.timedelta(days=7)


def test_each_day_before_is_counted_and_none_from_the_base_day_on() -> None:
    app = make_app()
    rows = [event(1, 7), event(1, 6), event(1, 6.1), event(1, 4), event(1, 3), event(2, 2)]
    snapshots = pl.DataFrame({"player_key": [2, 1, 1], "base_day": [BASE, BASE, BASE - dt.timedelta(days=2)]})
    with warehouse_with(app, rows) as warehouse:
        known = known_at(warehouse, app)
        found = day_by_day(known, snapshots, 4)
        tonight = DayByDay(known, 2).of(pl.Series([1, 9]))
        assert day_by_day(known, snapshots, 0).is_empty()
    assert found.rows() == [
        (2, BASE, 0.0, 0.0, 0.0, 0.0),
        (1, BASE, 2.0, 0.0, 1.0, 1.0),
        (1, BASE - dt.timedelta(days=2), 1.0, 1.0, 0.0, 0.0),
    ]
    assert tonight.columns == ["player_key", "base_day", "day_1", "day_2"]
    assert tonight["base_day"].unique().to_list() == [known.base_day]
