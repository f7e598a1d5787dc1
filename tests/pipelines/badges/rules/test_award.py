"""When a badge is earned: after which event, on which numbers, and only once."""

import datetime as dt
import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from configs.errors import AppFileError
from data.warehouse import Warehouse
from pipelines.badges.rules.award import find_awards
from pipelines.known import Known
from tests.factories import START, add_events, event, known_at, make_app, warehouse_with
from tests.pipelines.badges.rules.awards import app_with, award_badges, cite, pin, publish


def crossings_of_each(rules: Iterable[str], rows: list[dict[str, Any]], days: int = 20) -> dict[str, dict[int, int]]:
    """For every rule the event, counted from 0, that earned the badge, by player; one night finds all."""
    named = {f"badge{nth}": rule for nth, rule in enumerate(rules)}
    app, earned = app_with(**named), {rule: {} for rule in named.values()}
    with warehouse_with(app, rows) as warehouse:
        found = find_awards(Known(warehouse, pin(warehouse, app, days)))
    for badge, player, event_id in found.select("badge_id", "player_key", "event_id").iter_rows():
        earned[named[badge]][player] = int(event_id[1:])
    return earned


def crossings(rule: str, rows: list[dict[str, Any]]) -> dict[int, int]:
    return crossings_of_each([rule], rows)[rule]


def test_the_first_event_that_makes_the_rule_true_earns_the_badge() -> None:
    assert crossings("solved >= 2", [event(1, 0), event(1, 1), event(1, 2), event(2, 1)]) == {1: 1}


def test_equal_times_are_ordered_by_sequence() -> None:
    rows = [event(1, 0, sequence=2, points=1), event(1, 0, sequence=1, points=10), event(1, 0, sequence=3, points=5)]
    assert crossings_of_each(["points >= 11", "points >= 10"], rows) == {"points >= 11": {1: 0}, "points >= 10": {1: 1}}


def test_a_badge_once_true_is_not_lost_when_the_rule_turns_false_again() -> None:
    rows = [event(1, 0, points=9), event(1, 1, points=1), event(1, 2, points=1)]
    assert crossings("average >= 9", rows) == {1: 0}


def test_an_event_that_feeds_no_metric_of_the_rule_can_make_it_true() -> None:
    rows = [event(1, 0), event(1, 0.1), event(1, 5, "liked", delta=1, post_id="p")]
    assert crossings("solved = 2 and last(solved, 3) = 0", rows) == {1: 2}


def test_last_counts_whole_local_days_up_to_and_including_the_event() -> None:
    rows = [event(1, -0.49, points=5), event(1, 1.49, points=5), event(2, 0.0, points=5), event(2, 2.0, points=5)]
    two, three = "last(points, 2) >= 10", "last(points, 3) >= 10"
    assert crossings_of_each([two, three], rows) == {two: {1: 1}, three: {1: 1, 2: 3}}


def test_last_sees_the_day_only_as_far_as_the_event() -> None:
    rows = [event(1, 0, points=4), event(1, 0.1, points=4), event(1, 0.2, points=4)]
    assert crossings("last(points, 1) = 8", rows) == {1: 1}


def test_every_aggregation_runs_lifetime_and_over_days() -> None:
    rows = [
        event(1, 0, points=2, topic="a"),
        event(1, 1, points=7, topic="b"),
        event(1, 2, points=1, topic="a"),
        event(1, 2.1, points=1, topic="c"),
        event(1, 9, points=3, topic="a"),
    ]
    expected = {
        "last(best, 2) >= 7": {1: 1},
        "last(average, 2) <= 5 and last(average, 2) > 4": {1: 1},
        "last(topics, 2) >= 2": {1: 1},
        "last(days, 3) >= 3": {1: 2},
        "last(streak, 2) >= 3": {1: 2},
        "topics >= 3": {1: 3},
        "days >= 4": {1: 4},
        "streak >= 3": {1: 2},
    }
    assert crossings_of_each(expected, rows) == expected


def test_entities_count_at_the_event_that_took_them_there() -> None:
    rows = [
        event(1, 0, "liked", delta=1, post_id="p"),
        event(1, 1, "liked", delta=1, post_id="q"),
        event(1, 2, "liked", delta=1, post_id="q"),
        event(1, 3, "liked", delta=-1, post_id="p"),
        event(1, 4, "liked", delta=2, post_id="p"),
        event(2, 5),  # a vote received is no play, and a night needs somebody who plays
    ]
    expected = {"famous >= 1": {1: 2}, "famous >= 2": {1: 4}, "last(famous, 3) >= 1": {1: 2}}
    assert crossings_of_each(expected, rows) == expected


def test_what_is_unknown_is_false_even_when_negated() -> None:
    unscored = [event(1, 0, topic="a"), event(1, 1, topic="a")]
    expected = {"best >= 1": {}, "not best >= 1": {}, "best is null and solved >= 2": {1: 1}, "points = 0": {1: 0}}
    assert crossings_of_each(expected, unscored) == expected


def test_conditions_combine_as_in_sql() -> None:
    rows = [event(1, 0, points=9), event(1, 1, points=9), event(1, 2, points=-5), event(1, 3, points=1)]
    expected = {
        "solved >= 3 or points >= 10": {1: 1},
        "solved >= 3 and points >= 10": {1: 2},
        "not solved < 3": {1: 2},
        "points >= 2 * solved + 6": {1: 0},
        "points / solved < 6 and solved > 1": {1: 2},
        "solved between 2 and 3": {1: 1},
        "solved in (2, 4)": {1: 1},
    }
    assert crossings_of_each(expected, rows) == expected


