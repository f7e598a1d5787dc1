"""What may not be meant: planted one by one, and all found; what is meant is left alone."""

import datetime as dt

import pytest

from configs.loader import load_app
from pipelines.badges.foresee import foresee
from pipelines.badges.lint import lint_app
from pipelines.words.citations import write_citations
from tests.factories import APP, event, known_at, make_app, warehouse_with
from tests.pipelines.badges.declared import LIKED, SOLVE
from tests.pipelines.badges.rules.awards import award_badges


def app_with(when, tier="gold", events=None, **more):
    badge = {"title": "Planted", "tier": tier, "category": "c", "when": when}
    return make_app(badges={"planted": badge, **more}, events=events or {"solve": SOLVE, "liked": LIKED})


def test_a_badge_whose_only_season_has_ended_is_told():
    spring = {"on": dt.date(2026, 3, 1), "until": dt.date(2026, 5, 31)}
    planted = {"title": "Planted", "tier": "bronze", "category": "c", "when": "solved >= 5"}
    late = dt.date(2026, 6, 1)
    for season, day, told in ((spring, late, 1), (spring, spring["until"], 0), ({**spring, "yearly": True}, late, 0)):
        app = make_app(badges={"planted": planted | {"season": season}})
        found = [one.says for one in lint_app(app, day) if one.key == "badges.planted.season"]
        assert len(found) == told
        assert all("ended on 2026-05-31" in says for says in found)


def said(app):
    return [f"{one.key}: {one.says}" for one in lint_app(app) if one.key.startswith("badges")]


@pytest.mark.parametrize(
    "when",
    [
        "best >= 11",
        "average > 10",
        "last(days, 7) >= 8",
        "solved >= 10 and solved < 5",
        "last(solved, 7) >= 20 and solved <= 10",
        "points < 0",
        "best + average > 20.5",
        "last(days, 7) >= 5 and last(days, 28) <= 3",
    ],
)
def test_a_badge_that_nobody_can_earn_is_told(when):
    (told,) = said(app_with(when))
    assert told.startswith("badges.planted.when: nobody can ever earn it, as no numbers make it true")


@pytest.mark.parametrize(
    ("when", "tier", "way"),
    [
        ("solved >= 1", "silver", "1 event of solve on one day is enough"),
        ("solved >= 9", "gold", "9 events of solve on one day are enough"),
        ("points >= 60", "gold", "6 events of solve on one day are enough"),
        ("topics >= 3", "silver", "3 events of solve on one day are enough"),
        ("solved >= 5 or points >= 1000", "gold", "5 events of solve"),
        ("solved >= 400 or best >= 1", "silver", "1 event of solve"),
        ("points >= 20 and solved >= 2 and days >= 1", "gold", "2 events of solve"),
    ],
)
def test_a_badge_that_can_be_farmed_is_told_with_the_cheapest_way(when, tier, way):
    (told,) = said(app_with(when, tier))
    assert f"it can be farmed: {way}" in told


def test_of_a_badge_that_nobody_is_given_any_more_neither_a_cheap_way_nor_a_far_one_is_told():
    for when in ("solved >= 1", "last(days, 7) >= 8"):
        app = app_with(when, "gold")
        assert said(app)
        gone = app.badges["planted"].model_copy(update={"state": "withdrawn"})
        assert not said(app.model_copy(update={"badges": {**app.badges, "planted": gone}}))


def test_a_sum_without_bounds_takes_one_event():
    (told,) = said(app_with("points >= 5000", "platinum", events=APP["events"]))
    assert "1 event of solve on one day is enough, since nothing bounds 'points'" in told


@pytest.mark.parametrize(
    ("when", "tier"),
    [
        ("solved >= 1", "bronze"),
        ("solved >= 11", "gold"),
        ("days >= 2", "platinum"),
        ("streak >= 3 and solved >= 3", "gold"),
        ("last(streak, 3) >= 5", "gold"),  # a run that began before
        ("solved >= 1 and last(days, 28) >= 4", "gold"),
        ("famous >= 1", "platinum"),
        ("points >= 500", "gold"),
        ("best >= 10 and solved >= 50", "gold"),
        ("solved between 20 and 30", "gold"),
    ],
)
def test_a_badge_that_is_worth_its_xp_is_left_alone(when, tier):
    assert said(app_with(when, tier)) == []


def test_titles_and_rules_that_stand_twice_and_metrics_for_nothing_are_told():
    same = {"title": "planted", "tier": "bronze", "category": "c", "when": "solved >= 50"}
    app = app_with("solved >= 50", "bronze", other=same)
    found = {one.key: one.says for one in lint_app(app)}
    assert "same title" in found["badges.other.title"]
    assert "'planted' is earned by the same rule" in found["badges.other.when"]
    assert [key for key in found if key.startswith("metrics")] == [
        "metrics.best",
        "metrics.streak",
        "metrics.average",
        "metrics.famous",
    ]


def played():
    """Forty players, of whom player p solves p puzzles, one a day."""
    return [event(player, day, points=3, topic="a") for player in range(1, 41) for day in range(player)]


def test_what_would_be_granted_today_is_what_a_night_then_grants_and_is_taken_back():
    badges = {
        "ten": {"title": "Ten", "tier": "bronze", "category": "c", "when": "solved >= 10"},
        "all": {"title": "All", "tier": "bronze", "category": "c", "when": "solved >= 1"},
        "far": {"title": "Far", "tier": "gold", "category": "c", "when": "points >= 9000"},
        "tens": {"title": "Tens", "tier": "bronze", "category": "c", "when": "solved >= 1"}
        | {"repeat": {"per": 10, "of": "solved"}},  # 64 awards of 31 players
    }
    before, after = make_app(), make_app(badges=badges, metrics={**APP["metrics"], "twice": {"event": "solve"}})
    with warehouse_with(before, played()) as warehouse:
        parts = warehouse.rows("SELECT metric, count(*) FROM player_days GROUP BY ALL ORDER BY ALL")
        seen = foresee(warehouse, after, flood_badges=50, flood_xp=5000)
        assert warehouse.rows("SELECT metric, count(*) FROM player_days GROUP BY ALL ORDER BY ALL") == parts
        assert warehouse.value("SELECT count(*) FROM badge_ledger") == 0
        gains = {badge.badge_id: (badge.gain, badge.xp) for badge in seen.badges}
        assert gains == {"ten": (31, 1550), "all": (40, 2000), "far": (0, 0), "tens": (31, 3200)}
        assert (seen.grants, seen.xp, seen.players, seen.known, seen.over) == (135, 6750, 40, 40, True)
        assert {one.key: one.says.split(":")[0] for one in seen.advice} == {
            "badges.all.when": "40 of 40 players have it or would",
            "badges.far.when": "nobody is near it",
        }
        given = award_badges(known_at(warehouse, after, seen.day + dt.timedelta(days=1)), write_citations)
        assert given.height == 135
        later = foresee(warehouse, make_app(badges={"far": badges["far"]}), flood_badges=50, flood_xp=5000)
        assert (later.grants, later.over, later.dropped) == (0, False, {"all": 40, "ten": 31, "tens": 31})


@pytest.mark.parametrize("name", ["fitness", "learning", "school", "trading"])
def test_no_badge_of_a_shipped_catalogue_can_be_farmed_or_is_out_of_reach(name):
    assert said(load_app(name).app) == []
