"""Who is looked at for a judged badge, in which order, and when again."""

import datetime as dt

import polars as pl

from pipelines.badges.judged.nominate import find_nominations
from pipelines.badges.rules.award import find_awards
from pipelines.badges.rules.progress import badge_progress
from pipelines.known import Known
from pipelines.words.write import write_citations
from tests.factories import START, add_events, event, warehouse_with
from tests.pipelines.badges.judged.cases import (
    GOOD,
    HOLD,
    REFUSE,
    Script,
    judge,
    judged_app,
    pin,
    players_who_solved,
    said_by_person,
    verdicts,
)
from tests.pipelines.badges.rules.awards import award_badges

APP = judged_app()


def test_the_first_event_that_meets_the_nominating_rule_nominates():
    with warehouse_with(APP, [event(1, 0), event(1, 1), event(1, 2), event(2, 1)]) as warehouse:
        found = find_nominations(Known(warehouse, pin(warehouse, APP, 4)))
        assert found.select("badge_id", "player_key", "event_id").rows() == [("patient", 1, "e000001")]
        assert found["crossed_at"].to_list() == [START + dt.timedelta(days=1)]


def test_rules_that_earn_and_rules_that_nominate_do_not_mix():
    with warehouse_with(APP, [event(1, 0), event(1, 1)]) as warehouse:
        night = pin(warehouse, APP, 4)
        assert find_awards(Known(warehouse, night))["badge_id"].to_list() == ["starter"]
        assert badge_progress(Known(warehouse, night))["badge_id"].to_list() == ["starter"]
        award_badges(Known(warehouse, night), write_citations)
        assert find_nominations(Known(warehouse, night))["badge_id"].to_list() == ["patient"]


def test_a_badge_that_is_on_hold_or_withdrawn_nominates_nobody_and_a_word_on_one_on_hold_counts_once_it_opens():
    def app_in(state):
        patient = APP.badges["patient"].model_copy(update={"state": state})
        return APP.model_copy(update={"badges": {**APP.badges, "patient": patient}})

    with players_who_solved(APP, players=1, rows=[said_by_person(1, 2.2, "awarded")]) as warehouse:
        assert judge(warehouse, app_in("withdrawn"), 2)["waiting"] == 0
        assert judge(warehouse, app_in("on_hold"), 4)["by_person"] == 0
        assert warehouse.value("SELECT count(*) FROM nominations") == 0
        assert judge(warehouse, app_in("open"), 5)["by_person"] == 1


def test_what_a_judged_badge_requires_is_held_before_anybody_is_nominated():
    patient = APP.badges["patient"].model_copy(update={"requires": ["starter"]})
    late = APP.badges["starter"].model_copy(update={"when": "solved >= 4"})
    app = APP.model_copy(update={"badges": {"patient": patient, "starter": late}})
    with warehouse_with(app, [event(1, day) for day in range(6)] + [event(2, day) for day in range(3)]) as warehouse:
        night = pin(warehouse, app, 8)
        assert find_nominations(Known(warehouse, night)).is_empty()
        award_badges(Known(warehouse, night), write_citations)
        found = find_nominations(Known(warehouse, night))
        assert found.select("player_key", "event_id").rows() == [(1, "e000003")]


def test_an_event_that_came_later_does_not_nominate_before():
    late = event(1, 1, available_at=START + dt.timedelta(days=8))
    with warehouse_with(APP, [event(1, 0), late]) as warehouse:
        assert find_nominations(Known(warehouse, pin(warehouse, APP, 5))).is_empty()
        assert find_nominations(Known(warehouse, pin(warehouse, APP, 10))).height == 1


def test_the_longest_waiting_are_decided_first_and_the_rest_wait_for_their_night():
    app, script = judged_app(per_night=2), Script(REFUSE)
    rows = [event(player, at) for player in range(1, 6) for at in (0.0, 2 - player / 24)]  # the fifth waits longest
    with warehouse_with(app, rows) as warehouse:
        assert [judge(warehouse, app, 3 + night, script)["waiting"] for night in range(4)] == [3, 1, 0, 0]
        by_night = [player for player, _ in verdicts(warehouse, "player_key", "as_of")]
        assert by_night == [4, 5, 2, 3, 1]
        assert len(script.asked) == 5


def test_a_night_begun_again_does_not_open_a_new_allowance():
    app, script = judged_app(per_night=2), Script(REFUSE)
    with players_who_solved(app, players=5) as warehouse:
        first = judge(warehouse, app, 3, script)
        assert judge(warehouse, app, 3, script) == first
        assert len(verdicts(warehouse, "1")) == 2


def test_whoever_is_away_waits_until_they_play_again():
    script = Script(REFUSE)
    with players_who_solved(APP, rows=[event(2, 40.0)]) as warehouse:
        assert judge(warehouse, APP, 45, script)["waiting"] == 1
        assert script.asked == []
        add_events(warehouse, APP, [event(1, 45.0)])
        assert judge(warehouse, APP, 46, script)["refused"] == 1


def test_who_was_not_awarded_is_looked_at_again_only_after_time_and_with_new_events():
    app, script = judged_app(again_after_days=10), Script(REFUSE)
    with players_who_solved(app, rows=[event(2, 0)]) as warehouse:
        judge(warehouse, app, 3, script)
        add_events(warehouse, app, [event(1, 5.0)])
        assert judge(warehouse, app, 12, script)["nominees"] == 0  # too early
        assert judge(warehouse, app, 13, script)["refused"] == 1  # ten days and an event later
        assert judge(warehouse, app, 24, script)["nominees"] == 0  # nothing new since
        assert len(script.asked) == 2


def test_what_was_held_may_be_awarded_later():
    app = judged_app(again_after_days=10)
    script = Script(lambda _request, data: GOOD if "3 so far" in str(data["evidence"][1]) else HOLD)
    with players_who_solved(app) as warehouse:
        judge(warehouse, app, 3, script)
        add_events(warehouse, app, [event(1, 5.0)])
        assert judge(warehouse, app, 13, script)["awarded"] == 1


def test_other_criteria_are_another_case():
    script = Script(REFUSE)
    with players_who_solved(APP) as warehouse:
        judge(warehouse, APP, 3, script)
        changed = judged_app(criteria="Honours somebody who never gives up on a puzzle.")
        warehouse.run("UPDATE nights SET app_hash = 'before', file_hash = 'before'")
        assert judge(warehouse, changed, 4, script)["refused"] == 1
        assert warehouse.value("SELECT count(DISTINCT rule_version) FROM nominations") == 2


def test_the_order_does_not_hang_on_the_warehouses_own_keys():
    app, script = judged_app(per_night=1), Script(REFUSE)
    rows = [event(player, at) for player in (7, 3) for at in (0.0, 1.0)]
    with warehouse_with(app, rows) as warehouse:
        names = pl.DataFrame({"player_key": [7, 3], "user_id": ["anna", "zoe"]})
        with warehouse.lend(names=names):
            warehouse.run("UPDATE players SET user_id = n.user_id FROM names n WHERE n.player_key = players.player_key")
        judge(warehouse, app, 3, script)
        assert verdicts(warehouse, "player_key") == [(7,)]
