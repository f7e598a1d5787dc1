"""What is settled is paid: the ledger is what the settlements that stand are worth, however often it is looked at."""

import datetime as dt
import uuid
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.rewards.pay import pay_rewards
from tests.factories import known_at, warehouse_with
from tests.pipelines.publish.night_rows import achievement, challenge, reached
from tests.pipelines.publish.nights import put
from tests.pipelines.rewards.promises import app_with

APP = app_with({"all": {"star": {"gives": "star"}}})
FIRST = dt.date(2024, 3, 1)
GIVES = [
    ("gems", "points", "gem", 7),
    ("title", "title", "sage", 1),
    ("star", "badge", "star", 1),
    ("more", "xp", "xp", 5),
]
STATES = st.lists(st.sampled_from(["", "completed", "expired", "reopened"]), min_size=1, max_size=4)


def content_id(player: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"content/{player}"))


def promise(warehouse, player: int, *, made=challenge, table="challenges") -> str:
    row = made(player, as_of=FIRST) | {"content_id": content_id(player)}
    put(warehouse, table, row)
    shared = {"content_id": row["content_id"], "as_of": FIRST, "revision": 1, "player_key": player}
    shared |= {"content_type": row["content_type"], "probability": 0.5, "valid_until": FIRST}
    offers = (
        shared | {"offer": f"all/{name}", "kind": kind, "item": item, "amount": amount, "words": item}
        for name, kind, item, amount in GIVES
    )
    put(warehouse, "promised_rewards", *offers)
    return row["content_id"]


def settle(warehouse, player: int, revision: int, day: dt.date, *, paid: bool, state: str) -> None:
    told = {"content_id": content_id(player), "revision": revision, "player_key": player, "as_of": day}
    told |= {"state": state, "progress": 1.0, "played": True, "xp": 40 * paid, "reason": "test"}
    moment = dt.datetime.combine(day, dt.time(), dt.UTC)
    put(warehouse, "settlements", told | {"completed_at": moment if paid else None, "event_id": "e" if paid else None})


def night(warehouse, day: dt.date):
    return known_at(warehouse, APP, day, dt.datetime.combine(day, dt.time(), dt.UTC))


@pytest.fixture(name="opened", scope="module")
def _opened():
    with warehouse_with(APP) as warehouse:
        put(warehouse, "players", *({"player_key": player, "user_id": f"user{player}"} for player in range(1, 40)))
        yield warehouse


@pytest.fixture(name="warehouse")
def _warehouse(opened):
    with opened.rehearsal():
        yield opened


@settings(max_examples=4)
@given(lives=st.lists(STATES, min_size=1, max_size=3))
def test_the_ledger_is_what_the_settlements_that_stand_promised_however_often_a_night_runs(opened, lives):
    with opened.rehearsal():
        for player in range(1, len(lives) + 1):
            promise(opened, player)
        for number in range(4):
            day = FIRST + dt.timedelta(days=number + 1)
            for player, states in enumerate(lives, 1):
                if number < len(states) and (state := states[number]):
                    settle(opened, player, number + 1, day, paid=state == "completed", state=state)
            pay_rewards(night(opened, day))
            once = opened.rows("FROM reward_ledger ORDER BY entry_id"), opened.rows("FROM xp_ledger ORDER BY entry_id")
            pay_rewards(night(opened, day))  # again
            assert (
                opened.rows("FROM reward_ledger ORDER BY entry_id"),
                opened.rows("FROM xp_ledger ORDER BY entry_id"),
            ) == once
            worth = Counter({item: 0 for _, kind, item, _ in GIVES if kind != "xp"})
            for states in lives:
                told = [state for state in states[: number + 1] if state]
                if told and told[-1] == "completed":
                    worth.update({item: amount for _, kind, item, amount in GIVES if kind != "xp"})
            sums = dict(opened.rows("SELECT item, sum(amount)::INTEGER FROM reward_ledger GROUP BY item"))
            assert {item: sums.get(item, 0) for item in worth} == worth
            assert opened.value("SELECT count(*) FROM badge_ledger") == worth["star"]
            assert opened.value("SELECT coalesce(sum(xp), 0) FROM xp_ledger") == 400 * worth["star"]


def test_a_badge_as_a_reward_tells_what_it_was_given_for_and_pays_its_tier(warehouse):
    content = promise(warehouse, 1)
    settle(warehouse, 1, 1, FIRST, paid=True, state="completed")
    pay_rewards(night(warehouse, FIRST))
    (badge,) = warehouse.frame("FROM badge_ledger").to_dicts()
    assert (badge["badge_id"], badge["rule_version"], badge["event_id"]) == ("star", "reward", "e")
    assert badge["citation"].startswith("Three for the road. ")
    assert APP.badges["star"].title in badge["citation"]
    assert "Solve 3 puzzles" not in badge["citation"]  # its day is over
    assert content in badge["evidence"]
    assert warehouse.rows("SELECT xp, reason FROM xp_ledger") == [(400, "Badge earned: Star")]


def test_a_badge_that_somebody_holds_already_is_not_paid_again(warehouse):
    for player, day in ((1, FIRST), (2, FIRST + dt.timedelta(days=1))):
        promise(warehouse, player)
        settle(warehouse, player, 1, day, paid=True, state="completed")
    warehouse.run("UPDATE settlements SET player_key = 1")
    warehouse.run("UPDATE promised_rewards SET player_key = 1")
    for number in range(2):
        pay_rewards(night(warehouse, FIRST + dt.timedelta(days=number)))
    stars = "SELECT count(*) FROM reward_ledger WHERE item = 'star'"
    assert (warehouse.value(stars), warehouse.value("SELECT count(*) FROM badge_ledger")) == (1, 1)
    assert warehouse.value("SELECT sum(amount) FROM reward_ledger WHERE item = 'gem'") == 14


def test_what_was_promised_is_paid_although_the_app_has_it_no_more(warehouse):
    promise(warehouse, 1)
    settle(warehouse, 1, 1, FIRST, paid=True, state="completed")
    pins = night(warehouse, FIRST).night
    pay_rewards(known_at(warehouse, app_with({}), FIRST, pins.cut))
    assert warehouse.value("SELECT sum(amount) FROM reward_ledger") == 9
    assert warehouse.rows("SELECT xp, reason FROM xp_ledger") == [(0, "Badge earned: star")]


def test_an_achievement_pays_once_when_it_is_reached(warehouse):
    promise(warehouse, 1, made=achievement, table="achievements")
    put(warehouse, "achievements_reached", reached(1, FIRST, FIRST) | {"content_id": content_id(1)})
    for _ in range(2):
        pay_rewards(night(warehouse, FIRST))
    told = "SELECT item, amount, reason FROM reward_ledger ORDER BY item"
    why = "achievement reached"
    assert warehouse.rows(told) == [("gem", 7, why), ("sage", 1, why), ("star", 1, why)]
