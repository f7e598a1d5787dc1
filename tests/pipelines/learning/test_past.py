"""Looking back at badges tells what nights of those days would have told, and what happened later changes nothing."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from pipelines.badges.rules.progress import badge_progress
from pipelines.known import Known
from pipelines.learning.past import Past
from pipelines.pins import day_start
from pipelines.players.snapshots import eligible_players
from tests.factories import START, event, known_at, make_app, warehouse_with

DAY = START.date()
BADGES = {
    "badges": {
        "ten": {"title": "Ten", "tier": "bronze", "category": "habit", "when": "solved >= 10"},
        "week": {
            "title": "Week",
            "tier": "silver",
            "category": "habit",
            "when": "last(solved, 7) >= 6 AND topics >= 2",
        },
        "run": {"title": "Run", "tier": "gold", "category": "habit", "when": "streak >= 5"},
    }
}
COLUMNS = ("player_key", "badge_id", "progress", "eta_days")


def at(day: int) -> dt.date:
    return DAY + dt.timedelta(days=day)


def rows() -> list[dict]:
    return [
        event(player, day + 0.01 * nth, points=1.0, topic="abc"[(day + nth) % 3])
        for player in (1, 2, 3)
        for day in range(0, 40, player)
        for nth in range(player)
    ]


@pytest.fixture(scope="module")
def world():
    app = make_app(**BADGES)
    with warehouse_with(app, rows()) as warehouse:
        yield app, warehouse, Past.of(known_at(warehouse, app, at(40)))


def test_each_day_is_told_as_its_own_night_would_have_told_it(world):
    app, warehouse, past = world
    days = [at(3), at(11), at(25)]
    told = past.badges_on(eligible_players(past, days))
    assert set(told["base_day"]) == set(days)
    for day in days:
        then = Known(warehouse, replace(past.night, as_of=day, base_day=day, cut=day_start(app, day)))
        mine = told.filter(base_day=day).select(COLUMNS).sort("player_key", "badge_id")
        assert mine.equals(badge_progress(then).select(COLUMNS))
    assert told["progress"].n_unique() > 5


def test_what_was_earned_is_told_with_its_first_day(world):
    earned = world[2].badges_earned().sort("badge_id", "player_key")
    ten = dict(earned.filter(badge_id="ten").select("player_key", "earned_day").rows())
    assert ten == {1: at(9), 2: at(8), 3: at(9)}  # the tenth puzzle
    assert earned.filter(badge_id="run").select("player_key", "earned_day").rows() == [(1, at(4))]


def test_what_came_later_changes_no_day_gone_by():
    app = make_app(**BADGES)
    late = [event(player, 41 + nth / 50, points=1.0, topic="d") for player in (1, 2, 3) for nth in range(20)]
    late += [event(2, 5, available_at=START + dt.timedelta(days=60), points=1.0, topic="e")]
    cut = dt.datetime.combine(at(40), dt.time(), dt.UTC)
    told = []
    for more in ([], late):
        with warehouse_with(app, rows() + more) as warehouse:
            past = Past.of(known_at(warehouse, app, at(40), cut))
            told.append((past.badges_on(eligible_players(past, [at(8), at(30)])), past.badges_earned().sort(pl.all())))
    assert told[0][0].equals(told[1][0])
    assert told[0][1].equals(told[1][1])


def test_an_app_without_badges_has_nothing_to_tell():
    app = make_app()
    with warehouse_with(app, rows()) as warehouse:
        past = Past.of(known_at(warehouse, app, at(40)))
        assert past.badges_on(eligible_players(past, [at(8)])).is_empty()
