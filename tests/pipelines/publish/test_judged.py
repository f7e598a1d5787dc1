"""What is published of nominees, and what the audit asks of badges given by judgement."""

import json

import polars as pl
import pytest

from pipelines.known import Known
from tests.pipelines.publish.night_rows import AS_OF, award, judged_award, make_frames, nomination, verdict
from tests.pipelines.publish.nights import NIGHT, YESTERDAY, audited, collect, issue, make_night, played_warehouse, put


@pytest.fixture(name="warehouse")
def _warehouse():
    with played_warehouse() as warehouse:
        issue(warehouse)
        put(warehouse, "nominations", *(nomination(player, YESTERDAY) for player in range(1, 6)))
        yield warehouse


def nominees(warehouse, night=NIGHT) -> dict[str, dict]:
    table = collect(Known(warehouse, night), make_frames())["badge_nominees"]
    return {row["user_id"]: row for row in table.iter_rows(named=True)}


def finding(warehouse, tmp_path) -> str:
    """What the audit finds wrong with judged badges, empty when nothing is."""
    _, report = audited(warehouse, NIGHT, tmp_path)
    (check,) = (check for check in report.checks if check.name == "judged badges")
    assert check.passed == ("rests on a verdict" in check.detail)
    return "" if check.passed else check.detail


def test_every_nominee_is_told_with_how_they_stand_and_who_said_so(warehouse):
    person = {"decided_by": "person", "provider": None, "model": None, "prompt_version": None}
    nobody = person | {"decided_by": "nobody", "confidence": None, "evidence_ids": "[]"}
    put(warehouse, "verdicts", verdict(1, AS_OF, "award"), verdict(2, AS_OF, "refuse", **person))
    put(warehouse, "verdicts", verdict(3, YESTERDAY, **nobody))
    put(warehouse, "badge_ledger", judged_award(1, AS_OF))
    rows = list(nominees(warehouse).values())
    told = {(row["state"], row["decided_by"], row["decided_on"]) for row in rows}
    assert told == {
        ("awarded", "openai", AS_OF),
        ("refused", "person", AS_OF),
        ("held", "nobody", YESTERDAY),
        ("waiting", None, None),
    }
    assert len(rows) == 5
    assert {row["nominated_on"] for row in rows} == {YESTERDAY}


def test_the_latest_verdict_up_to_the_night_counts(warehouse):
    put(warehouse, "verdicts", verdict(5, YESTERDAY, "hold"), verdict(5, AS_OF, "refuse"))
    assert nominees(warehouse)["user5"]["state"] == "refused"
    assert nominees(warehouse, make_night(YESTERDAY))["user5"]["state"] == "held"


def test_a_badge_given_under_older_criteria_stays_told_and_an_older_case_does_not(warehouse):
    put(warehouse, "verdicts", verdict(5, YESTERDAY, "award", rule_version="old"))
    put(warehouse, "verdicts", verdict(4, YESTERDAY, "hold", rule_version="old"))
    put(warehouse, "badge_ledger", judged_award(5, YESTERDAY) | {"rule_version": "old"})
    rows = nominees(warehouse)
    assert rows["user5"]["state"] == "awarded"
    assert sorted(row["state"] for row in rows.values()) == ["awarded", *["waiting"] * 4]


def test_the_audit_accepts_awards_by_a_model_with_cited_evidence_and_by_a_person(warehouse, tmp_path):
    put(warehouse, "verdicts", verdict(1, AS_OF, "award"))
    put(warehouse, "verdicts", verdict(2, AS_OF, "award", decided_by="person", provider=None, evidence_ids="[]"))
    put(warehouse, "badge_ledger", judged_award(1, AS_OF), judged_award(2, AS_OF), award(3, AS_OF))
    assert finding(warehouse, tmp_path) == ""


def test_the_audit_refuses_a_judged_badge_without_a_verdict(warehouse, tmp_path):
    put(warehouse, "badge_ledger", judged_award(1, AS_OF))
    assert "1 award without a verdict" in finding(warehouse, tmp_path)


def test_the_audit_refuses_a_judged_badge_whose_verdict_does_not_award(warehouse, tmp_path):
    put(warehouse, "verdicts", verdict(1, AS_OF, "hold"))
    put(warehouse, "badge_ledger", judged_award(1, AS_OF))
    assert "1 award without a verdict" in finding(warehouse, tmp_path)


def test_the_audit_refuses_an_award_that_nobody_decided(warehouse, tmp_path):
    put(warehouse, "verdicts", verdict(1, AS_OF, "award", decided_by="nobody", provider=None))
    put(warehouse, "badge_ledger", judged_award(1, AS_OF))
    assert "1 award by a verdict of nobody" in finding(warehouse, tmp_path)


@pytest.mark.parametrize("provider", ["openai", "a_provider_of_tomorrow"])
@pytest.mark.parametrize("ids", [[], ["m9"], ["m1", "m9"]])
def test_the_audit_refuses_an_award_by_a_model_that_cites_nothing_it_was_given(warehouse, tmp_path, ids, provider):
    put(warehouse, "verdicts", verdict(1, AS_OF, "award", evidence_ids=json.dumps(ids), provider=provider))
    put(warehouse, "badge_ledger", judged_award(1, AS_OF))
    assert "1 award without cited evidence" in finding(warehouse, tmp_path)


def test_a_badge_earned_by_rule_before_it_was_judged_needs_no_verdict(warehouse, tmp_path):
    put(warehouse, "badge_ledger", award(1, AS_OF, "patient"))
    assert finding(warehouse, tmp_path) == ""
    assert isinstance(nominees(warehouse), dict)
    assert pl.Series([row["state"] for row in nominees(warehouse).values()]).eq("waiting").sum() == 4
