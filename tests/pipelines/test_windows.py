"""One predicate: what a window came to, and the event that crossed."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.known import Known
from pipelines.windows import completed, crossings, window_values
from tests.factories import START, event, known_at, make_app, warehouse_with
from tests.pipelines.activity.random_play import events, row

APP = make_app()
FOREVER = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
ASKED = [name for name, metric in APP.metrics.items() if metric.aggregation.moves_one_way]


def window(metric: str, first: int, last: int, target: float = 1, player: int = 1) -> dict[str, object]:
    day = START.date()
    return {
        "player_key": player,
        "metric": metric,
        "start_day": day + dt.timedelta(days=first),
        "end_day": day + dt.timedelta(days=last),
        "target": float(target),
        "op": ">=",
    }


def test_a_window_holds_its_whole_days_and_nothing_else() -> None:
    rows = [event(1, d, points=10**d, topic=str(d)) for d in range(5)]
    with warehouse_with(APP, rows) as warehouse:
        known = known_at(warehouse, APP)
        asked = pl.DataFrame([window(m, 1, 3) for m in ("solved", "points", "best", "topics", "days")])
        found = window_values(known, asked.with_row_index("window_id"))
    assert found["value"].to_list() == [3, 1110, 1000, 3, 3]
    assert found["played"].all()


def test_no_play_means_zero_counts_no_best_and_not_played() -> None:
    with warehouse_with(APP, [event(1, 0, points=1, topic="a")]) as warehouse:
        known = known_at(warehouse, APP)
        asked = pl.DataFrame([window(m, 1, 3) for m in ("solved", "points", "best", "topics")])
        found = window_values(known, asked.with_row_index("window_id"))
    assert found["value"].to_list() == [0, 0, None, 0]
    assert not found["played"].any()
    assert not found.select(completed(pl.col("value"), pl.col("op"), pl.col("target"))).to_series().any()


def test_what_happens_to_a_player_is_not_play() -> None:
    with warehouse_with(APP, [event(1, 1, "liked", delta=5, post_id="p")]) as warehouse:
        known = known_at(warehouse, APP)
        found = window_values(known, pl.DataFrame([window("famous", 0, 2)]).with_row_index("window_id"))
    assert found.row(0, named=True)["value"] == 1
    assert not found["played"][0]


def test_the_crossing_event_is_the_first_in_order_of_time_sequence_and_id() -> None:
    rows = [event(1, 1, points=1, topic="a", sequence=2), event(1, 1, points=1, topic="b", sequence=1)]
    with warehouse_with(APP, rows) as warehouse:
        known = known_at(warehouse, APP)
        asked = pl.DataFrame([window("solved", 0, 2, 1), window("solved", 0, 2, 2)]).with_row_index("window_id")
        found = crossings(known, asked).sort("window_id")["event_id"].to_list()
    assert found == ["e000001", "e000000"]


def test_only_events_of_the_metrics_in_question_are_read_for_a_crossing(monkeypatch: pytest.MonkeyPatch) -> None:
    with warehouse_with(APP, [event(1, 1, points=1, topic="a")]) as warehouse:
        known = known_at(warehouse, APP)
        ask, plans = Known.frame, list[pl.DataFrame]()
        monkeypatch.setattr(Known, "frame", lambda self, sql, params: plans.append(ask(self, f"EXPLAIN {sql}", params)))
        for metrics in (["solved"], ASKED):
            asked = pl.DataFrame([window(metric, 0, 2) for metric in metrics]).with_row_index("window_id")
            crossings(known, asked)
        one, every = (str(plan.row(0)).count("SEQ_SCAN") + str(plan.row(0)).count("Table: ") for plan in plans)
    assert 0 < one < every


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(history=events, target=st.integers(1, 12), first=st.integers(0, 6), length=st.integers(1, 7))
def test_labels_and_crossings_agree_on_every_history(history: list, target: int, first: int, length: int) -> None:
    with warehouse_with(APP, [row(*r) for r in history]) as warehouse:
        known = known_at(warehouse, APP)
        asked = pl.DataFrame(
            [window(m, first, first + length - 1, target, p) for m in ASKED for p in (1, 2, 3)]
        ).with_row_index("window_id")
        valued = window_values(known, asked)
        by_value = valued.filter(completed(pl.col("value"), pl.col("op"), pl.col("target")))["window_id"].to_list()
        by_event = crossings(known, asked)["window_id"].sort().to_list()
    assert by_event == pytest.approx(by_value)
