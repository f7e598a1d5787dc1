"""Reading only what is new finds what reading everything finds."""

import datetime as dt
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.app import App
from configs.badge_rules import badge_rules, terms_of
from pipelines.badges.rules.award import award_badges, find_awards
from pipelines.badges.rules.stream import margin_days
from pipelines.known import Known
from pipelines.pins import pin_night
from tests.factories import START, add_events, event, warehouse_with
from tests.pipelines.badges.rules.test_award import app_with, cite, publish

LIFETIME = app_with(
    solver="solved >= 6",
    rich="points >= 30",
    sharp="best >= 9 and average <= 5",
    broad="topics >= 4",
    regular="days >= 5 and streak >= 3",
    loved="famous >= 2",
    cold="solved >= 4 and last(solved, 1) = 0",
)
WINDOWS = app_with(
    burst="last(points, 3) >= 15",
    calm="last(points, 3) < 5 and last(days, 3) >= 2",
    rest="last(solved, 3) = 0 and last(days, 2) = 0",
    tour="last(topics, 3) >= 3",
    mild="last(average, 3) between 2 and 3 and last(best, 3) < 6",
    run="last(streak, 2) >= 3 or last(famous, 3) >= 1",
)


@pytest.mark.parametrize("app", [LIFETIME, WINDOWS], ids=["lifetime", "windows"])
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10_000))
def test_each_night_finds_what_a_reading_of_the_whole_history_finds(app: App, seed: int) -> None:
    """Late events arrive days after they occurred; local days run out of step with time when a player changes zone."""
    chance = random.Random(seed)  # noqa: S311 - rows for a test
    arrivals = sorted((_random_event(chance) for _ in range(100)), key=lambda row: row["available_at"])
    with warehouse_with(app) as warehouse:
        for day in range(4, 30, 5):
            until = dt.datetime.combine(START.date() + dt.timedelta(days=day), dt.time(), dt.UTC)
            arrived = [row for row in arrivals if row["available_at"] <= until]
            arrivals = arrivals[len(arrived) :]
            if arrived:
                add_events(warehouse, app, arrived)
            if not warehouse.value("SELECT count(*) FROM events WHERE day < $d", {"d": until.date()}):
                continue
            night = pin_night(warehouse, app, "hash", until.date(), until, "code")
            assert find_awards(Known(warehouse, night)).equals(find_awards(Known(warehouse, night), from_scratch=True))
            award_badges(Known(warehouse, night), cite)
            publish(warehouse, night)
        assert warehouse.value("SELECT count(DISTINCT badge_id) FROM badge_ledger") >= 3


def _random_event(chance: random.Random) -> dict[str, object]:
    at = round(chance.uniform(0, 24), 1)
    moment = START + dt.timedelta(days=at)
    late = dt.timedelta(days=chance.choice([0, 0, 0, 0, 1, 5]))
    player = chance.randint(1, 4)
    if chance.random() < 0.3:
        row = event(
            player,
            moment,
            "liked",
            available_at=moment + late,
            delta=chance.choice([1, 1, -1]),
            post_id=chance.choice("pqr"),
        )
    else:
        row = event(
            player, moment, available_at=moment + late, points=chance.randint(0, 9), topic=chance.choice("abcde")
        )
    zone = dt.timedelta(hours=chance.choice([-12, 0, 0, 0, 0, 14]))
    return row | {"day": (moment + zone).date(), "sequence": chance.randint(0, 2)}


def test_the_stream_begins_before_the_longest_window_of_the_rules() -> None:
    assert margin_days(terms_of(badge_rules(WINDOWS))) == 3 + 4
    assert margin_days([]) == 4


def test_only_players_with_news_are_read() -> None:
    rows = [event(player, day) for player in range(1, 21) for day in range(3)]
    with warehouse_with(LIFETIME, rows) as warehouse:
        night = pin_night(warehouse, LIFETIME, "hash", dt.date(2024, 1, 5), START + dt.timedelta(days=4), "code")
        award_badges(Known(warehouse, night), cite)
        publish(warehouse, night)
        add_events(warehouse, LIFETIME, [event(7, 5)])
        find_awards(
            Known(
                warehouse,
                pin_night(warehouse, LIFETIME, "hash", dt.date(2024, 1, 8), START + dt.timedelta(days=9), "code"),
            )
        )
        assert warehouse.frame("SELECT player_key FROM badge_touched_all")["player_key"].to_list() == [7]