@pytest.fixture(scope="module")
def one_event() -> Iterator[Warehouse]:
    with warehouse_with(make_app(), [event(1, 0)]) as warehouse:
        yield warehouse


@pytest.mark.parametrize(
    "rule",
    [
        "getenv('HOME') = 'x'",
        "solved >= (SELECT 1)",
        "read_text('/etc/passwd') = ''",
        "abs(solved) > 1",
        "unknown >= 1",
        "solved >= 'many'",
        "last(solved, 0) > 1",
        "solved > 1; DROP TABLE events",
    ],
)
def test_a_rule_that_calls_or_reads_or_names_the_unknown_is_refused(rule: str, one_event: Warehouse) -> None:
    with pytest.raises(AppFileError, match=r"badges\.it\.when"):
        find_awards(known_at(one_event, app_with(it=rule)))


def test_an_award_carries_its_evidence_and_pays_its_tier() -> None:
    app = app_with(it="solved >= 2 and last(points, 7) > 3")
    with warehouse_with(app, [event(1, 0, points=2), event(1, 1, points=2)]) as warehouse:
        award = award_badges(Known(warehouse, pin(warehouse, app, 3)), cite).row(0, named=True)
        evidence = json.loads(award["evidence"])
        assert evidence["values"] == {"solved": 2, "last(points, 7)": 4}
        assert evidence["rule"] == app.badges["it"].when
        assert (evidence["event_id"], evidence["rule_version"]) == ("e000001", award["rule_version"])
        assert evidence["occurred_at"] == "2024-01-02T12:00:00.000000Z"
        assert award["granted_at"] == START + dt.timedelta(days=1)
        assert (award["confidence"], award["citation"]) == (1.0, "it did it")
        assert award["award_id"] == str(uuid.uuid5(uuid.NAMESPACE_URL, "nightquest:award:toy/user1/it"))
        entry = warehouse.frame("FROM xp_ledger").row(0, named=True)
        assert (entry["entry_id"], entry["xp"]) == (f"badge:{award['award_id']}", 50)


def test_a_night_run_twice_adds_nothing_and_returns_the_same() -> None:
    app = app_with(one="solved >= 1", two="solved >= 2")
    with warehouse_with(app, [event(1, 0), event(1, 1), event(2, 0)]) as warehouse:
        night = pin(warehouse, app, 3)
        first = award_badges(Known(warehouse, night), cite)
        assert first.height == 3
        assert award_badges(Known(warehouse, night), cite).equals(first)
        assert warehouse.value("SELECT count(*) FROM xp_ledger") == 3


def test_a_night_sees_only_its_own_past() -> None:
    app = app_with(two="solved >= 2")
    late = event(1, 1, available_at=START + dt.timedelta(days=8))
    with warehouse_with(app, [event(1, 0), late, event(2, 0), event(2, 5)]) as warehouse:
        assert award_badges(Known(warehouse, pin(warehouse, app, 5)), cite).is_empty()


def test_a_late_event_earns_at_its_true_time_and_moves_nothing_already_held() -> None:
    app = app_with(two="solved >= 2", three="solved >= 3")
    with warehouse_with(app, [event(1, 0), event(1, 5)]) as warehouse:
        night = pin(warehouse, app, 7)
        held = award_badges(Known(warehouse, night), cite)
        publish(warehouse, night)
        add_events(warehouse, app, [event(1, 2, available_at=START + dt.timedelta(days=8))])
        later = award_badges(Known(warehouse, pin(warehouse, app, 10)), cite)
        assert later["badge_id"].to_list() == ["three"]
        assert later["granted_at"].to_list() == [START + dt.timedelta(days=5)]
        assert warehouse.frame("FROM badge_ledger WHERE badge_id = 'two'").equals(held)


def test_history_taken_in_after_a_night_is_evaluated_by_the_next() -> None:
    app = app_with(two="solved >= 2")
    with warehouse_with(app, [event(1, 4)]) as warehouse:
        night = pin(warehouse, app, 6)
        award_badges(Known(warehouse, night), cite)
        publish(warehouse, night)
        add_events(warehouse, app, [event(1, 1) | {"delivery_id": "old"}])
        taken = night.started_at + dt.timedelta(hours=1)
        warehouse.run(
            "INSERT INTO deliveries VALUES ('old', 'f', 'h', 'events', 's', $t, true, 1, 1, 0, 0, '', '')", {"t": taken}
        )
        assert award_badges(Known(warehouse, pin(warehouse, app, 7)), cite)["granted_at"].to_list() == [
            START + dt.timedelta(days=4)
        ]


def test_a_changed_app_file_evaluates_new_rules_over_the_whole_past() -> None:
    before, after = app_with(two="solved >= 2"), app_with(two="solved >= 2", one="solved >= 1")
    with warehouse_with(before, [event(1, 0)]) as warehouse:
        night = pin(warehouse, before, 3)
        award_badges(Known(warehouse, night), cite)
        publish(warehouse, night)
        assert award_badges(Known(warehouse, pin(warehouse, after, 4, "other")), cite)["badge_id"].to_list() == ["one"]
