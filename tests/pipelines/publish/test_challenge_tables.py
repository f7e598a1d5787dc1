"""What the tables of challenges and settlements tell of what players are asked and what it came to."""

import datetime as dt
import json

import polars as pl

from pipelines.challenges.parts import PARTS
from pipelines.known import Known
from pipelines.windows import SO_FAR
from tests.factories import add_events, event
from tests.pipelines.publish.night_rows import (
    APP,
    AS_OF,
    USER_IDS,
    at,
    challenge,
    content_id,
    make_frames,
    message,
    settlement,
)
from tests.pipelines.publish.nights import (
    NIGHT,
    YESTERDAY,
    collect,
    contract_breaches,
    issue,
    make_night,
    publish,
    put,
)

OF_OPEN = ("user_id", "is_new", "progress", "so_far")


def test_a_refresh_keeps_every_challenge_promised_before_and_puts_its_own_messages_in_place_of_the_old(warehouse):
    issue(warehouse)
    put(warehouse, "challenges", challenge(5, revision=2))
    put(warehouse, "messages", message(5, revision=2))
    nights = (Known(warehouse, make_night(revision=number)) for number in (1, 2))
    first, second = (collect(known, make_frames()) for known in nights)
    added = second["challenges"].join(first["challenges"], on="content_id", how="anti")
    assert added["user_id"].to_list() == [USER_IDS[4]]
    assert second["challenges"].height == first["challenges"].height + 1
    assert (first["messages"].height, second["messages"].height) == (1, 1)
    assert second["messages"].join(first["messages"], on="content_id").is_empty()


def test_settlements_are_those_since_the_night_published_before(warehouse):
    issue(warehouse, YESTERDAY)
    put(warehouse, "settlements", settlement(1, 1, AS_OF, at(YESTERDAY)), settlement(2, 1, YESTERDAY, None))

    def found() -> set[tuple]:
        rows = collect(Known(warehouse, NIGHT), make_frames(open_ids=((content_id(YESTERDAY, 3, 1), 3),)))
        return set(rows["settlements"].select("user_id", "state", "revision", "progress", "completed_at").rows())

    new = {(USER_IDS[0], "completed", 1, 1.0, at(YESTERDAY))}
    assert found() == new | {(USER_IDS[1], "expired", 1, 0.25, None)}
    publish(warehouse, YESTERDAY)
    assert found() == new


def test_a_settlement_says_what_was_asked_and_what_each_part_of_it_came_to(warehouse):
    parts = [{"metric": "days", "op": ">=", "target": 2.0}]
    row = pl.DataFrame([challenge(1, 1, YESTERDAY, also=parts, window_days=3)], schema_overrides={"also": PARTS})
    warehouse.append("challenges", row)
    so_far = [{"value": 1.0, "progress": 1 / 3}, {"value": 2.0, "progress": 1.0}]
    put(warehouse, "settlements", settlement(1, 1, AS_OF, None, progress=2 / 3, so_far=so_far))
    put(warehouse, "challenges", challenge(2, 1, YESTERDAY))
    put(warehouse, "settlements", settlement(2, 1, AS_OF, None))  # settled before it was kept what each came to
    tables = collect(Known(warehouse, NIGHT), make_frames())
    assert tables["settlements"].select("user_id", "requirements", "so_far", "description").to_dicts() == [
        {
            "user_id": USER_IDS[1],
            "requirements": [{"metric": "solved", "op": ">=", "target": 3.0, "window_days": 1}],
            "so_far": None,
            "description": "Solve 3 puzzles before the day is out.",
        },
        {
            "user_id": USER_IDS[0],
            "requirements": [
                {"metric": "solved", "op": ">=", "target": 3.0, "window_days": 3},
                {"metric": "days", "op": ">=", "target": 2.0, "window_days": 3},
            ],
            "so_far": so_far,
            "description": "Solve 3 puzzles before the day is out.",
        },
    ]
    assert contract_breaches("settlements", tables["settlements"]) == []


