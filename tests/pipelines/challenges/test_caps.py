"""A player has no more that is new on one day than the app file's caps allow, whatever was asked before on it."""

import datetime as dt
from dataclasses import replace

import polars as pl

from pipelines.challenges.caps import cap_challenges, cap_messages
from pipelines.known import Known
from tests.factories import known_at, make_app, warehouse_with

TONIGHT = dt.date(2024, 1, 5)
DAILY = pl.DataFrame({"player_key": [1, 1, 1, 2, 2, 3], "slot": [1, 2, 3, 1, 2, 1]})
MISSIONS = pl.DataFrame({"player_key": [1, 3, 4]})
KINDS = ("motivational_message", "mission_brief", "tutorial")
MESSAGES = pl.DataFrame(
    [(who, kind) for who in (1, 2) for kind in reversed(KINDS)], schema=["player_key", "content_type"], orient="row"
)


def seen(warehouse, **caps: int) -> Known:
    """What a night sees, earlier revisions of which asked player 3 for two things and sent player 2 a tutorial."""
    for table, row in {
        "challenges": "(content_id, as_of, player_key) SELECT uuid(), $day, 3 FROM range(2)",
        "messages": "(content_id, as_of, player_key, content_type) SELECT uuid(), $day, 2, 'tutorial'",
    }.items():
        columns = "content_id UUID, as_of DATE, player_key BIGINT, content_type VARCHAR"
        warehouse.run(f"CREATE OR REPLACE TEMP TABLE {table} ({columns})")
        warehouse.run(f"INSERT INTO temp.{table} {row}", {"day": TONIGHT})
    known = known_at(warehouse, make_app(caps=caps), TONIGHT)
    return Known(warehouse, replace(known.night, revision=2))


def test_a_mission_counts_among_the_challenges_of_its_day_and_comes_first() -> None:
    with warehouse_with(make_app()) as warehouse:
        daily, missions = cap_challenges(seen(warehouse, challenges_a_day=2), DAILY, MISSIONS)
        assert daily.rows() == [(1, 1), (2, 1), (2, 2)]
        assert missions["player_key"].to_list() == [1, 4]
        daily, missions = cap_challenges(seen(warehouse, challenges_a_day=2), DAILY, pl.DataFrame())
        assert daily.rows() == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_replayed_night_does_not_count_what_was_asked_on_its_day() -> None:
    with warehouse_with(make_app()) as warehouse:
        again = seen(warehouse, challenges_a_day=2)
        assert 3 not in cap_challenges(again, DAILY, pl.DataFrame())[0]["player_key"]
        replayed = Known(warehouse, replace(again.night, revision=1))
        assert 3 in cap_challenges(replayed, DAILY, pl.DataFrame())[0]["player_key"]


def test_messages_go_out_by_their_place_and_what_was_sent_is_written_anew_first() -> None:
    with warehouse_with(make_app()) as warehouse:
        kept = cap_messages(seen(warehouse, messages_a_day=2), MESSAGES, KINDS)
        assert sorted(kept.rows()) == [(1, "mission_brief"), (1, KINDS[0]), (2, KINDS[0]), (2, "tutorial")]


def test_without_caps_everything_goes_out() -> None:
    with warehouse_with(make_app()) as warehouse:
        known = seen(warehouse)
        assert cap_challenges(known, DAILY, MISSIONS) == (DAILY, MISSIONS)
        assert cap_messages(known, MESSAGES, KINDS).equals(MESSAGES)
