"""Every aggregation is described once: what merges over days comes to what the events themselves come to."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from configs.aggregations import AGGREGATIONS, macros_sql
from data.connections import in_memory

# Of one player: (day, value, key).
EVENTS = st.lists(st.tuples(st.integers(0, 4), st.integers(-9, 9), st.sampled_from("abc")), max_size=12)
STRAIGHT = {
    "count": len,
    "sum": lambda events: sum(value for _, value, _ in events),
    "max": lambda events: max((value for _, value, _ in events), default=None),
    "min": lambda events: min((value for _, value, _ in events), default=None),
    "mean": lambda events: pytest.approx(sum(v for _, v, _ in events) / len(events)) if events else None,
    "distinct": lambda events: len({key for _, _, key in events}),
    "days": lambda events: len({day for day, _, _ in events}),
    # Their events are made beforehand: 1 for each that got there; how long the run was on that day.
    "entity": len,
    "streak": lambda events: max((value for _, value, _ in events), default=None),
}
MERGED = """
    WITH events AS (SELECT unnest($days) AS day, unnest($values) AS value, unnest($keys) AS key),
    days AS (
        SELECT day, count(*) AS n, sum(value) AS sum, min(value) AS min, max(value) AS max FROM events GROUP BY day
    )
    SELECT part_value($agg, sum(n), sum(sum), min(min), max(max), count(*), (SELECT count(DISTINCT key) FROM events))
    FROM days"""
CON = in_memory()
CON.execute(macros_sql())


@pytest.mark.parametrize("agg", AGGREGATIONS)
@settings(max_examples=40)
@given(events=EVENTS)
def test_merged_days_come_to_what_the_events_come_to(agg, events):
    days, values, keys = ([event[i] for event in events] for i in range(3))
    (found,) = CON.execute(MERGED, {"agg": agg, "days": days, "values": values, "keys": keys}).fetchone()
    assert found == STRAIGHT[agg](events)


@pytest.mark.parametrize("agg", AGGREGATIONS)
def test_sql_that_asks_for_a_kind_of_aggregation_is_told_the_same_as_python(agg):
    told = CON.execute("SELECT is_derived($a), is_keyed($a), adds_up($a)", {"a": agg}).fetchone()
    one = AGGREGATIONS[agg]
    assert told == (one.derived, one.keyed, one.adds_up)


def test_a_sum_does_not_depend_on_how_floats_add():
    assert CON.execute("SELECT part_value('sum', 2, 0.1 + 0.2::DOUBLE, 0, 0, 1, 0) = 0.3").fetchone() == (True,)
