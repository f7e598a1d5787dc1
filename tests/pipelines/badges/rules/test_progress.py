"""How far a player is, what is missing, and how long it takes at this pace."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from configs.badges import Season
from pipelines.badges.held import badge_rarity, badges_held
from pipelines.badges.rules.progress import badge_progress
from pipelines.known import Known
from pipelines.night.pinned_file import PinnedFile, keep_file
from pipelines.words.wishes import Wishes
from tests.factories import START, event, warehouse_with
from tests.pipelines.badges.rules.awards import app_of, app_with, award_badges, cite, pin

# Day 0 and 1, two puzzles a day; the night serves day 2.
ROWS = [
    event(1, 0, points=2, topic="a"),
    event(1, 0.1, points=6, topic="b"),
    event(1, 1, points=3, topic="a"),
    event(1, 1.1, points=1, topic="a"),
]


Told = tuple[float, str | None, int | None]


def progress_of_each(
    rules: Iterable[str], rows: Sequence[dict[str, Any]], days: int = 2
) -> dict[tuple[int, str], Told]:
    """What one night says of every rule to every player, by both."""
    named = {f"badge{nth}": rule for nth, rule in enumerate(rules)}
    app = app_with(**named)
    with warehouse_with(app, rows) as warehouse:
        found = badge_progress(Known(warehouse, pin(warehouse, app, days))).to_dicts()
    return {
        (row["player_key"], named[row["badge_id"]]): (round(row["progress"], 4), row["remaining"], row["eta_days"])
        for row in found
    }


def progress_of(rule: str, rows: Sequence[dict[str, Any]], days: int = 2) -> Told:
    return progress_of_each([rule], rows, days)[1, rule]


FORMULA: dict[str, Told] = {
    "solved >= 8": (0.5, "4 more puzzles solved", 2),
    "solved > 4": (0.99, "1 more puzzle solved", 1),
    "9 < solved": (0.4444, "6 more puzzles solved", 3),
    "points >= 13.5": (0.8889, "1.5 more points", 1),
    "topics >= 4": (0.5, "2 more topics", 2),
    "days >= 3": (0.6667, "1 more day", 1),
    "streak >= 8": (0.25, "6 more days in a row", 6),
    "best >= 8": (0.75, "your best at 8 or more (now 6)", None),
    "average <= 2": (0.6667, "your average at 2 or less (now 3)", None),
    "famous >= 1": (0.0, "1 more post", None),
    "last(solved, 2) >= 4": (0.5, "2 more puzzles solved within 2 days", 1),
    "last(solved, 2) >= 9": (0.2222, "7 more puzzles solved within 2 days", None),
    "solved >= 8 and topics >= 4": (0.5, "4 more puzzles solved and 2 more topics", 2),
    "solved >= 8 and days >= 2": (0.75, "4 more puzzles solved", 2),
    "solved >= 8 or days >= 3": (0.6667, "1 more day", 1),
    "solved between 5 and 9": (0.9, "1 more puzzle solved", 1),
    "points >= 6 * solved": (0.5, "points at least 6 times puzzles solved", None),
    "last(solved, 2) = topics": (1.0, None, 0),
    "last(solved, 2) = days - 3": (0.0, "puzzles solved over 2 days equal to days minus 3", None),
    "best - average > 5": (0.6, "best minus average above 5", None),
    "not solved >= 2": (0.0, "fewer than 2 puzzles (now 4)", None),
    "not average > 2": (0.0, "your average at 2 or less (now 3)", None),
    "last(solved, 2) = 0": (0.0, "no puzzles within 2 days (now 2)", None),
    "solved <= 1": (0.25, "at most 1 puzzle (now 4)", None),
    "solved = 4": (1.0, None, 0),
}


@pytest.fixture(scope="module")
def told() -> dict[tuple[int, str], Told]:
    """One night with all rules of FORMULA, of which none may lean on another."""
    return progress_of_each(FORMULA, ROWS)


@pytest.mark.parametrize("rule", FORMULA)
def test_progress_follows_the_documented_formula(rule: str, told: dict[tuple[int, str], Told]) -> None:
    assert told[1, rule] == FORMULA[rule]


@pytest.mark.parametrize("rule", ["average >= 4", "average <= 4", "average = 4", "4 > average"])
def test_a_value_that_does_not_exist_yet_counts_nothing(rule: str) -> None:
    nothing_scored = [event(1, 0, topic="a")]
    assert progress_of(rule, nothing_scored)[0] == 0
    assert progress_of(f"solved >= 2 and {rule}", nothing_scored)[0] == 0.25


def test_progress_asked_again_leaves_out_what_was_earned_meanwhile_and_is_of_those_who_are_asked_about() -> None:
    app = app_with(near="solved >= 8", there="solved >= 4")
    with warehouse_with(app, [*ROWS, event(2, 0)]) as warehouse:
        known = Known(warehouse, pin(warehouse, app, 2))
        before, lately = badge_progress(known), badge_progress(known, active_within_days=1)
        award_badges(known, cite)
        after = badge_progress(known)
    assert before["player_key"].n_unique() == 2
    assert lately.equals(before.filter(player_key=before["player_key"].min()))
    assert after.equals(before.remove(player_key=before["player_key"].min(), badge_id="there"))


@pytest.mark.parametrize(
    "words",
    [
        {"unit": "day in a row", "plural": "days in a row"},
        {"label": "days in a row"},
    ],
)
def test_a_streak_whose_words_say_in_a_row_says_it_once_and_not_within_which_days(words: dict[str, str]) -> None:
    app = app_with(it="last(streak, 5) >= 8")
    streak = app.metrics["streak"].model_copy(update=words)
    app = app.model_copy(update={"metrics": {**app.metrics, "streak": streak}})
    with warehouse_with(app, ROWS) as warehouse:
        told = badge_progress(Known(warehouse, pin(warehouse, app, 2)))
    assert told["remaining"].to_list() == ["6 more days in a row"]


def test_a_run_that_is_long_enough_already_lacks_one_day_of_the_new_week() -> None:
    app = app_of(week={"when": "streak >= 3", "repeat": {"per": "week"}})
    with warehouse_with(app, [event(1, day) for day in range(7)]) as warehouse:  # up to Sunday
        known = Known(warehouse, pin(warehouse, app, 7))
        award_badges(known, cite)
        told = badge_progress(known).select("progress", "remaining", "eta_days").rows()
    assert told == [(0.99, "1 more day in a row this week", 1)]


@pytest.mark.parametrize("again", [{}, {"repeat": {"per": "season"}}])
def test_progress_in_a_season_is_of_what_was_done_in_it(again: dict[str, Any]) -> None:
    first, last = (START.date() + dt.timedelta(days=day) for day in (1, 5))
    season = {"on": first, "until": last, "yearly": bool(again)}
    app = app_of(fair={"when": "solved >= 4", "season": season, **again})
    with warehouse_with(app, [event(1, day) for day in (0, 0.1, 1, 2, 2.1)]) as warehouse:
        told, over = (badge_progress(Known(warehouse, pin(warehouse, app, days))) for days in (3, 7))
    assert told.select("remaining", "progress").rows() == [("1 more puzzle solved this season", 0.75)]
    assert over.is_empty()


def test_towards_the_next_of_so_many_more_a_badge_given_by_hand_does_not_count_and_nothing_is_said_twice() -> None:
    app = app_of(tens={"when": "solved >= 1", "repeat": {"per": 10, "of": "solved"}}, ones=_ONES)
    given = event(1, 0.5, "nightquest.awarded", badge_id="tens") | {"active": False}
    more = [event(3, nth / 20, points=1) for nth in range(14)]
    with warehouse_with(app, [*ROWS, given, event(2, 1, points=1), *more]) as warehouse:
        known = Known(warehouse, pin(warehouse, app, 2))
        award_badges(known, cite)
        told = badge_progress(known).select("player_key", "badge_id", "remaining", "progress")
    tens = told.filter(badge_id="tens").drop("badge_id").rows()
    assert told.filter(badge_id="ones")["remaining"].to_list() == ["1 more post"] * 3
    since_the_last = [(1, "6 more puzzles solved", 0.4), (2, "9 more puzzles solved", 0.1)]
    assert tens == [*since_the_last, (3, "6 more puzzles solved", 0.4)]


_ONES = {"when": "famous >= 1", "repeat": {"per": 1, "of": "famous"}}


FIGURES = [
    ("average >= 200", [138.53, 138.53], "your average at 200 or more (now 138)"),
    ("average <= 100", [138.53, 138.53], "your average at 100 or less (now 139)"),
    ("average >= 120", [119.97, 119.97], "your average at 120 or more (now 119)"),
    ("average <= 2", [2.345, 2.345], "your average at 2 or less (now 2.35)"),
    ("best >= 50", [38.970001], "your best at 50 or more (now 38.9)"),
    ("best >= 4000000", [1250000], "your best at 4,000,000 or more (now 1,250,000)"),
    ("points >= 50", [38.970001], "11.1 more points"),
    ("points >= 9999", [0.4], "9,999 more points"),
    ("points >= 1", [0.7, 0.1, 0.1], "0.1 more points"),
    ("last(solved, 1) >= 1", [1], "1 more puzzle solved in one day"),
    ("last(average, 1) >= 9", [8], "your average in one day at 9 or more"),
]


@pytest.fixture(scope="module")
def figures() -> dict[tuple[int, str], Told]:
    """One night with a player of their own for each of FIGURES, from 0 on."""
    rows = [
        event(player, nth / 10, points=value, topic="a")
        for player, (_, points, _) in enumerate(FIGURES)
        for nth, value in enumerate(points)
    ]
    return progress_of_each([rule for rule, *_ in FIGURES], rows)


@pytest.mark.parametrize("nth", range(len(FIGURES)), ids=[rule for rule, *_ in FIGURES])
def test_what_is_missing_is_told_in_figures_that_people_write(nth: int, figures: dict[tuple[int, str], Told]) -> None:
    """Three digits are enough, and never say that a goal is reached which is not."""
    rule, _, remaining = FIGURES[nth]
    assert figures[nth, rule][1] == remaining


def test_a_broken_streak_starts_from_nothing() -> None:
    rows = [event(1, 0), event(1, 1), event(1, 2), event(1, 9)]
    assert progress_of("streak >= 4", rows, days=10) == (0.25, "3 more days in a row", 3)
    assert progress_of("streak >= 4", rows, days=13) == (0.0, "4 more days in a row", None)


def test_a_window_counts_only_what_is_still_in_it_on_the_day_served() -> None:
    told = progress_of_each(["last(solved, 2) >= 4", "last(solved, 3) >= 8"], ROWS, days=3)
    assert [far for far, *_ in told.values()] == [0.0, 0.25]


def test_held_badges_and_players_long_gone_have_no_progress() -> None:
    app = app_with(one="solved >= 1", many="solved >= 100")
    with warehouse_with(app, [event(1, 0), event(2, 30)]) as warehouse:
        night = pin(warehouse, app, 32)
        award_badges(Known(warehouse, night), cite)
        assert badge_progress(Known(warehouse, night)).select("player_key", "badge_id").rows() == [(2, "many")]


def test_an_app_without_badges_has_no_progress_and_no_awards() -> None:
    app = app_with()
    with warehouse_with(app, ROWS) as warehouse:
        night = pin(warehouse, app, 2)
        assert badge_progress(Known(warehouse, night)).is_empty()
        assert award_badges(Known(warehouse, night), cite).is_empty()
        assert badges_held(Known(warehouse, night)).is_empty()


def test_rarity_is_the_share_of_all_who_ever_played() -> None:
    app = app_with(
        common="solved >= 1", uncommon="solved >= 2", rare="solved >= 3", epic="solved >= 4", legendary="solved >= 9"
    )
    counts = [1] * 60 + [2] * 30 + [3] * 8 + [4] * 2
    rows = [event(player, 0) for player, n in enumerate(counts) for _ in range(n)]
    with warehouse_with(app, rows) as warehouse:
        night = pin(warehouse, app, 2)
        award_badges(Known(warehouse, night), cite)
        found = {
            row["badge_id"]: (row["holders"], row["rarity"]) for row in badge_rarity(Known(warehouse, night)).to_dicts()
        }
        assert found == {
            "common": (100, "common"),
            "uncommon": (40, "common"),
            "rare": (10, "rare"),
            "epic": (2, "epic"),
            "legendary": (0, "legendary"),
        }


def test_held_badges_say_what_they_are_and_survive_their_rule() -> None:
    app, later = app_with(one="solved >= 1"), app_with(other="solved >= 100")
    with warehouse_with(app, ROWS) as warehouse:
        award_badges(Known(warehouse, pin(warehouse, app, 2)), cite)
        row = badges_held(Known(warehouse, pin(warehouse, app, 3))).row(0, named=True)
        assert (row["title"], row["tier"], row["rarity"], row["as_of"]) == (
            "One",
            "bronze",
            "common",
            dt.date(2024, 1, 3),
        )
        orphan = badges_held(Known(warehouse, pin(warehouse, later, 4))).row(0, named=True)
        assert (orphan["title"], orphan["tier"], orphan["rarity"]) == ("one", None, "common")
        for days, had in ((4, app), (5, later)):
            keep_file(warehouse, PinnedFile(had, f"file {days}", Wishes()), pin(warehouse, had, days))
        orphan = badges_held(Known(warehouse, pin(warehouse, later, 6))).row(0, named=True)
        assert (orphan["title"], orphan["tier"], orphan["prestige"]) == ("One", "bronze", row["prestige"])


def shown(changes: dict[str, dict[str, Any]], held: bool) -> list[str]:
    """The badges towards which player 1 is shown progress, a night after the first badge was granted or before it."""
    app = app_with(one="solved >= 2", two="solved >= 8", three="solved >= 20")
    badges = {name: badge.model_copy(update=changes.get(name, {})) for name, badge in app.badges.items()}
    app = app.model_copy(update={"badges": badges})
    with warehouse_with(app, ROWS) as warehouse:
        known = Known(warehouse, pin(warehouse, app, 2))
        if held:
            award_badges(known, cite)
        return sorted(badge_progress(known)["badge_id"])


def test_of_a_series_only_the_next_badge_shows_progress():
    series = {name: {"series": "steps"} for name in ("one", "two", "three")}
    assert shown(series, held=False) == ["one"]
    assert shown(series, held=True) == ["two"]
    assert shown({}, held=True) == ["three", "two"]


def test_of_a_series_a_badge_that_nobody_is_told_of_hides_nothing_that_comes_after_it():
    series = {name: {"series": "steps"} for name in ("one", "two", "three")}
    long_ago = Season(on=dt.date(2001, 1, 1), until=dt.date(2001, 2, 1))
    for unseen in ({"hidden": True}, {"season": long_ago}):
        assert shown(series | {"one": series["one"] | unseen}, held=False) == ["two"]


def test_a_hidden_badge_shows_no_progress_and_is_earned_all_the_same():
    assert shown({"one": {"hidden": True}}, held=False) == ["three", "two"]
    app = app_with(one="solved >= 2")
    badges = {name: badge.model_copy(update={"hidden": True}) for name, badge in app.badges.items()}
    with warehouse_with(app, ROWS) as warehouse:
        known = Known(warehouse, pin(warehouse, app.model_copy(update={"badges": badges}), 2))
        award_badges(known, cite)
        assert badges_held(known).height == 1
        assert badge_progress(known).is_empty()
