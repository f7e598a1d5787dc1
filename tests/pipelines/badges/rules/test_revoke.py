"""Badges after an event was taken back: as if it had never come where the app revokes, as they were where it keeps."""

import datetime as dt
import json
import random
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from configs.app import App
from data.warehouse import Warehouse
from pipelines.badges.held import badge_rarity, badges_held
from pipelines.badges.revoke import revoke_awards
from pipelines.badges.rules.award import find_awards
from pipelines.badges.rules.progress import badge_progress
from pipelines.badges.rules.recite import recite_awards, write_recited
from pipelines.badges.rules.revoke import REQUIRED
from pipelines.known import Known
from pipelines.night.notes import revoked_note
from pipelines.taken_back import WHY
from tests.factories import START, add_events, event, take_back_events, warehouse_with
from tests.pipelines.badges.rules.awards import DAY, app_of, app_with, award_badges, cite, pin, publish

RULES = {
    "solver": "solved >= 4",
    "rich": "points >= 20",
    "sharp": "best >= 9",
    "broad": "topics >= 4",
    "regular": "days >= 4",
    "burst": "last(points, 3) >= 15",
    "run": "streak >= 3",
    "loved": "famous >= 1",
}
# Badges that require others, repeat or have a season; where one opens another, its rule stays true.
BOUNDED = {
    "twice": {"when": "solved >= 2", "repeat": {"per": 3, "of": "points", "most": 8}},
    "weekly": {"when": "solved >= 2", "repeat": {"per": "week"}},
    "season": {
        "when": "solved >= 2",
        "season": {"on": DAY + dt.timedelta(days=2), "until": DAY + dt.timedelta(days=7)},
    },
    "both": {"when": "solved >= 3", "requires": ["broad", "regular"]},
    "on_top": {"when": "points >= 5", "requires": ["both"], "repeat": {"per": 2, "of": "solved"}},
}
PLAYERS = range(1, 7)


def app_that(policy: str, **bounded: dict[str, Any]) -> App:
    rules = {name: {"title": name.title(), "when": when} for name, when in RULES.items()}
    return app_of(**rules | bounded).model_copy(update={"on_retraction": policy})


def night(warehouse: Warehouse, app: App, day: int) -> Known:
    known = Known(warehouse, pin(warehouse, app, day))
    revoke_awards(known)
    award_badges(known, cite)
    publish(warehouse, known.night)
    return known


def held(known: Known) -> set[tuple[int, str]]:
    return set(badges_held(known).select("player_key", "badge_id").iter_rows())


def rounds(warehouse: Warehouse) -> list[tuple[object, ...]]:
    return warehouse.rows("SELECT player_key, badge_id, round_no FROM badge_ledger ORDER BY ALL")


