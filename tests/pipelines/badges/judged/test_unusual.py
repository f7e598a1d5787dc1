"""A week that looks like somebody else's leaves a judged badge to a person, with the reason, and no earned one."""

import polars as pl
import pytest

from pipelines.badges.judged.judge import find_cases
from pipelines.badges.judged.unusual import Unusual, unusual_weeks
from pipelines.known import Known
from pipelines.words.write import write_citations
from tests.factories import add_events
from tests.pipelines.badges.judged.cases import (
    Script,
    held_badges,
    judge,
    judge_badges,
    judged_app,
    panel,
    pin,
    players_who_solved,
    said_by_person,
    verdicts,
)
from tests.pipelines.badges.rules.awards import award_badges

CAREFUL = judged_app(hold_unusual=True)
GOES = "The last week goes {} times as well with the weeks before of another player as with their own"
WHY = f"{GOES.format(14)}: played on 7 of the last 7 days."


def unusual(warehouse, *players: int) -> dict[int, Unusual]:
    names = ", ".join(f"'user{n}'" for n in players)
    keys = warehouse.frame(f"SELECT player_key FROM players WHERE user_id IN ({names})")["player_key"]
    return {key: Unusual(WHY, "toy.anomaly/3") for key in keys}


def judged_with(warehouse, app, days, script, flagged):
    night = pin(warehouse, app, days)
    with warehouse.transaction():
        figures = judge_badges(Known(warehouse, night), panel(script) if script else None, write_citations, flagged)
    warehouse.run("UPDATE nights SET status = 'published' WHERE as_of = $d", {"d": night.as_of})
    return figures


def test_the_flagged_are_held_with_the_reason_and_nobody_is_asked_of_them():
    script = Script()
    with players_who_solved(CAREFUL, players=3) as warehouse:
        flagged = unusual(warehouse, 2)
        figures = judged_with(warehouse, CAREFUL, 3, script, flagged)
        assert (figures["nominees"], figures["awarded"], figures["held"]) == (3, 2, 1)
        assert len(script.asked) == 2
        held = warehouse.frame(
            "SELECT player_key, reasons, decided_by, provider, model FROM verdicts WHERE decision = 'hold'"
        )
        assert held.rows() == [(next(iter(flagged)), WHY, "model", "anomaly", "toy.anomaly/3")]
        # The week after is usual again: that alone awards nothing. A person decides.
        assert judge(warehouse, CAREFUL, 5, script)["nominees"] == 0
        add_events(warehouse, CAREFUL, [said_by_person(2, 6.0, "awarded")])
        judge(warehouse, CAREFUL, 8, script)
        assert held_badges(warehouse).height == 3


@pytest.mark.parametrize(("app", "awarded"), [(judged_app(), 2), (CAREFUL, 0)])
def test_only_a_badge_that_says_so_heeds_the_flag(app, awarded):
    with players_who_solved(app, players=2) as warehouse:
        assert judged_with(warehouse, app, 3, Script(), unusual(warehouse, 1, 2))["awarded"] == awarded


def test_without_a_model_to_ask_the_reason_is_told_all_the_same():
    with players_who_solved(CAREFUL, players=2) as warehouse:
        judged_with(warehouse, CAREFUL, 3, None, unusual(warehouse, 1))
        reasons = dict(verdicts(warehouse, "provider", "reasons"))
        assert reasons["anomaly"] == WHY
        assert reasons[None].startswith("No language model could be asked")


def test_an_earned_badge_and_a_decision_of_a_person_stand_whatever_the_week_looks_like():
    with players_who_solved(CAREFUL, rows=[said_by_person(1, 2.0, "awarded")]) as warehouse:
        flagged = unusual(warehouse, 1)
        known = Known(warehouse, pin(warehouse, CAREFUL, 3))
        assert find_cases(known, flagged, asked=True).flagged.is_empty()
        award_badges(known, write_citations)
        judged_with(warehouse, CAREFUL, 3, Script(), flagged)
        earned = warehouse.frame("SELECT badge_id FROM badge_ledger ORDER BY badge_id")["badge_id"].to_list()
        assert earned == ["patient", "starter"]


def test_the_reason_is_in_the_words_of_the_score_and_tells_what_speaks_for_it():
    told = "played on 7 of the last 7 days (raises it); 3 actions in the last 7 days (lowers it)"
    rows = [(1, 0.934, told), (3, 0.81, None)]
    scores = pl.DataFrame(rows, ["player_key", "probability", "reasons"], orient="row")
    found = unusual_weeks(scores.with_columns(model_version=pl.lit("toy.anomaly/3")))
    assert found == {
        1: Unusual(WHY, "toy.anomaly/3"),
        3: Unusual(f"{GOES.format(4)}.", "toy.anomaly/3"),
    }
