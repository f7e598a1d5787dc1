"""Badges that can be farmed, planted in one app file: made-up players find them all, and none that is worth its XP."""

import pytest

from pipelines.badges.farm import STEPS, farm
from pipelines.badges.lint import lint_app
from tests.factories import APP, make_app
from tests.pipelines.badges.declared import LIKED, SOLVE

SEASON = {"on": "2024-12-01", "until": "2024-12-31"}
GOLD = {"title": "B", "tier": "gold", "category": "c"}
TWO = {"event": "solve", "where": "topic = 'two' AND points >= 9"}
PLANTED = {
    "base": (5, {"when": "solved >= 5", "tier": "bronze"}),
    "open_question": (2, {"when": "best IS NOT NULL AND solved >= 2"}),
    "behind_others": (7, {"when": "topics >= 7", "requires": ["base"]}),
    "chain": (9, {"when": "points >= 90", "requires": ["behind_others"]}),
    "each_day": (3, {"when": "solved >= 3", "repeat": {"per": "day"}}),
    "each_week": (1, {"when": "best >= 10", "repeat": {"per": "week"}}),
    "bronze_on_and_on": (2, {"when": "solved >= 1", "tier": "bronze", "xp": 90, "repeat": {"per": 2, "of": "solved"}}),
    "in_season": (6, {"when": "points >= 60", "season": SEASON}),
    "low": (4, {"when": "average < 1 AND average IS NOT NULL AND solved >= 4"}),
    "asked_for": (3, {"when": "twos >= 3 AND best IS NOT NULL"}),
}
WORTH = {
    "days_behind": {"when": "solved >= 2", "requires": ["a_week"]},
    "a_week": {"when": "days >= 5", "repeat": {"per": "week"}},
    "much": {"when": f"solved >= {STEPS + 1} AND best IS NOT NULL"},
    "paid_little": {"when": "solved >= 1", "xp": 10, "repeat": {"per": 2, "of": "solved"}},
    "by_others": {"when": "famous >= 1", "season": SEASON},
    "on_hold": {"when": "solved >= 1", "state": "on_hold", "season": SEASON},
    "shut_out": {"when": "solved >= 1", "requires": ["on_hold"]},
}


@pytest.fixture(name="app", scope="module")
def _app():
    badges = {name: GOLD | badge for name, badge in ({n: b for n, (_, b) in PLANTED.items()} | WORTH).items()}
    return make_app(badges=badges, events={"solve": SOLVE, "liked": LIKED}, metrics={**APP["metrics"], "twos": TWO})


def test_all_planted_are_found_by_their_cheapest_way_and_nothing_else_is_told(app) -> None:
    told = {one.key.split(".")[1]: one.says for one in lint_app(app) if "farmed" in one.says}
    expected = {
        name: f"it can be farmed: {n} event{'s' if n > 1 else ''} of solve on one day"
        for name, (n, _) in PLANTED.items()
    }
    del expected["base"]  # bronze, once
    assert {name: says.split(" are ")[0].split(" is ")[0] for name, says in told.items()} == expected


def test_badges_that_wait_for_one_that_is_not_open_are_told(app) -> None:
    says = [one.says for one in lint_app(app) if one.key == "badges.shut_out.requires"]
    assert says == ["'on_hold' is on hold, so that only who holds it already can earn this one"]


def test_the_cost_of_what_is_earned_on_and_on_is_that_of_each_award(app) -> None:
    found = farm(app)
    assert found["bronze_on_and_on"].events == 2
    assert found["paid_little"].events == 2
    assert "by_others" not in found
    assert "days_behind" not in found
