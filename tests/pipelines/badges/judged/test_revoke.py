"""A judged badge after an event that it rested on was taken back: looked at again, or gone with its nomination."""

import datetime as dt
import json

from pipelines.badges.held import badges_held
from pipelines.badges.judged.revoke import REVIEW
from pipelines.badges.revoke import revoke_awards
from pipelines.known import Known
from pipelines.taken_back import WHY
from tests.factories import START, event, take_back_events
from tests.pipelines.badges.judged.cases import (
    Script,
    held_badges,
    judge,
    judged_app,
    pin,
    players_who_solved,
    said_by_person,
    verdicts,
)

APP = judged_app().model_copy(update={"on_retraction": "revoke"})


def test_an_award_that_was_judged_on_it_goes_back_to_review_and_is_decided_on_anew():
    with players_who_solved(APP, rows=[event(1, 1.5, points=3)]) as warehouse:
        judge(warehouse, APP, 3, Script())
        take_back_events(warehouse, APP, ["e000002"], START + dt.timedelta(days=3))
        revoke_awards(Known(warehouse, pin(warehouse, APP, 5)))
        assert held_badges(warehouse).is_empty()
        assert warehouse.rows("SELECT badge_id, reason FROM revoked_awards") == [("patient", REVIEW)]
        assert judge(warehouse, APP, 5, None)["held"] == 1  # for a person, where no model can be asked
        script = Script()
        assert judge(warehouse, APP, 6, script)["awarded"] == 1
        assert "e000002" not in str(script.nominations())
        assert warehouse.value("SELECT sum(xp) FROM xp_ledger") == 400
        assert verdicts(warehouse, "decision") == [("award",), ("hold",), ("award",)]


def test_where_the_app_keeps_the_evidence_of_what_was_judged_says_what_was_taken_back():
    app = APP.model_copy(update={"on_retraction": "keep"})
    with players_who_solved(app, rows=[event(1, 1.5, points=3)]) as warehouse:
        judge(warehouse, app, 3, Script())
        take_back_events(warehouse, app, ["e000002"], START + dt.timedelta(days=3))
        known = Known(warehouse, pin(warehouse, app, 5))
        assert revoke_awards(known).is_empty()
        (told,) = [json.loads(row) for row in badges_held(known).filter(badge_id="patient")["evidence"]]
        assert told["verdict_id"]
        assert (told["kept"]["event_ids"], told["kept"]["as_of"]) == (["e000002"], str(known.as_of))


def test_a_nomination_that_would_not_be_made_any_more_goes_and_can_be_made_anew():
    with players_who_solved(APP, players=2) as warehouse:
        judge(warehouse, APP, 3, Script())
        take_back_events(warehouse, APP, ["e000000"], START + dt.timedelta(days=3))
        revoke_awards(Known(warehouse, pin(warehouse, APP, 5)))
        assert held_badges(warehouse)["player_key"].to_list() == [2]
        assert warehouse.rows("SELECT reason FROM revoked_awards WHERE badge_id = 'patient'") == [(WHY,)]
        assert warehouse.rows("SELECT player_key FROM nominations") == [(2,)]


def test_what_a_person_gave_and_what_rests_on_other_events_stays():
    rows = [said_by_person(1, 2.2, "awarded"), event(2, 1.5, "liked", delta=1, post_id="p")]
    with players_who_solved(APP, players=2, rows=rows) as warehouse:
        judge(warehouse, APP, 3, Script())
        take_back_events(warehouse, APP, ["e000000", "e000005"], START + dt.timedelta(days=3))
        assert "patient" not in revoke_awards(Known(warehouse, pin(warehouse, APP, 5)))["badge_id"].to_list()
        assert held_badges(warehouse)["player_key"].to_list() == [1, 2]
