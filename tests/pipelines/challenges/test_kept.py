import datetime as dt
import json

import pytest

from pipelines.challenges.kept import ended_tonight, kept_by_night
from pipelines.known import Known
from tests.pipelines.publish.night_rows import APP, AS_OF, at, challenge, content_id, settlement
from tests.pipelines.publish.nights import make_night, played_warehouse, put

DAY = dt.timedelta(days=1)


def publish(warehouse, as_of, status="published", silent=()):
    pins = {"cut": at(as_of, 0), "base_day": as_of, "watermark": 0, "started_at": at(as_of), "code_version": "test"}
    rest = {"app_hash": "", "seed": 1, "status": status, "published_at": at(as_of), "figures": json.dumps({})}
    rest |= {"silent": json.dumps([[f"{moment}T00:00:00" for moment in span] for span in silent])}
    put(warehouse, "nights", {"as_of": as_of, "revision": 1, **pins, **rest})


def test_a_challenge_that_runs_on_counts_neither_for_nor_against():
    with played_warehouse() as warehouse:
        put(warehouse, "challenges", challenge(1, 1), challenge(2, 1), challenge(3, 1, valid_until=AS_OF + 6 * DAY))
        put(warehouse, "settlements", settlement(1, 1, AS_OF + DAY, at(AS_OF, 12)), settlement(2, 1, AS_OF + DAY, None))
        put(warehouse, "settlements", settlement(3, 1, AS_OF + DAY, at(AS_OF, 12)))
        publish(warehouse, AS_OF)
        publish(warehouse, AS_OF + DAY)
        first, total = kept_by_night(warehouse, APP).to_dicts()
    assert first["as_of"] == AS_OF
    assert (first["challenges"], first["settled"], first["kept"]) == (3, 2, 0.5)
    assert first["promised"] == pytest.approx(0.31)
    assert first["low"] < 0.5 < first["high"]
    assert total == first | {"as_of": None}


def test_a_window_with_a_day_that_nobody_heard_of_counts_not_even_where_it_was_completed():
    """Missed ones are not settled, so that the completed ones alone would be the whole."""
    with played_warehouse() as warehouse:
        put(warehouse, "challenges", challenge(1, 1), challenge(2, 1, valid_from=AS_OF + DAY, valid_until=AS_OF + DAY))
        put(warehouse, "settlements", settlement(1, 1, AS_OF + DAY, None))
        put(warehouse, "settlements", settlement(2, 1, AS_OF + 2 * DAY, at(AS_OF + DAY, 12)))
        publish(warehouse, AS_OF)
        publish(warehouse, AS_OF + 2 * DAY, silent=[[AS_OF + DAY, AS_OF + 2 * DAY]])
        total = kept_by_night(warehouse, APP).to_dicts()[-1]
        assert (total["challenges"], total["settled"], total["kept"]) == (2, 1, 0.0)


def test_the_newest_settlement_of_a_challenge_decides():
    with played_warehouse() as warehouse:
        put(warehouse, "challenges", challenge(1, 1))
        put(warehouse, "settlements", settlement(1, 1, AS_OF + DAY, None))
        put(warehouse, "settlements", settlement(1, 1, AS_OF + DAY, at(AS_OF, 12), revision=2))
        publish(warehouse, AS_OF)
        publish(warehouse, AS_OF + DAY)
        assert kept_by_night(warehouse, APP)["kept"].to_list() == [1.0, 1.0]


def test_a_night_that_never_came_out_is_not_counted():
    with played_warehouse() as warehouse:
        put(warehouse, "challenges", challenge(1, 1))
        publish(warehouse, AS_OF, status="planned")
        publish(warehouse, AS_OF + DAY)
        assert kept_by_night(warehouse, APP).to_dicts() == [
            dict.fromkeys(["as_of", "promised", "kept", "low", "high"]) | {"challenges": 0, "settled": 0}
        ]


def lives_in(warehouse, player, timezone):
    moment = at(AS_OF - DAY, 0)
    put(
        warehouse,
        "player_records",
        {"player_key": player, "recorded_at": moment, "available_at": moment, "timezone": timezone},
    )


@pytest.mark.parametrize(
    ("timezone", "counted"), [("America/New_York", 0), ("UTC", 1), ("Asia/Tokyo", 1)], ids=["west", "here", "east"]
)
def test_a_window_is_over_when_it_is_over_where_the_player_lives(timezone, counted):
    with played_warehouse() as warehouse:
        lives_in(warehouse, 1, timezone)
        put(warehouse, "challenges", challenge(1, 1))
        if counted:  # a night settles what is over
            put(warehouse, "settlements", settlement(1, 1, AS_OF + DAY, None))
        publish(warehouse, AS_OF)
        publish(warehouse, AS_OF + DAY)
        assert kept_by_night(warehouse, APP)["settled"].to_list() == [counted] * 2
        assert ended_tonight(Known(warehouse, make_night(AS_OF + DAY)))["ended"] == counted


def test_a_window_that_ended_unseen_is_no_failure():
    with played_warehouse() as warehouse:
        put(warehouse, "challenges", challenge(1, 1), challenge(2, 1))
        put(warehouse, "settlements", settlement(2, 1, AS_OF + DAY, at(AS_OF, 12)))
        publish(warehouse, AS_OF)
        publish(warehouse, AS_OF + DAY)
        assert kept_by_night(warehouse, APP)["kept"].to_list() == [1.0, 1.0]


def test_a_night_compares_the_windows_that_ended_since_the_one_before_however_early_they_were_kept():
    with played_warehouse() as warehouse:
        long = {"valid_until": AS_OF + DAY, "window_days": 2}
        put(warehouse, "challenges", challenge(1, 1, completion_probability=0.9))
        put(warehouse, "challenges", challenge(2, 1, completion_probability=0.5, **long), challenge(3, 1, **long))
        put(warehouse, "settlements", settlement(1, 1, AS_OF + DAY, None))
        put(warehouse, "settlements", settlement(2, 1, AS_OF + DAY, at(AS_OF, 12)))
        publish(warehouse, AS_OF)
        first = ended_tonight(Known(warehouse, make_night(AS_OF + DAY)))
        publish(warehouse, AS_OF + DAY)
        put(warehouse, "settlements", settlement(3, 1, AS_OF + 2 * DAY, None, content_id=content_id(AS_OF, 3, 1)))
        second = ended_tonight(Known(warehouse, make_night(AS_OF + 2 * DAY)))
    assert first == {"ended": 1, "ended_promised": 0.9, "ended_kept": 0.0}
    assert second == {"ended": 2, "ended_promised": 0.405, "ended_kept": 0.5}