@settings(max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1_000_000))
def test_in_any_order_and_split_badges_progress_and_xp_are_as_if_it_had_never_come(seed: int) -> None:
    chance, app = random.Random(seed), app_that("revoke", **BOUNDED)  # noqa: S311 - rows for a test
    rows = [random_event(chance) | {"event_id": f"x{nth}"} for nth in range(90)]
    gone = [row["event_id"] for row in rows if chance.random() < 0.3]
    steps = chance.sample([*rows, *gone], len(rows) + len(gone))
    with warehouse_with(app) as warehouse, warehouse_with(app) as never:
        for day in range(15, 18):
            some, steps = steps[: len(steps) // (18 - day)], steps[len(steps) // (18 - day) :]
            now = START.replace(hour=0) + dt.timedelta(days=day, seconds=-1)
            came = [one | {"available_at": now} for one in some if isinstance(one, dict)]
            if came:
                add_events(warehouse, app, came)
            take_back_events(warehouse, app, [one for one in some if isinstance(one, str)], now)
            if warehouse.value("SELECT count(*) FROM events"):
                known = night(warehouse, app, day)
        kept = [row | {"available_at": now} for row in rows if row["event_id"] not in gone]
        add_events(never, app, kept)
        plain = night(never, app, 17)
        assert rounds(warehouse) == rounds(never)
        total = "SELECT player_key, sum(xp) FROM xp_ledger GROUP BY ALL HAVING sum(xp) <> 0 ORDER BY ALL"
        assert warehouse.rows(total) == never.rows(total)
        order = ["player_key", "badge_id"]
        assert badge_progress(known).sort(order).equals(badge_progress(plain).sort(order))
        named = {told["event_id"] for told in evidence(known).values()}
        assert named.isdisjoint(gone)


def evidence(known: Known) -> dict[tuple[int, str], dict[str, Any]]:
    rows = badges_held(known).select("player_key", "badge_id", "evidence").iter_rows()
    return {(player, badge): json.loads(told) for player, badge, told in rows}


def random_event(chance: random.Random) -> dict[str, object]:
    moment, player = START + dt.timedelta(days=chance.randint(0, 12)), chance.choice(PLAYERS)
    if chance.random() < 0.2:
        return event(player, moment, "liked", delta=1, post_id=chance.choice("pq"))
    return event(player, moment, points=chance.randint(0, 9), topic=chance.choice("abcdef"))


@pytest.mark.parametrize("policy", ["keep", "revoke"])
def test_what_no_longer_holds_is_revoked_with_its_reason_and_can_be_earned_again(policy: str) -> None:
    app = app_that(policy)
    with warehouse_with(app, [event(1, day, points=1, topic="a") for day in (0, 4, 5, 9)]) as warehouse:
        before = night(warehouse, app, 12)
        assert held(before) == {(1, "solver"), (1, "regular")}
        take_back_events(warehouse, app, ["e000001"], START + dt.timedelta(days=12))
        revoking = night(warehouse, app, 14)
        ledger = "SELECT xp, reason FROM xp_ledger ORDER BY as_of, entry_id"
        if policy == "keep":
            assert held(revoking) == held(before)
            assert len(warehouse.rows(ledger)) == 2
            assert_kept_evidence_says_so(app, warehouse, before, revoking)
            return
        assert held(revoking) == set()
        assert warehouse.rows(ledger)[2:] == [
            (-50, f"Badge revoked: {title}, {WHY}") for title in sorted(("Solver", "Regular"), key=reasons(warehouse))
        ]
        assert revoke_awards(revoking).is_empty()  # run again
        again = Known(warehouse, before.night)  # and so is the night of before, which still sees what it saw
        assert held(again) == {(1, "solver"), (1, "regular")}
        assert badge_rarity(again).filter(badge_id="solver")["holders"].to_list() == [1]
        assert find_awards(again).is_empty()
        add_events(warehouse, app, [event(1, 15, points=1, topic="a")])
        later = night(warehouse, app, 17)
        assert held(later) == {(1, "solver"), (1, "regular")}
        assert warehouse.value("SELECT sum(xp) FROM xp_ledger") == 100


def assert_kept_evidence_says_so(app: App, warehouse: Warehouse, before: Known, after: Known) -> None:
    """That of the grant, and what was taken back since and when: said once, and added to with what goes later."""
    granted, told = evidence(before)[1, "solver"], evidence(after)[1, "solver"]
    kept = {"as_of": "2024-01-15", "taken_back": 1, "event_ids": ["e000001"], "taken_back_at": "2024-01-13T12:00:00Z"}
    assert (granted.get("kept"), told) == (None, granted | {"kept": kept})
    assert revoked_note(after)[-1].startswith("Kept as granted: 2 badges no longer earned;")
    take_back_events(warehouse, app, ["e000003"], START + dt.timedelta(days=14))
    more = evidence(night(warehouse, app, 16))[1, "solver"]
    assert (more["event_id"], more["kept"]["event_ids"]) == (granted["event_id"], ["e000001", "e000003"])
    add_events(warehouse, app, [event(1, 16 + n / 10, points=1, topic="a") for n in range(3)])
    take_back_events(warehouse, app, ["e000002"], START + dt.timedelta(days=16))
    again = evidence(night(warehouse, app, 18))[1, "solver"]
    assert ("kept" in again, again["values"]) == (False, {"solved": 4})
    assert "kept" not in evidence(Known(warehouse, before.night))[1, "solver"]


def reasons(warehouse: Warehouse):
    """In the order of the ledger."""
    told = [reason for (reason,) in warehouse.rows("SELECT reason FROM xp_ledger ORDER BY as_of, entry_id")]
    return lambda title: told.index(f"Badge revoked: {title}, {WHY}")


def test_what_still_holds_or_was_granted_by_another_rule_stays() -> None:
    app = app_that("revoke")
    with warehouse_with(app, [event(1, day / 10, points=1, topic="a") for day in range(5)]) as warehouse:
        night(warehouse, app, 2)
        award = warehouse.rows("SELECT award_id FROM badge_ledger")
        take_back_events(warehouse, app, ["e000003"], START + dt.timedelta(days=2))  # with which it was earned
        night(warehouse, app, 4)
        assert warehouse.rows("SELECT award_id FROM badge_ledger") == award
        edited = app_with(**RULES | {"solver": "solved >= 5"}).model_copy(update={"on_retraction": "revoke"})
        take_back_events(warehouse, edited, ["e000004"], START + dt.timedelta(days=4))
        night(warehouse, edited, 6)
        assert warehouse.rows("SELECT award_id FROM badge_ledger") == award


@pytest.mark.parametrize("policy", ["keep", "revoke"])
def test_what_is_still_earned_is_told_of_what_is_left_and_stays_the_award_that_it_was(policy: str) -> None:
    app = app_that(policy)
    with warehouse_with(app, [event(1, day / 10, points=5, topic="a") for day in range(6)]) as warehouse:
        before = night(warehouse, app, 2)
        ledger, paid = (warehouse.rows(f"FROM {name} ORDER BY ALL") for name in ("badge_ledger", "xp_ledger"))
        first = evidence(before)
        assert first[1, "solver"]["event_id"] == first[1, "rich"]["event_id"] == "e000003"
        # The first of five stands in no evidence, and yet what they say of the fourth is not so any more.
        take_back_events(warehouse, app, ["e000000"], START + dt.timedelta(days=2))
        later = night(warehouse, app, 4)
        told = evidence(later)
        assert (told[1, "solver"]["event_id"], told[1, "solver"]["values"]) == ("e000004", {"solved": 4})
        assert told[1, "rich"]["event_id"] == "e000004"
        assert revoked_note(later)[0].startswith("Kept: 3 badges still earned by what is left")  # and `burst`
        write_recited(later, recite_awards(later, lambda app, rows: cite(app, rows).with_columns(citation=pl.lit("!"))))
        assert set(badges_held(later)["citation"]) == {"!"}
        assert evidence(Known(warehouse, before.night)) == first  # as that night saw it
        assert warehouse.rows("FROM badge_ledger ORDER BY ALL") == ledger
        assert warehouse.rows("FROM xp_ledger ORDER BY ALL") == paid
        take_back_events(warehouse, app, ["e000004"], START + dt.timedelta(days=4))
        again = night(warehouse, app, 6)
        assert evidence(again)[1, "solver"]["event_id"] == "e000005"
        take_back_events(warehouse, app, ["e000005"], START + dt.timedelta(days=6))
        last = evidence(night(warehouse, app, 8))
        assert ((1, "solver") in last) == (policy == "keep")


def test_what_rests_on_a_badge_that_falls_goes_with_it_says_so_and_what_people_gave_stays() -> None:
    needing = {"top": {"when": "solved >= 1", "requires": ["regular"], "xp": 7}}
    app = app_that("revoke", **needing, far={"when": "solved >= 99"})
    word = event(1, 6, "nightquest.awarded", badge_id="far", by="Ada") | {"active": False}
    with warehouse_with(app, [*(event(1, day, points=1, topic="a") for day in (0, 4, 5, 9)), word]) as warehouse:
        assert held(night(warehouse, app, 12)) == {(1, "solver"), (1, "regular"), (1, "far"), (1, "top")}
        take_back_events(warehouse, app, ["e000002"], START + dt.timedelta(days=12))
        later = night(warehouse, app, 14)
        assert held(later) == {(1, "far")}
        gone, kept = revoked_note(later)
        assert gone == "With events that were taken back went 3 badges; the table revocations says whose and why."
        assert kept == "Kept: 1 badge that people gave to players of whom events were taken back."
        gone = dict(warehouse.rows("SELECT badge_id, reason FROM revoked_awards"))
        assert gone == {"solver": WHY, "regular": WHY, "top": REQUIRED}


def test_of_a_badge_that_repeats_only_the_award_falls_that_was_not_reached() -> None:
    app = app_that("revoke", hundreds={"when": "solved >= 1", "repeat": {"per": 2, "of": "solved"}})
    with warehouse_with(app, [event(1, day / 10, points=1, topic="a") for day in range(6)]) as warehouse:
        night(warehouse, app, 2)
        take_back_events(warehouse, app, ["e000000"], START + dt.timedelta(days=2))
        night(warehouse, app, 4)
        left = "SELECT round_no FROM badge_ledger WHERE badge_id = 'hundreds' ORDER BY round_no"
        assert warehouse.rows(left) == [(1,), (2,)]
        add_events(warehouse, app, [event(1, 5, points=1, topic="a")])
        night(warehouse, app, 7)
        assert warehouse.rows(left) == [(1,), (2,), (3,)]
