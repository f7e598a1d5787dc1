"""Badges that need others, repeat, have a season or are not open: when they are earned, and on which numbers."""

import datetime as dt
import json

import pytest

from pipelines.badges.rules.award import badge_xp
from pipelines.badges.rules.progress import badge_progress
from pipelines.known import Known
from tests.factories import START, event, make_app, warehouse_with
from tests.pipelines.badges.rules.awards import app_of, award_badges, cite, earned, pin, publish

DAY = START.date()  # a Monday


def test_a_badge_that_requires_others_is_earned_once_all_are_held_and_its_rule_is_true() -> None:
    app = app_of(
        third={"when": "best >= 9", "requires": ["first", "second"]},
        first={"when": "solved >= 2"},
        second={"when": "topics >= 3"},
        last={"when": "last(solved, 1) >= 2", "requires": ["third"]},
    )
    rows = [event(1, day, points=9, topic="abc"[min(day, 2)]) for day in range(4)] + [event(1, 3.1), event(1, 9)]
    assert earned(app, rows) == [("first", 0, 1), ("second", 0, 2), ("third", 0, 2), ("last", 0, 4)]


def test_a_badge_opens_with_the_very_event_that_earns_what_it_requires() -> None:
    app = app_of(base={"when": "famous >= 1"}, top={"when": "last(solved, 1) >= 1", "requires": ["base"]})
    liked = {"delta": 2, "post_id": "p"}
    assert earned(app, [event(1, 0), event(1, 1), event(1, 1.2, "liked", **liked)]) == [("base", 0, 2), ("top", 0, 2)]
    rows = [event(1, 0), event(1, 2, "liked", **liked), event(1, 3), event(1, 4)]
    assert earned(app, rows) == [("base", 0, 1), ("top", 0, 2)]


def test_a_badge_that_repeats_each_week_counts_from_monday_and_is_one_award_a_week() -> None:
    app = app_of(week={"when": "days >= 3", "repeat": {"per": "week"}})
    rows = [event(1, day) for day in (0, 1, 4, 5, 6, 7, 8, 12, 16, 17)]  # 3 days in the first and in the second week
    first = (DAY - dt.date(1970, 1, 1)).days
    assert earned(app, rows) == [("week", first, 2), ("week", first + 7, 7)]


def test_a_key_of_a_weeks_first_day_is_not_new_on_its_later_days_and_one_of_the_week_before_is() -> None:
    app = app_of(week={"when": "topics >= 2", "repeat": {"per": "week"}})
    rows = [event(1, day, topic=topic) for day, topic in [(0, "a"), (1, "a"), (2, "b"), (7, "a"), (8, "a"), (9, "b")]]
    first = (DAY - dt.date(1970, 1, 1)).days
    assert earned(app, rows) == [("week", first, 2), ("week", first + 7, 5)]


@pytest.mark.parametrize(
    ("when", "event_of_second"),
    [("solved >= 2", 4), ("topics >= 2", 4), ("points >= 7", 3), ("best >= 8", 5), ("average > 5", 3)],
)
def test_within_a_month_every_aggregation_counts_from_its_first_day(when: str, event_of_second: int) -> None:
    app = app_of(month={"when": when, "repeat": {"per": "month"}})
    rows = [
        *(
            event(1, day, points=points, topic=topic)
            for day, points, topic in [(25, 9, "a"), (26, 1, "b"), (30, 9, "c")]
        ),
        *(
            event(1, day, points=points, topic=topic)
            for day, points, topic in [(31, 7, "a"), (32, 1, "b"), (33, 8, "a")]
        ),
    ]
    rounds = [
        place
        for _, round_no, place in earned(app, rows)
        if round_no == (dt.date(2024, 2, 1) - dt.date(1970, 1, 1)).days
    ]
    assert rounds == [event_of_second]


def test_a_badge_for_each_so_many_more_is_earned_whenever_they_are_full_and_several_times_by_a_great_event() -> None:
    app = app_of(tens={"when": "solved >= 1", "repeat": {"per": 10, "of": "points", "most": 5}})
    rows = [event(1, day, points=points) for day, points in enumerate([4, 4, 4, 25, 1, 100])]
    assert earned(app, rows) == [("tens", 1, 2), ("tens", 2, 3), ("tens", 3, 3), ("tens", 4, 5), ("tens", 5, 5)]


def test_each_award_has_an_id_evidence_and_a_moment_of_its_own_and_pays() -> None:
    app = app_of(week={"when": "solved >= 1", "repeat": {"per": "week"}, "xp": 7})
    with warehouse_with(app, [event(1, day) for day in (0, 1, 9)]) as warehouse:
        night = pin(warehouse, app, 20)
        ledger = award_badges(Known(warehouse, night), cite)
        paid = warehouse.frame("SELECT xp FROM xp_ledger")["xp"].to_list()
        publish(warehouse, night)
        assert award_badges(Known(warehouse, pin(warehouse, app, 21)), cite).is_empty(), "none is granted twice"
        held = Known(warehouse, night).frame("SELECT count(DISTINCT award_id) AS n, count(*) AS rows FROM badge_ledger")
    assert [json.loads(text)["round"] for text in ledger["evidence"]] == ["2024-W01", "2024-W02"]
    assert ledger["granted_at"].to_list() == [START, START + dt.timedelta(days=9)]
    assert paid == [7, 7]
    assert held.rows() == [(2, 2)]


