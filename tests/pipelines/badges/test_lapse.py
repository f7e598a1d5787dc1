"""Nominees on whom nobody decides lapse after the badge's days, with a reason, and may come back with new play."""

import pytest

from tests.factories import add_events, event
from tests.pipelines.badges.judged.cases import (
    HOLD,
    Script,
    held_badges,
    judge,
    judged_app,
    players_who_solved,
    said_by_person,
    verdicts,
)

APP = judged_app(lapse_after_days=10, again_after_days=5)


@pytest.mark.parametrize("script", [None, Script(HOLD)])
def test_a_nominee_held_for_too_long_lapses_once_with_the_reason(script):
    with players_who_solved(APP) as warehouse:
        assert judge(warehouse, APP, 3, script)["held"] == 1
        assert (judge(warehouse, APP, 12)["lapsed"], judge(warehouse, APP, 12)["held_in_all"]) == (0, 1)
        figures = judge(warehouse, APP, 13)
        assert (figures["lapsed"], figures["held_in_all"], figures["refused"], figures["nominees"]) == (1, 0, 0, 0)
        (reasons, evidence), *_ = verdicts(warehouse, "reasons", "evidence::VARCHAR")[-1:]
        assert reasons == "Nobody decided within 10 days: held since 2024-01-04."
        assert evidence != "[]"
        assert judge(warehouse, APP, 13)["lapsed"] == 1
        assert judge(warehouse, APP, 25)["lapsed"] == 0
        assert len(verdicts(warehouse, "1")) == 2


def test_being_held_anew_does_not_begin_the_wait_anew():
    with players_who_solved(APP) as warehouse:
        judge(warehouse, APP, 3)
        assert judge(warehouse, APP, 8, Script(HOLD))["held"] == 1
        assert judge(warehouse, APP, 13)["lapsed"] == 1


def test_who_waited_for_a_turn_too_long_lapses_too():
    app = judged_app(lapse_after_days=10, per_night=1)
    with players_who_solved(app, players=3) as warehouse:
        assert (judge(warehouse, app, 3)["waiting"], judge(warehouse, app, 20)["lapsed"]) == (2, 2)
        assert "waiting since" in " ".join(reasons for (reasons,) in verdicts(warehouse, "reasons"))


@pytest.mark.parametrize(("days", "held"), [(17, 0), (18, 1)])
def test_who_lapsed_is_looked_at_again_after_the_days_if_there_is_new_play(days, held):
    with players_who_solved(APP) as warehouse:
        judge(warehouse, APP, 3)
        judge(warehouse, APP, 13)
        add_events(warehouse, APP, [event(1, 14.0)])
        assert judge(warehouse, APP, days)["held"] == held
        assert judge(warehouse, APP, days + 9)["lapsed"] == 0


def test_who_lapsed_without_new_play_stays_so_and_a_person_may_award_still():
    with players_who_solved(APP) as warehouse:
        judge(warehouse, APP, 3)
        judge(warehouse, APP, 13)
        assert judge(warehouse, APP, 25, Script())["nominees"] == 0
        add_events(warehouse, APP, [said_by_person(1, 25.1, "awarded")])
        judge(warehouse, APP, 27)
        assert held_badges(warehouse).height == 1


def test_what_a_person_decides_tonight_does_not_lapse_tonight():
    with players_who_solved(APP) as warehouse:
        judge(warehouse, APP, 3)
        add_events(warehouse, APP, [said_by_person(1, 12.1, "refused")])
        figures = judge(warehouse, APP, 13)
        assert (figures["by_person"], figures["lapsed"]) == (1, 0)