def test_a_night_holds_all_that_counts_now_with_what_is_new_or_dismissed_marked_and_nothing_settled(warehouse):
    long = {"valid_until": AS_OF + dt.timedelta(days=3), "window_days": 5}
    put(warehouse, "challenges", challenge(1, 1, YESTERDAY), *(challenge(n, 2, YESTERDAY, **long) for n in (2, 3, 4)))
    put(warehouse, "challenges", challenge(1), challenge(2))
    publish(warehouse, YESTERDAY)
    put(warehouse, "settlements", settlement(1, 1, AS_OF, at(YESTERDAY, 10)))
    moment = at(AS_OF, 9)  # after the cut: who wants to be left alone is left alone at once
    opted = {"player_key": 4, "recorded_at": moment, "available_at": moment, "opted_out": True}
    put(warehouse, "player_records", opted)
    open_ids = tuple((content_id(YESTERDAY, n, 2), n) for n in (2, 3, 4))
    dismissed = [event(by, at(YESTERDAY), "nightquest.dismissed", content_id=open_ids[1][0]) for by in (2, 3, 3)]
    add_events(warehouse, APP, dismissed)  # by whose it is, twice, and by another
    rows = collect(Known(warehouse, NIGHT), make_frames(open_ids=open_ids))["challenges"]
    told = rows.select("user_id", "is_new", "issued_on", "dismissed", "progress", "valid_until").rows()
    assert sorted(told) == sorted(
        [
            (USER_IDS[0], True, AS_OF, False, 0.0, AS_OF),
            (USER_IDS[1], True, AS_OF, False, 0.0, AS_OF),
            (USER_IDS[1], False, YESTERDAY, False, 0.5, long["valid_until"]),
            (USER_IDS[2], False, YESTERDAY, True, 0.5, long["valid_until"]),
        ]
    )
    assert rows["title"].null_count() == rows["requirements"].null_count() == rows["rewards"].null_count() == 0


def test_of_each_thing_that_is_asked_for_stands_what_it_came_to_and_of_what_is_new_what_none_of_it_is(warehouse):
    best = [{"metric": "best", "op": ">=", "target": 9.0}, {"metric": "points", "op": ">=", "target": 20.0}]
    put(warehouse, "challenges", challenge(1, 1, also=best), challenge(2, 1, also=None))
    put(warehouse, "challenges", challenge(3, 1, YESTERDAY, valid_until=AS_OF, also=best))
    publish(warehouse, YESTERDAY)
    old = [{"value": 3.0, "progress": 1.0}, {"value": None, "progress": 0.0}, {"value": 5.0, "progress": 0.25}]
    frames = make_frames(open_ids=((content_id(YESTERDAY, 3, 1), 3),))
    progress = sum(part["progress"] for part in old) / 3
    opened = pl.DataFrame({"progress": [progress], "so_far": [old]}, schema_overrides={"so_far": SO_FAR})
    frames["open_challenges"] = frames["open_challenges"].select("content_id", "player_key").hstack(opened)
    rows = collect(Known(warehouse, NIGHT), frames)["challenges"]
    assert contract_breaches("challenges", rows) == []
    nothing = [{"value": none, "progress": 0.0} for none in (0.0, None, 0.0)]
    found = {user: (new, done, so_far) for user, new, done, so_far in rows.select(*OF_OPEN).rows()}
    assert found == {
        USER_IDS[0]: (True, 0.0, nothing),
        USER_IDS[1]: (True, 0.0, nothing[:1]),
        USER_IDS[2]: (False, progress, old),
    }
    assert (rows["requirements"].list.len() == rows["so_far"].list.len()).all()


def test_a_missions_brief_stands_as_long_as_its_mission(warehouse):
    ids = {player: content_id(YESTERDAY, player, 101) for player in (1, 2, 4)}
    week = {"content_type": "adaptive_mission", "valid_until": AS_OF + dt.timedelta(days=5), "window_days": 7}
    put(warehouse, "challenges", *(challenge(player, 101, YESTERDAY, **week) for player in (1, 2)))
    over = {**week, "valid_until": YESTERDAY}  # and not settled: input of its days is missing
    put(warehouse, "challenges", challenge(4, 101, YESTERDAY, **over))
    for player, mission in ids.items():
        told = {"content_type": "mission_brief", "metadata": json.dumps({"mission": mission})}
        put(warehouse, "messages", message(player, YESTERDAY, **told))
    put(warehouse, "messages", message(3, YESTERDAY))
    publish(warehouse, YESTERDAY)
    rows = collect(Known(warehouse, NIGHT), make_frames(open_ids=((ids[1], 1), (ids[4], 4))))["messages"]
    assert rows.select("user_id", "content_type", "is_new", "issued_on", "mission").rows() == [
        (USER_IDS[0], "mission_brief", False, YESTERDAY, ids[1])
    ]