def test_a_season_bounds_the_days_and_the_numbers() -> None:
    season = {"on": DAY + dt.timedelta(days=3), "until": DAY + dt.timedelta(days=6)}
    app = app_of(spring={"when": "solved >= 2", "season": season})
    assert earned(app, [event(1, day) for day in (0, 1, 2, 6, 7, 8)]) == []
    assert earned(app, [event(1, day) for day in (0, 1, 3, 6, 7)]) == [("spring", 0, 3)]


def test_in_the_first_week_of_a_season_numbers_count_from_the_season_and_not_from_monday() -> None:
    season = {"on": DAY + dt.timedelta(days=3), "until": DAY + dt.timedelta(days=15)}
    app = app_of(spring={"when": "solved >= 2", "season": season, "repeat": {"per": "week"}})
    rounds = [(DAY + dt.timedelta(days=7 * week) - dt.date(1970, 1, 1)).days for week in (0, 1)]
    rows = [event(1, day) for day in (0, 1, 3, 6, 7, 8, 14, 16)]
    assert earned(app, rows) == [("spring", rounds[0], 3), ("spring", rounds[1], 5)]


def test_a_yearly_season_comes_again_over_new_year_but_not_before_its_first() -> None:
    season = {"on": "2024-12-20", "until": "2025-01-06", "yearly": True}
    app = app_of(yule={"when": "solved >= 2", "season": season, "repeat": {"per": "season"}})
    at = [
        (dt.datetime(*day, 12, tzinfo=dt.UTC) - START).days
        for day in [
            (2024, 1, 2),
            (2024, 1, 3),
            (2024, 12, 31),
            (2025, 1, 1),
            (2025, 1, 7),
            (2025, 12, 20),
            (2026, 1, 6),
        ]
    ]
    rows = [event(1, day) for day in at]
    first, second = ((dt.date(year, 12, 20) - dt.date(1970, 1, 1)).days for year in (2024, 2025))
    assert earned(app, rows) == [("yule", first, 3), ("yule", second, 6)]


def test_what_is_on_hold_or_withdrawn_is_not_granted_and_what_opens_again_is_granted_as_of_its_event() -> None:
    rows = [event(1, day) for day in range(5)]
    for state in ("on_hold", "withdrawn"):
        assert earned(app_of(it={"when": "solved >= 2", "state": state}), rows) == []
    shut, opened = app_of(it={"when": "solved >= 2", "state": "on_hold"}), app_of(it={"when": "solved >= 2"})
    with warehouse_with(shut, rows) as warehouse:
        night = pin(warehouse, shut, 20)
        assert award_badges(Known(warehouse, night), cite).is_empty()
        publish(warehouse, night)
        later = award_badges(Known(warehouse, pin(warehouse, opened, 21, "opened")), cite)
        assert later["granted_at"].to_list() == [START + dt.timedelta(days=1)]
        publish(warehouse, pin(warehouse, opened, 21, "opened"))
        withdrawn = app_of(it={"when": "solved >= 2", "state": "withdrawn"})
        award_badges(Known(warehouse, pin(warehouse, withdrawn, 22, "gone")), cite)
        assert warehouse.value("SELECT count(*) FROM badge_ledger") == 1, "who holds it keeps it"


def test_prestige_pays_by_the_point() -> None:
    app = make_app(
        badges={"it": {"title": "It", "tier": "gold", "category": "c", "when": "solved >= 1", "prestige": 30}},
        rewards={"prestige_xp": 4},
    )
    assert badge_xp(app, "it") == 400 + 30 * 4


def test_progress_is_of_the_next_award_within_its_span_and_not_told_before_what_it_requires() -> None:
    app = app_of(
        week={"when": "solved >= 4", "repeat": {"per": "week"}},
        tens={"when": "solved >= 1", "repeat": {"per": 10, "of": "points"}},
        base={"when": "solved >= 50"},
        top={"when": "solved >= 1", "requires": ["base"]},
        past={"when": "solved >= 9", "season": {"on": DAY, "until": DAY}},
        shut={"when": "solved >= 9", "state": "on_hold"},
    )
    rows = [event(1, day, points=6) for day in (0, 1, 2, 3, 7, 8)]  # 36 points, and two puzzles of four this week
    with warehouse_with(app, rows) as warehouse:
        night = pin(warehouse, app, 10)
        award_badges(Known(warehouse, night), cite)
        told = badge_progress(Known(warehouse, night))
    days = dict(told.select("badge_id", "eta_days").iter_rows())
    assert days["week"] == 4, "two more at the pace of six in ten days; the week has four days left"
    assert {
        name: (share, words) for name, share, words in told.select("badge_id", "progress", "remaining").iter_rows()
    } == {
        "base": (0.12, "44 more puzzles solved"),
        "tens": (0.6, "4 more points"),  # 6 of the next 10
        "week": (0.5, "2 more puzzles solved this week"),
    }
