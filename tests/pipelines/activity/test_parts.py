"""Player-day parts: only what is touched is recomputed, and it equals computing everything."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from data.warehouse import Warehouse
from pipelines.activity import parts as room
from pipelines.activity.parts import refresh_parts, sync_metrics
from tests.factories import START, add_events, event, known_at, make_app, warehouse_with
from tests.pipelines.activity.random_play import events, row

APP = make_app()
PARTS = ("player_days", "player_day_keys", "active_days", "derived_events")


def parts_of(warehouse: Warehouse) -> dict[str, list[tuple[object, ...]]]:
    return {table: warehouse.frame(f"SELECT * FROM {table} ORDER BY ALL").rows() for table in PARTS}


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(first=events, second=events)
def test_parts_built_delivery_by_delivery_equal_parts_built_from_scratch(first: list, second: list) -> None:
    with warehouse_with(APP, [row(*r) for r in first]) as warehouse:
        add_events(warehouse, APP, [row(*r) for r in second])
        step_by_step = parts_of(warehouse)
        refresh_parts(warehouse, APP, None)
        assert parts_of(warehouse) == step_by_step


def test_parts_added_up_a_few_days_at_a_time_lie_as_if_all_were_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(n % 4, (n * 7) % 9 + n / 50, ("solve", "liked")[n % 5 == 0], n, "abc"[n % 3]) for n in range(40)]
    with warehouse_with(APP, rows) as warehouse:
        at_once = [warehouse.frame(f"SELECT * FROM {table}").rows() for table in PARTS]
        monkeypatch.setattr(room, "PLAYER_DAYS_AT_ONCE", 3)
        refresh_parts(warehouse, APP, None)
        assert [warehouse.frame(f"SELECT * FROM {table}").rows() for table in PARTS] == at_once
        some = warehouse.frame("SELECT player_key, day FROM events WHERE player_key > 1")
        refresh_parts(warehouse, APP, some)
        assert [sorted(warehouse.rows(f"SELECT * FROM {table}"), key=repr) for table in PARTS] == [
            sorted(rows, key=repr) for rows in at_once
        ]


def test_an_entity_counts_on_the_day_it_reached_its_sum_even_when_the_vote_came_late() -> None:
    votes = [event(1, 1, "liked", delta=1, post_id="p"), event(1, 5, "liked", delta=1, post_id="p")]
    with warehouse_with(APP, votes) as warehouse:
        day = "SELECT day FROM player_days WHERE metric = 'famous'"
        assert warehouse.value(day) == dt.date(2024, 1, 6)
        add_events(warehouse, APP, [event(1, 2, "liked", delta=1, post_id="p")])
        assert warehouse.frame(day)["day"].to_list() == [dt.date(2024, 1, 3)]


def test_a_condition_may_be_a_boolean_property_alone() -> None:
    solve = {"solve": {"properties": {"alone": "boolean"}}}
    metrics = {
        "lonely": {"event": "solve", "where": "alone", "unit": "one", "task": "Do {goal}"},
        "shared": {"event": "solve", "where": "NOT alone"},
    }
    rest = {"segments": {"features": ["lonely"], "score": "lonely"}, "challenges": {"metrics": ["lonely"]}}
    app = make_app(events=solve, metrics=metrics, **rest)
    with warehouse_with(app, [event(1, 0, alone=True), event(1, 1, alone=False), event(1, 2)]) as warehouse:
        found = warehouse.rows("SELECT metric, day FROM player_days ORDER BY metric")
    assert found == [("lonely", START.date()), ("shared", START.date() + dt.timedelta(days=1))]


def test_a_streak_is_the_length_of_the_current_run_of_days() -> None:
    with warehouse_with(APP, [event(1, d, points=1, topic="a") for d in (0, 1, 2, 4)]) as warehouse:
        runs = warehouse.frame("SELECT max FROM player_days WHERE metric = 'streak' ORDER BY day")["max"].to_list()
        assert runs == [1, 2, 3, 1]


def test_sessions_end_after_half_an_hour_without_an_event() -> None:
    minutes = [0, 10, 25, 60, 65]
    rows = [event(1, START + dt.timedelta(minutes=m), points=1, topic="a") for m in minutes]
    with warehouse_with(APP, rows) as warehouse:
        found = warehouse.frame("SELECT n_events, n_sessions, active_minutes FROM active_days").row(0)
        assert found == (5, 2, pytest.approx(30.0))


def test_a_changed_metric_rebuilds_the_parts_and_an_unchanged_one_does_not() -> None:
    with warehouse_with(APP, [event(1, 0, points=4, topic="a")]) as warehouse:
        assert sync_metrics(warehouse, APP) is False
        metrics = {name: m.model_dump(exclude_defaults=True) for name, m in APP.metrics.items()}
        metrics["points"] |= {"where": "points > 5"}
        assert sync_metrics(warehouse, make_app(metrics=metrics)) is True
        assert warehouse.value("SELECT count(*) FROM player_days WHERE metric = 'points'") == 0


def test_a_night_sees_a_day_as_it_was_known_at_its_cut() -> None:
    late = START + dt.timedelta(days=9)
    rows = [event(1, 0, points=3, topic="a"), event(1, 0.1, points=5, topic="b", available_at=late)]
    with warehouse_with(APP, rows) as warehouse:
        total = "SELECT sum FROM known_player_days WHERE metric = 'points'"
        early = known_at(warehouse, APP, dt.date(2024, 1, 5), START + dt.timedelta(days=3))
        late = known_at(warehouse, APP, dt.date(2024, 1, 5), START + dt.timedelta(days=10))
        assert early.frame(total)["sum"].to_list() == [3.0]
        assert early.value("SELECT n_events FROM known_active_days") == 1
        assert late.frame(total)["sum"].to_list() == [8.0]


def test_a_day_that_one_late_event_reopens_counts_its_other_events_once() -> None:
    late = START + dt.timedelta(days=9)
    app = make_app(cohorts={"by": ["topic"]})
    rows = [event(1, 0, points=3, topic="a"), event(1, 0.1, points=5, topic="b", available_at=late)]
    with warehouse_with(app, rows) as warehouse:
        known = known_at(warehouse, app, dt.date(2024, 1, 5), START + dt.timedelta(days=3))
        assert known.frame("SELECT n FROM known_player_days WHERE metric = 'solved'")["n"].to_list() == [1]
        assert known.frame("SELECT n FROM known_player_day_keys WHERE metric = 'topics'")["n"].to_list() == [1]


def test_parts_keep_cohorts_apart() -> None:
    app = make_app(cohorts={"by": ["topic"]})
    with warehouse_with(app, [event(1, 0, points=1, topic="a"), event(1, 0, points=1, topic="b")]) as warehouse:
        cohorts = warehouse.frame("SELECT cohort FROM player_days WHERE metric = 'solved'")["cohort"]
        assert sorted(cohorts) == ["a", "b"]


def test_lend_gives_back_the_name_when_the_query_fails() -> None:
    with warehouse_with(APP) as warehouse:
        with pytest.raises(Exception, match="no_such_column"), warehouse.lend(numbers=pl.DataFrame({"x": [1]})):
            warehouse.frame("SELECT no_such_column FROM numbers")
        with pytest.raises(Exception, match="numbers"):
            warehouse.frame("SELECT x FROM numbers")
