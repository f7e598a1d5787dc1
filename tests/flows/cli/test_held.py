"""What a person sees of held nominees, and that their decision is carried out."""

import csv
import datetime as dt
import json

import pytest
import yaml

from configs.errors import NightquestError
from configs.loader import load_app
from configs.settings import load_settings
from flows.cli.held import decide_held, gather_held
from flows.cli.held_view import held_view
from flows.cli.main import run_command
from flows.nightly import nightly
from pipelines.publish.show import gather_player
from tests.flows.world import LAST_NIGHT
from tests.pipelines.publish.night_rows import APP, AS_OF, USER_IDS, nomination, verdict
from tests.pipelines.publish.nights import audit_and_publish, issue, make_night, played_warehouse, put
from tests.printed import printed

JUDGED = {
    "nominate_when": "solved >= 5",
    "criteria": "Honours somebody who keeps solving with care, week after week.",
    "per_night": 3,
}


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    nobody = {"decided_by": "nobody", "provider": None, "model": None, "prompt_version": None, "confidence": None}
    second = json.dumps({"provider": "anthropic", "decision": "refuse", "reasons": "It is too thin.", "first": "award"})
    with played_warehouse() as warehouse:
        issue(warehouse)
        put(warehouse, "nominations", *(nomination(player, AS_OF) for player in range(1, 6)))
        put(warehouse, "verdicts", verdict(1, AS_OF, "hold", second_opinion=second))
        put(warehouse, "verdicts", *(verdict(player, AS_OF, "hold", **nobody) for player in (2, 3, 4)))
        audit_and_publish(warehouse, make_night(), home)
    return home


def drawn(report) -> str:
    return printed(held_view(report))


def test_everybody_held_is_told_with_evidence_criteria_and_why(home):
    report = gather_held(home, APP)
    assert ({one.user_id for one in report.held}, report.badges[0].waiting) == (set(USER_IDS[:4]), 1)
    one = next(one for one in report.held if one.user_id == USER_IDS[0])
    assert (one.held_by, one.reasons, one.cited) == ("openai", "m1 shows it.", ["m1"])
    assert one.criteria == "Honours care, week after week."
    assert one.evidence[0]["text"] == "puzzles solved: 3 so far"
    assert one.second_opinion["decision"] == "refuse"


def test_a_person_reads_all_of_it_whatever_the_user_ids_are(home):
    text = drawn(gather_held(home, APP))
    for part in ("4 held for a person, 1 waiting", "Patient hand", "=1+1", "DROP TABLE", "puzzles solved: 3 so far"):
        assert part in text
    assert "second opinion, anthropic refuse: It is too thin." in " ".join(text.split())
    assert "--decide decisions.csv" in text


def test_the_lines_to_decide_with_are_a_csv_of_one_decision(home):
    report = gather_held(home, APP)
    (row,) = csv.DictReader(report.to_decide)
    assert row["user_id"] == report.held[0].user_id
    assert row["decision"] == "award"
    assert row["badge_id"] == "patient"


def test_pages_have_everybody_once_and_counts_stand_first(home):
    pages = [gather_held(home, APP, page=page, limit=3) for page in (1, 2)]
    assert [(len(one.held), one.n_held, one.pages) for one in pages] == [(3, 4, 2), (1, 4, 2)]
    assert {nominee.user_id for one in pages for nominee in one.held} == set(USER_IDS[:4])
    (count,) = pages[0].badges
    assert (count.badge_id, count.held, count.since, count.waiting) == ("patient", 4, str(AS_OF), 1)
    text = drawn(pages[0])
    assert text.index("Patient hand (patient)") < text.index("m1")
    assert "Page 1 of 2" in text
    with pytest.raises(NightquestError, match="no page 3 of 2"):
        gather_held(home, APP, page=3, limit=3)


def test_one_player_or_badge_can_be_picked(home):
    assert [one.user_id for one in gather_held(home, APP, "patient", USER_IDS[2]).held] == [USER_IDS[2]]
    assert gather_held(home, APP, user="nobody").held == []
    assert "Nobody needs a decision" in drawn(gather_held(home, APP, user="nobody"))
    with pytest.raises(NightquestError, match="not a judged badge"):
        gather_held(home, APP, "first_step")


def test_before_the_first_night_it_says_how_to_get_one(tmp_path):
    with pytest.raises(NightquestError, match="toy"):
        gather_held(tmp_path, APP)


@pytest.mark.slow
def test_a_night_without_keys_holds_nominees_and_the_next_carries_out_what_a_person_decided(puzzles, capsys):
    app, home = puzzles
    file = yaml.safe_load(app.read_text())
    file["badges"]["patient"] = {"title": "Patient Hand", "tier": "gold", "category": "care", "judged": JUDGED}
    changed = home.parent / "puzzles.yaml"
    changed.write_text(yaml.safe_dump(file))
    loaded, settings = load_app(changed), load_settings(home)
    figures = nightly(app=str(changed), as_of=LAST_NIGHT).figures["judging"]
    report = gather_held(home, loaded.app)
    assert (figures["held"], figures["waiting"]) == (report.n_held, report.badges[0].waiting) == (3, 5)
    assert {one.held_by for one in report.held} == {"nobody"}
    decisions = home.parent / "decisions.csv"
    decisions.write_text("\n".join(report.to_decide))
    assert (decide_held(settings, loaded, decisions).taken, decide_held(settings, loaded, decisions).known) == (1, 1)
    for lines, status in (
        ([*report.to_decide, "nobody,patient,award,"], 4),
        ([report.to_decide[0], "nobody,patient,award,"], 2),
    ):
        decisions.write_text("\n".join(lines))
        assert run_command(["held", str(changed), "--decide", str(decisions), "--home", str(home)]) == status
    assert "line 2: " in (told := " ".join(capsys.readouterr().out.split()))
    assert "0 taken, 1 known already, 1 wrong" in told
    assert "the others are taken" in told
    next_night = nightly(app=str(changed), as_of=LAST_NIGHT + dt.timedelta(days=1)).figures
    assert next_night["judging"]["by_person"] == 1
    held = gather_player(home, "puzzles", report.held[0].user_id).badges_held
    (badge,) = (row for row in held if row["badge_id"] == "patient")
    assert "Patient Hand" in badge["citation"]
