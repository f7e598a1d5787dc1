"""Features look back only, whatever arrives later."""

import datetime as dt
import math

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from data.warehouse import Warehouse
from pipelines.players.features import compute_features, feature_names
from tests.factories import START, add_events, event, known_at, make_app, warehouse_with
from tests.pipelines.activity.random_play import events, row

APP = make_app()
BASE = dt.date(2024, 1, 8)
FOREVER = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def features_at(warehouse: Warehouse, base: dt.date = BASE, players: tuple[int, ...] = (1, 2, 3)) -> pl.DataFrame:
    return compute_features(
        known_at(warehouse, APP), pl.DataFrame({"player_key": players, "base_day": [base] * len(players)})
    )


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=events, second=events)
def test_features_of_a_day_do_not_change_when_later_events_arrive(first: list, second: list) -> None:
    with warehouse_with(APP, [row(*r) for r in first]) as warehouse:
        before = features_at(warehouse)
        offset = (BASE - START.date()).days
        add_events(warehouse, APP, [row(p, at + offset, *rest) for p, at, *rest in second])
        assert features_at(warehouse).equals(before)


def test_a_feature_is_what_a_hand_count_says() -> None:
    rows = [
        event(1, 0, points=3, topic="a"),
        event(1, 5, points=5, topic="b"),
        event(1, 5.1, points=1, topic="b"),
        event(1, 6, points=2, topic="a"),
        event(1, 7, points=99, topic="z"),  # on the base day itself
    ]
    with warehouse_with(APP, rows) as warehouse:
        found = features_at(warehouse, players=(1,)).row(0, named=True)
    expected = {
        "recency_days": 1,
        "tenure_days": 7,
        "active_days_1": 1,
        "active_days_3": 2,
        "active_days_7": 3,
        "events_7": 4,
        "streak_days": 2,
        "best_streak_days": 2,
        "gap_mean_28": 3,
        "points__1": 2,
        "points__7": 11,
        "points__best": 6,
        "active_days_life": 3,
        "solved__90": 4,
        "average__7": 11 / 4,
        "best__28": 5,
        "days__28": 3,
        "streak__28": 2,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert math.isclose(found["heat_3"], math.exp(-1 / 3) + math.exp(-2 / 3) + math.exp(-7 / 3), rel_tol=1e-6)


def test_a_player_without_activity_has_zero_counts_and_unknown_bests() -> None:
    with warehouse_with(APP, [event(1, 0, points=3, topic="a")]) as warehouse:
        found = features_at(warehouse, players=(2,)).row(0, named=True)
    assert found["events_28"] == 0
    assert found["points__7"] == 0
    assert found["best__28"] is None
    assert found["recency_days"] is None


def test_every_named_feature_is_a_column_in_order() -> None:
    with warehouse_with(APP, [event(1, 0, points=3, topic="a")]) as warehouse:
        assert features_at(warehouse).columns == ["player_key", "base_day", *feature_names(APP)]


def test_a_distinct_feature_counts_a_key_once_however_often_and_on_however_many_days() -> None:
    rows = [event(1, at, points=1, topic=topic) for at, topic in ((0, "a"), (5, "b"), (5.1, "b"), (6, "b"), (6.1, "c"))]
    with warehouse_with(APP, rows) as warehouse:
        got = features_at(warehouse, players=(1,)).row(0, named=True)
    assert [got[f"topics__{days}"] for days in ("1", "7", "28", "90")] == [2.0, 3.0, 3.0, 3.0]
    assert got["topics__best"] == 2.0
