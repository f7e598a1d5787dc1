"""An achievement whose events were taken back is open again, what it paid goes, and reached again it pays again."""

import datetime as dt

import pytest

from pipelines.badges.held import badges_held
from pipelines.challenges.achievements import open_achievements, settle_achievements
from pipelines.challenges.unreached import reopen_achievements
from pipelines.known import Known
from pipelines.rewards.pay import pay_rewards
from tests.factories import START, add_events, event, make_app, take_back_events, warehouse_with
from tests.pipelines.badges.rules.awards import DAY, pin, publish
from tests.pipelines.publish.night_rows import achievement
from tests.pipelines.publish.nights import put


def settled(warehouse, app, day):
    known = Known(warehouse, pin(warehouse, app, day))
    for _ in range(2):  # run again, too
        reopen_achievements(known)
        settle_achievements(known)
        pay_rewards(known)
    publish(warehouse, known.night)
    return known


@pytest.mark.parametrize("policy", ["keep", "revoke"])
def test_what_is_reached_no_longer_is_open_again_and_paid_when_it_is_reached_anew(policy):
    app = make_app(on_retraction=policy)
    goal = achievement(1, DAY + dt.timedelta(days=2)) | {"metric": "solved", "target": 5.0, "xp": 30}
    with warehouse_with(app, [event(1, day / 10) for day in range(5)]) as warehouse:
        put(warehouse, "achievements", goal)
        pays = {"content_id": goal["content_id"], "as_of": goal["as_of"], "revision": 1, "player_key": 1, "words": "x"}
        pays |= {"content_type": goal["content_type"], "probability": 1.0, "offer": "all/gems", "valid_until": None}
        put(warehouse, "promised_rewards", pays | {"kind": "points", "item": "gem", "amount": 7})
        first = settled(warehouse, app, 4)
        take_back_events(warehouse, app, ["e000003"], START + dt.timedelta(days=4))
        later = settled(warehouse, app, 6)
        sums = "SELECT (SELECT sum(xp)::INTEGER FROM xp_ledger), (SELECT sum(amount)::INTEGER FROM reward_ledger)"
        if policy == "keep":
            assert (badges_held(later).height, warehouse.rows(sums)) == (1, [(30, 7)])
            return
        assert (badges_held(later).height, warehouse.rows(sums)) == (0, [(0, 0)])
        assert open_achievements(later)["content_id"].to_list() == [goal["content_id"]]
        assert badges_held(first).height == 1  # as that night saw it
        add_events(warehouse, app, [event(1, 7)])
        assert (badges_held(settled(warehouse, app, 9)).height, warehouse.rows(sums)) == (1, [(30, 7)])
        told = warehouse.rows("SELECT xp, reason FROM xp_ledger ORDER BY as_of")
        assert told[1] == (-30, f"Achievement open again: {goal['title']}, an event that it rested on was taken back")


def test_what_is_reached_anew_waits_for_a_night_that_may_pay_it_and_is_paid_once():
    """Two of 7 gems each, taken back and reached anew on one day, in an app that pays at most 10 a night."""
    budget = {"points": {"gem": {"unit": "gem"}}, "budgets": {"gem": {"paid": 10}}}
    app = make_app(on_retraction="revoke", rewards={**budget, "tables": {"all": {"gems": {"gives": "gem"}}}})
    rows = [event(player, (player + number) / 10) for player in (1, 2) for number in range(5)]
    with warehouse_with(app, rows) as warehouse:
        for player in (1, 2):
            goal = achievement(player, DAY + dt.timedelta(days=2)) | {"metric": "solved", "target": 5.0, "xp": 30}
            put(warehouse, "achievements", goal)
            pays = {"content_id": goal["content_id"], "as_of": goal["as_of"], "revision": 1, "player_key": player}
            pays |= {"content_type": goal["content_type"], "probability": 1.0, "offer": "all/gems", "words": "x"}
            put(warehouse, "promised_rewards", pays | {"kind": "points", "item": "gem", "amount": 7})
        settled(warehouse, app, 4)
        take_back_events(warehouse, app, ["e000003", "e000008"], START + dt.timedelta(days=4))
        settled(warehouse, app, 6)
        add_events(warehouse, app, [event(1, 7), event(2, 7)])
        for day in (9, 10, 11):
            settled(warehouse, app, day)
        paid = "SELECT as_of - $first, sum(amount)::INTEGER FROM reward_ledger GROUP BY as_of ORDER BY as_of"
        assert warehouse.rows(paid, {"first": DAY}) == [(4, 14), (6, -14), (9, 7), (10, 7)]
        assert warehouse.value("SELECT sum(xp) FROM xp_ledger") == 60
