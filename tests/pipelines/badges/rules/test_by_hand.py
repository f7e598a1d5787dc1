"""Badges by rule that people, or the app itself, give and refuse: with moment, who and why; the last word counts."""

import datetime as dt
import json

import polars as pl

from pipelines.badges.judged.decide import take_decisions
from pipelines.badges.rules.award import find_awards
from pipelines.badges.rules.progress import badge_progress
from pipelines.known import Known
from tests.factories import START, add_events, event, known_at, warehouse_with
from tests.pipelines.badges.rules.awards import app_of, award_badges, cite, earned, pin, publish

SOLVES = [event(player, day) for player in (1, 2) for day in range(4)]


def said(player: int, at: float, badge: str, what: str = "awarded", **more: str) -> dict[str, object]:
    return event(player, at, f"nightquest.{what}", badge_id=badge, **more) | {"active": False}


def test_a_badge_is_given_at_the_moment_of_the_word_with_who_and_why() -> None:
    app = app_of(far={"when": "solved >= 100", "xp": 30})
    word = said(1, 2.5, "far", reason="Built the {stand}.", citation="For the stand.", by="Ms Rossi")
    with warehouse_with(app, [*SOLVES, word]) as warehouse:
        ledger = award_badges(Known(warehouse, pin(warehouse, app, 10)), cite)
        assert warehouse.frame("SELECT player_key, xp FROM xp_ledger").rows() == [(1, 30)]
    (award,) = ledger.to_dicts()
    assert award["granted_at"] == START + dt.timedelta(days=2.5)
    assert award["citation"] == "For the stand."
    evidence = json.loads(award["evidence"])
    assert (evidence["decided_by"], evidence["reason"]) == ("Ms Rossi", "Built the (stand).")


def test_what_was_earned_before_the_word_stays_as_it_was_earned_and_a_word_before_it_counts_itself() -> None:
    app = app_of(it={"when": "solved >= 3"})
    assert earned(app, [*SOLVES, said(1, 2.5, "it"), said(2, 1.5, "it")]) == [("it", 0, 2), ("it", 0, 9)]


def test_a_refused_badge_of_a_series_does_not_hide_what_comes_after_it() -> None:
    app = app_of(one={"when": "solved >= 6", "series": "way"}, two={"when": "solved >= 9", "series": "way"})
    with warehouse_with(app, [*SOLVES, said(1, 1, "one", "refused")]) as warehouse:
        told = badge_progress(Known(warehouse, pin(warehouse, app, 5)))
    assert told.select("player_key", "badge_id").rows() == [(1, "two"), (2, "one")]


def test_a_refused_badge_is_not_granted_nor_told_of_until_an_award_follows() -> None:
    app = app_of(it={"when": "solved >= 6"}, top={"when": "solved >= 6", "requires": ["it"]})
    more = [event(player, day) for player in (1, 2) for day in (5, 6, 7)]
    with warehouse_with(app, [*SOLVES, said(1, 1, "it", "refused", reason="Copied.")]) as warehouse:
        night = pin(warehouse, app, 5)
        award_badges(Known(warehouse, night), cite)
        told = badge_progress(Known(warehouse, night)).filter(badge_id="it")
        assert told["player_key"].to_list() == [2]
        publish(warehouse, night)
        add_events(warehouse, app, more)
        night = pin(warehouse, app, 10)
        assert award_badges(Known(warehouse, night), cite).select("player_key", "badge_id").rows() == [
            (2, "it"),
            (2, "top"),
        ]
        publish(warehouse, night)
        add_events(warehouse, app, [said(1, 10.2, "it")])
        night = pin(warehouse, app, 11)
        assert award_badges(Known(warehouse, night), cite).select("player_key", "badge_id").rows() == [(1, "it")]
        publish(warehouse, night)
        add_events(warehouse, app, [event(1, 11.1)])
        night = pin(warehouse, app, 12)
        assert award_badges(Known(warehouse, night), cite).select("player_key", "badge_id").rows() == [(1, "top")]


def test_of_a_badge_that_repeats_a_word_is_the_award_of_its_week_and_stands_beside_those_by_number() -> None:
    app = app_of(
        week={"when": "solved >= 4", "repeat": {"per": "week"}},
        two={"when": "solved >= 1", "repeat": {"per": 2, "of": "solved"}},
    )
    rows = [
        *(row for row in SOLVES if row["player_key"] == 1),
        said(1, 0.5, "week"),
        said(1, 8, "week"),
        said(1, 0.5, "two"),
    ]
    with warehouse_with(app, rows) as warehouse:
        found = find_awards(known_at(warehouse, app)).with_columns(pl.col("event_id").str.slice(1).cast(pl.Int64))
    assert sorted(found.select("badge_id", "event_id").rows()) == [
        *(("two", 1), ("two", 3), ("two", 6)),
        *(("week", 4), ("week", 5)),
    ]
    rounds = {event_id: json.loads(text).get("round") for event_id, text in found.select("event_id", "evidence").rows()}
    assert (rounds[4], rounds[5], rounds[6]) == ("2024-W01", "2024-W02", None), (
        "a word tells of its week as a rule does"
    )


def test_what_is_on_hold_is_given_once_it_opens() -> None:
    rows = [*SOLVES, said(1, 2.5, "it")]
    assert earned(app_of(it={"when": "solved >= 100", "state": "on_hold"}), rows) == []
    assert earned(app_of(it={"when": "solved >= 100"}), rows) == [("it", 0, 8)]


def test_a_file_decides_on_badges_by_rule_too(tmp_path) -> None:
    app = app_of(
        it={"when": "solved >= 100"},
        again={"when": "solved >= 2", "repeat": {"per": "week"}},
        old={"when": "solved >= 100", "state": "withdrawn"},
    )
    with warehouse_with(app, SOLVES) as warehouse:
        night = pin(warehouse, app, 4)
        award_badges(Known(warehouse, night), cite)
        publish(warehouse, night)
        file = tmp_path / "decisions.csv"
        file.write_text(
            "user_id,badge_id,decision,reason,by\n"
            "user1,it,award,Brave.,Ada\nuser2,it,refuse,,\nuser1,again,refuse,,\nuser1,old,award,,\nuser1,none,award,,\n"
        )
        now = night.cut + dt.timedelta(hours=1)
        first = take_decisions(warehouse, app, file, cut=night.cut, now=now)
        again = take_decisions(warehouse, app, file, cut=night.cut, now=now + dt.timedelta(hours=1))
        assert (first.taken, first.known, again.taken, again.known) == (3, 0, 0, 3)
        assert [(row.line, row.reason) for row in first.wrong] == [
            (5, "the badge is withdrawn; no more are given"),
            (6, "'none' is not a badge of the app"),
        ]
        awards = award_badges(Known(warehouse, pin(warehouse, app, 5)), cite)
        assert awards.select("player_key", "badge_id").rows() == [(1, "it")]
        assert json.loads(awards["evidence"][0])["decided_by"] == "Ada"
