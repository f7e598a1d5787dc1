import datetime as dt
import json

import pytest

from pipelines.quality.kept import kept_by_night
from tests.pipelines.publish.nights import AS_OF, at, challenge, played_warehouse, put, settlement

DAY = dt.timedelta(days=1)


def publish(warehouse, as_of, status="published"):
    pins = {"cut": at(as_of, 0), "base_day": as_of, "watermark": 0, "started_at": at(as_of), "code_version": "test"}
    rest = {"app_hash": "", "seed": 1, "status": status, "published_at": at(as_of), "figures": json.dumps({})}
    put(warehouse, "nights", {"as_of": as_of, "revision": 1, **pins, **rest})


def test_a_challenge_that_runs_on_counts_neither_for_nor_against():
    with played_warehouse() as warehouse:
        put(warehouse, "challenges", challenge(1, 1), challenge(2, 1), challenge(3, 1, valid_until=AS_OF + 6 * DAY))
        put(warehouse, "settlements", settlement(1, 1, AS_OF + DAY, at(AS_OF, 12)), settlement(2, 1, AS_OF + DAY, None))
        put(warehouse, "settlements", settlement(3, 1, AS_OF + DAY, at(AS_OF, 12)))
        publish(warehouse, AS_OF)
        publish(warehouse, AS_OF + DAY)
        first, total = kept_by_night(warehouse).to_dicts()
    assert first["as_of"] == AS_OF
    assert (first["challenges"], first["settled"], first["kept"]) == (3, 2, 0.5)
    assert first["promised"] == pytest.approx(0.31)
    assert first["low"] < 0.5 < first["high"]
    assert total == first | {"as_of": None}


def test_the_newest_settlement_of_a_challenge_decides():
    with played_warehouse() as warehouse:
        put(warehouse, "challenges", challenge(1, 1))
        put(warehouse, "settlements", settlement(1, 1, AS_OF + DAY, None))
        put(warehouse, "settlements", settlement(1, 1, AS_OF + DAY, at(AS_OF, 12), revision=2))
        publish(warehouse, AS_OF)
        publish(warehouse, AS_OF + DAY)
        assert kept_by_night(warehouse)["kept"].to_list() == [1.0, 1.0]


def test_a_night_that_never_came_out_is_not_counted():
    with played_warehouse() as warehouse:
        put(warehouse, "challenges", challenge(1, 1))
        publish(warehouse, AS_OF, status="planned")
        publish(warehouse, AS_OF + DAY)
        assert kept_by_night(warehouse).to_dicts() == [
            dict.fromkeys(["as_of", "promised", "kept", "low", "high"]) | {"challenges": 0, "settled": 0}
        ]
