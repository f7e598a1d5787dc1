"""Decisions from a file: the right rows are taken once, the wrong ones told with line and reason."""

import datetime as dt
import json

import pytest

from configs.errors import NightquestError
from pipelines.badges.judged.decide import take_decisions
from tests.factories import START
from tests.pipelines.badges.judged.cases import held_badges, judge, judged_app, pin, players_who_solved, verdicts

APP = judged_app()
LATER = START + dt.timedelta(days=400)


def decide(warehouse, tmp_path, text: str, name: str = "decisions.csv", days: float = 3, now: dt.datetime = LATER):
    file = tmp_path / name
    file.write_text(text)
    return take_decisions(warehouse, APP, file, cut=pin(warehouse, APP, days).cut, now=now)


def told(decisions) -> tuple[int, int, list[int]]:
    return decisions.taken, decisions.known, [row.line for row in decisions.wrong]


def test_right_rows_are_taken_and_the_next_night_carries_them_out_with_reason_and_citation(tmp_path):
    with players_who_solved(APP, players=2) as warehouse:
        ids = dict(warehouse.frame("SELECT player_key, user_id FROM players").iter_rows())
        judge(warehouse, APP, 3)
        rows = [
            {
                "user_id": ids[1],
                "badge_id": "patient",
                "decision": "award",
                "reason": "Saw it.",
                "citation": "For care.",
            },
            {"user_id": ids[2], "badge_id": "patient", "decision": "refuse", "by": "Ada"},
        ]
        text = "\n".join(map(json.dumps, rows))
        assert told(decide(warehouse, tmp_path, text, "decisions.jsonl")) == (2, 0, [])
        assert told(decide(warehouse, tmp_path, text, "again.jsonl")) == (0, 2, [])
        assert judge(warehouse, APP, 4)["by_person"] == 2
        assert held_badges(warehouse)["citation"].to_list() == ["For care."]
        assert [r for r in verdicts(warehouse, "decision", "reasons", "decided_by") if r[2] == "person"] == [
            ("award", "Saw it.", "person"),
            ("refuse", "Decided by Ada.", "person"),
        ]
        assert told(decide(warehouse, tmp_path, text, "decisions.jsonl", 4)) == (0, 2, [])
        assert judge(warehouse, APP, 5)["by_person"] == 0


def test_wrong_rows_are_told_with_their_line_and_cost_the_others_nothing(tmp_path):
    with players_who_solved(APP, players=3) as warehouse:
        ids = dict(warehouse.frame("SELECT player_key, user_id FROM players").iter_rows())
        judge(warehouse, APP, 3)
        lines = [
            "user_id,badge_id,decision",
            f"{ids[1]},patient,award",
            f"{ids[1]},patient,award",
            "stranger,patient,award",
            f"{ids[2]},startre,award",
            f"{ids[2]},patient,maybe",
            f"{ids[3]},patient,award",
            f"{ids[3]},patient,refuse",
            ",patient,award",
        ]
        found = decide(warehouse, tmp_path, "\n".join(lines))
        assert told(found) == (1, 1, [4, 5, 6, 7, 8, 9])
        for row, part in zip(
            found.wrong, ("no player 'stranger'", "not a badge", "'maybe'", "both", "both", "missing"), strict=True
        ):
            assert part in row.reason
        assert warehouse.value("SELECT count(*) FROM players WHERE user_id = 'stranger'") == 0
        judge(warehouse, APP, 4)
        (wrong,) = decide(warehouse, tmp_path, f"user_id,badge_id,decision\n{ids[1]},patient,refuse", days=4).wrong
        assert "none is taken back" in wrong.reason


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"user_id": "a", "badge', "the line is not valid JSON"),
        ('"a"', "the line is not a JSON object"),
        (
            '{"user_id": "a", "user_id": "b", "badge_id": "patient", "decision": "award"}',
            "the line names 'user_id' twice",
        ),
        ('{"user_id": "a", "decision": "award"}', "badge_id is missing"),
    ],
)
def test_a_line_that_says_nothing_certain_is_told_with_what_is_wrong_with_it(tmp_path, line, why):
    with players_who_solved(APP, players=1) as warehouse:
        judge(warehouse, APP, 3)
        assert [row.reason for row in decide(warehouse, tmp_path, f"{line}\n", "decisions.jsonl").wrong] == [why]


def test_a_person_may_change_their_mind_back_and_forth_and_the_last_file_counts(tmp_path):
    with players_who_solved(APP) as warehouse:
        (user,) = warehouse.frame("SELECT user_id FROM players")["user_id"]
        judge(warehouse, APP, 3)
        for decision in ("refuse", "award", "refuse", "award"):
            text = f"user_id,badge_id,decision\n{user},patient,{decision}"
            assert told(decide(warehouse, tmp_path, text)) == (1, 0, [])
        judge(warehouse, APP, 4)
        assert held_badges(warehouse).height == 1


def test_a_decision_counts_from_now_when_the_newest_night_is_of_today(tmp_path):
    with players_who_solved(APP) as warehouse:
        (user,) = warehouse.frame("SELECT user_id FROM players")["user_id"]
        judge(warehouse, APP, 3)
        now = pin(warehouse, APP, 3).cut + dt.timedelta(hours=5)
        assert decide(warehouse, tmp_path, f"user_id,badge_id,decision\n{user},patient,award", now=now).taken == 1
        judge(warehouse, APP, 4)
        assert held_badges(warehouse)["granted_at"].to_list() == [now]


@pytest.mark.parametrize("text", ["", "user_id,badge_id\na,patient"])
def test_a_file_that_holds_no_decisions_is_refused_with_its_columns(tmp_path, text):
    with players_who_solved(APP) as warehouse, pytest.raises(NightquestError, match="no file of decisions"):
        decide(warehouse, tmp_path, text)
