"""Whole numbers are exact or refused."""

import pytest

from configs.metrics import Event, Metric
from data.warehouse import scratch
from tests.pipelines.activity.deliveries import (
    COLUMNS,
    LEAN,
    as_csv,
    as_jsonl,
    deliver,
    quarantine,
    solve,
)


@pytest.fixture
def warehouse():
    with scratch() as opened:
        yield opened


WHOLE_NUMBERS = {
    "5": "5", "-0": "0", "1e3": "1e3", "9007199254740993": "9007199254740993",
    "9223372036854775807": "9223372036854775807", "-9223372036854775808": "-9223372036854775808",
    "9223372036854775808": None, "18446744073709551616": None, "1e19": None, "-1e19": None, "1" * 60: None,
}  # fmt: skip


def test_a_whole_number_that_does_not_fit_is_refused_and_one_that_does_is_counted(warehouse, tmp_path):
    lines = [
        as_jsonl([solve(f"u{i}")]).strip()[:-1] + f', "properties": {{"whole": {number}}}}}\n'
        for i, number in enumerate(WHOLE_NUMBERS)
    ]
    event = Event.model_validate({"properties": {"whole": {"type": "integer"}}})
    app = LEAN.model_copy(update={"events": {**LEAN.events, "solve": event}})
    app = app.model_copy(update={"metrics": {"wholes": Metric(event="solve", agg="sum", of="whole")}})
    deliver(warehouse, app, tmp_path, {"a.jsonl": "".join(lines)})
    kept = [int(float(n)) if "e" in n else int(n) for n in WHOLE_NUMBERS.values() if n is not None]
    stored = warehouse.frame("SELECT CAST(properties ->> '$.whole' AS BIGINT) AS w FROM events")
    assert sorted(stored["w"]) == sorted(kept)
    assert warehouse.value("SELECT count(*) FROM player_days WHERE metric = 'wholes'") == len(kept)
    reasons = {reason for _, _, _, reason in quarantine(warehouse)}
    assert reasons == {"property whole does not fit into 64 bits"}


def test_a_value_is_refused_where_whole_numbers_are_no_longer_exact(warehouse, tmp_path):
    event = Event.model_validate({"value": {"type": "integer"}})
    app = LEAN.model_copy(update={"events": {**LEAN.events, "solve": event}})
    rows = [solve("a", value=9007199254740992), solve("b", value=9007199254740994), solve("c", value="-0")]
    deliver(warehouse, app, tmp_path, {"a.csv": as_csv([*rows, solve("c", value="0")], columns=COLUMNS)})
    assert [reason for _, _, _, reason in quarantine(warehouse)] == [
        "value is beyond 9007199254740992, up to which whole numbers are exact"
    ]
    assert warehouse.value("SELECT count(DISTINCT content_hash) FROM events WHERE value = 0") == 1
