import datetime as dt
import json
import re
from dataclasses import replace

import polars as pl
import pytest

from configs.personas import NOBODY
from flows.cli.command import name_of
from flows.cli.lint_view import foreseen_view
from flows.cli.player_view import player_view
from flows.cli.terms import Terms, names_of
from flows.cli.views import training_view
from flows.cli.why import why_view
from pipelines.badges.foresee import Foreseen, Granted
from pipelines.players import profiles
from pipelines.publish.show import gather_player
from pipelines.reports import TrainReport
from tests.factories import make_app
from tests.foreign.apps import write_app
from tests.pipelines.publish.night_rows import APP, AS_OF, USER_IDS, award, challenge, reward_entry, settlement
from tests.pipelines.publish.nights import audit_and_publish, issue, make_night, played_warehouse, put
from tests.printed import printed

HOSTILE = "[bold red]user[/] \x1b[2Jgone"


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory):
    """The home of a published night in which player 5 has a hostile id."""
    home = tmp_path_factory.mktemp("home")
    with played_warehouse() as warehouse:
        warehouse.run("UPDATE players SET user_id = $id WHERE player_key = 5", {"id": HOSTILE})
        issue(warehouse)
        yesterday = AS_OF - dt.timedelta(days=1)
        put(warehouse, "challenges", challenge(1, 1, yesterday), challenge(1, 2, AS_OF, estimated_minutes=None))
        put(warehouse, "settlements", settlement(1, 1, AS_OF, None))
        put(warehouse, "badge_ledger", award(1, AS_OF))
        put(warehouse, "reward_ledger", reward_entry(1, AS_OF))
        audit_and_publish(warehouse, make_night(), home)
    return home


def test_badges_and_metrics_go_by_their_titles_and_labels(home):
    view = gather_player(home, "toy", USER_IDS[0])
    text = printed(player_view(view, Terms.of(APP)))
    assert "Gold mind" in text
    assert "gold mind" not in text
    assert all(APP.metrics[row["metric"]].label in text for row in view.targets if row["is_next"])


def test_what_suits_a_player_next_goes_by_its_name_with_how_likely_it_is(home):
    view = gather_player(home, "toy", USER_IDS[0])
    told = [("metric", "solved", 0.82), ("badge", "gold_mind", 0.07)]
    rows = [{"kind": kind, "item": item, "place": 1, "score": score, "propensity": 0.5} for kind, item, score in told]
    text = printed(player_view(replace(view, recommendations=rows), Terms.of(APP)))
    suits = text[text.index("Suits next") :]
    assert re.search(r"puzzles solved +metric +82%", suits)
    assert re.search(r"Gold mind +badge +7%", suits)


@pytest.mark.parametrize(
    ("voice", "told"),
    [
        ({"player": "reader"}, ("reads", "if you read", "among all readers", "of comparable readers")),
        ({"kind": "shop", "player": "customer"}, ("shops", "if you shop", "among all customers", "customers")),
        ({}, ("plays", "if you play", "among all players", "of comparable players")),
    ],
)
def test_what_players_do_is_said_in_the_apps_own_words(home, voice, told):
    view = gather_player(home, "toy", USER_IDS[0])
    score = {"task": "plays", "target": None, "horizon_days": 7, "probability": 0.2}
    app = make_app(voice={"theme": "a quiet place"} | voice)
    text = " ".join(printed(player_view(replace(view, scores=[score]), Terms.of(app))).replace("│", " ").split())
    assert text.count(told[0]) >= 2
    assert all(words in text.replace("if you challenge", "if you") for words in told if "if you" not in words)
    assert told[1].split()[-1] in text


def test_kinds_of_players_points_and_what_is_likely_go_by_their_titles(home):
    view = gather_player(home, "toy", USER_IDS[0])
    styles = {"OWL": {"title": "Night owl", "traits": {"night": 1.0}}}
    app = make_app(profile={"styles": styles}, rewards={"points": {"gem": {"unit": "gem"}}})
    profile = (view.profile or {}) | {"style": "OWL", "styles": '{"OWL": 0.7, "LARK": 0.3}'}
    score = {"task": "badge_odds", "target": "gold_mind", "horizon_days": 7, "probability": 0.2}
    gems = {"kind": "points", "item": "gem", "amount": 7, "words": "7 gems", "since": view.as_of}
    text = printed(
        player_view(replace(view, profile=profile, scores=[score], wallet=[gems]), Terms(names_of(app) | names_of(APP)))
    )
    assert "style Night owl 70%" in text
    assert "earns: Gold mind" in text
    assert "gems 7" in text


def test_badges_held_are_told_once_each_with_how_often_and_the_most_prestigious_first(home):
    view = gather_player(home, "toy", USER_IDS[0])
    held = view.badges_held[0]
    week = [held | {"badge_id": "week", "title": "Week", "award_id": f"w{day}"} for day in range(3)]
    star = held | {"badge_id": "star", "title": "Star", "granted_at": held["granted_at"] - dt.timedelta(days=90)}
    rows = replace(view, badges_held=[*week, star])
    kept = {"kept": {"as_of": "2024-01-15", "taken_back": 2}}
    rows.badges_held[0]["evidence"] = json.dumps(kept)
    text = printed(player_view(rows, Terms(prestige={"star": 40, "week": 5})))
    assert "kept since 2024-01-15: 2 events" in " ".join(text.split())
    assert "Badges held, of prestige 45" in text
    assert text.index("Star") < text.index("Week (3 times)")
    assert text.count("Week") == 1


def test_a_players_page_shows_what_is_asked_held_and_next(home):
    near = {"badge_id": "gold_mind", "progress": 0.02, "remaining": "98 puzzles", "eta_days": 98}
    view = replace(gather_player(home, "toy", USER_IDS[0]), badge_progress=[near])
    text = " ".join(printed(player_view(view)).replace("│", " ").split())
    for words in (
        "Three for the road",
        "31%",
        "55%",
        "First step",
        "gold mind",
        "98 puzzles",
        "expired",
        "SCHOLAR 75%",
        "5 of 10, Advanced",
        "medium beside others",
        "3.5 days a week, in the evening",
        "best 12, kept",
        "+40",
    ):
        assert words in text
    profile = (view.profile or {}) | {"not_asked": "nothing in reach"}
    assert "No new daily challenge: every target" in printed(player_view(replace(view, profile=profile)))


def test_a_kind_of_play_with_few_players_says_that_strength_and_targets_are_among_all(home):
    view = gather_player(home, "toy", USER_IDS[0])
    rows = [{"cohort": "endless", "judged_as": "all", "segment": "Expert", "is_main": True}]
    rows += [{"cohort": "daily", "judged_as": "daily", "segment": "Beginner", "is_main": False}]
    target = {"cohort": "endless", "judged_as": "all", "metric": "solved", "percentile": 75, "is_next": True}
    shown = replace(view, segments=rows, targets=[target | {"value": 154.35}])
    text = " ".join(printed(player_view(shown, Terms.of(APP)), width=400).split())
    assert "Expert among all players (few play endless), Beginner among all players of daily" in text
    assert "puzzles solved 155 puzzles 75 % of comparable players" in text
    older = [{name: value for name, value in row.items() if name != "judged_as"} for row in rows]
    assert "Expert among all players of endless" in printed(player_view(replace(view, segments=older)), width=400)


def test_of_whom_nothing_is_asked_since_they_pause_it_is_said(home):
    view = gather_player(home, "toy", USER_IDS[0])
    assert "left alone" not in printed(player_view(view))
    assert "left alone paused" in printed(player_view(replace(view, left_alone="paused")))


def test_who_plays_on_one_day_a_week_plays_on_no_days(home):
    view = gather_player(home, "toy", USER_IDS[0])
    weekly = replace(view, profile={**(view.profile or {}), "habits": '{"days_a_week": 1.0}'})
    assert "plays 1 day a week" in printed(player_view(weekly))


def test_who_was_not_active_of_late_is_said_to_be(home):
    view = gather_player(home, APP.app, USER_IDS[0])
    gone = printed(player_view(replace(view, profile=None, challenges=[]), Terms.of(APP)))
    assert "activity none of late" in gone
    assert "none of late" not in printed(player_view(view, Terms.of(APP)))


def test_what_is_not_done_is_nowhere_told_as_all_of_it(home):
    near = {"badge_id": "gold_mind", "progress": 0.996, "remaining": "1 puzzle", "eta_days": 1}
    text = printed(player_view(replace(gather_player(home, "toy", USER_IDS[0]), badge_progress=[near])))
    assert re.search(r"gold mind +\S+ 99%", text)
    badge = Granted("ten", "Ten", 0, 1, 1, 50, (), 0.998)
    assert "100%" not in printed(foreseen_view(Foreseen(AS_OF, (badge,), 1, 50, 1, 9, False, {}, ())))


def test_a_players_page_tells_what_is_paid_beside_xp_and_what_they_have_of_it(home):
    view = gather_player(home, "toy", USER_IDS[0])
    extra = [{"kind": "points", "item": "gem", "amount": 7, "words": "7 gems"}]
    paid = view.challenges[0] | {"extra_rewards": extra, "reward_words": "40 XP and 7 gems"}
    text = printed(player_view(replace(view, challenges=[paid])))
    assert "Pays 40 XP and 7 gems" in text
    assert re.search(r"Rewards held(.|\n)*gem +2024-01-09", text)
    assert "Pays" not in printed(player_view(view))


def test_an_open_challenge_tells_what_each_thing_it_asks_for_came_to(home):
    view = gather_player(home, "toy", USER_IDS[0])
    asked = [("solved", ">=", 4.0), ("best", ">=", 90.0), ("average", "<=", 6.0)]
    parts = [dict(zip(("metric", "op", "target"), part, strict=True)) for part in asked]
    so_far = [{"value": value, "progress": 0.5} for value in (3.0, None, 7.25)]
    row = view.challenges[0] | {"requirements": parts, "so_far": so_far, "progress": 0.5}
    text = " ".join(printed(player_view(replace(view, challenges=[row]), Terms.of(APP)), width=250).split())
    assert "So far puzzles solved: 3 of 4 puzzles, best: none of 90, average: 7.2 (at most 6)" in text
    beyond = row | {"so_far": [{"value": 5.0, "progress": 1.0}, *so_far[1:]]}
    text = printed(player_view(replace(view, challenges=[beyond]), Terms.of(APP)), width=250)
    assert "puzzles solved: 5 (at least 4 puzzles)" in text
    older = {name: value for name, value in row.items() if name != "so_far"}  # a night from before there was the column
    for quiet in (row | {"progress": 0.0}, older):
        assert "So far" not in printed(player_view(replace(view, challenges=[quiet]), Terms.of(APP)))


def test_how_likely_what_is_recommended_is_stands_once_and_who_is_nobody_in_particular_has_no_persona(home):
    view = gather_player(home, "toy", USER_IDS[0])
    score = {"task": "content_types", "target": "daily_challenge", "horizon_days": 7, "probability": 0.87}
    suits = {"kind": "content_type", "item": "daily_challenge", "place": 1, "score": 0.87}
    profile = (view.profile or {}) | {"persona": NOBODY, "personas": '{"PLAYER": 1.0}'}
    text = printed(player_view(replace(view, scores=[score], recommendations=[suits], profile=profile), Terms.of(APP)))
    assert text.count("87%") == 1
    assert "daily challenge goes well" in printed(player_view(replace(view, scores=[score], recommendations=[])))
    assert "PLAYER" not in text
    assert NOBODY == profiles.NOBODY


def test_of_what_was_not_kept_each_part_says_how_far_it_came(home):
    view = gather_player(home, "toy", USER_IDS[0])
    parts = [{"metric": "solved", "op": ">=", "target": 4.0}, {"metric": "best", "op": ">=", "target": 90.0}]
    came = [{"value": 3.0, "progress": 0.75}, {"value": 95.0, "progress": 1.0}]
    row = view.settlements[0] | {"requirements": parts, "so_far": came, "progress": 0.875}

    def text(**changes: object) -> str:
        shown = replace(view, settlements=[row | changes])
        return " ".join(printed(player_view(shown, Terms.of(APP)), width=250).split())

    said = "puzzles solved: 3 of 4 puzzles, best: 95 (at least 90)"
    assert said in text()
    assert said not in text(state="completed", progress=1.0)
    assert "Earlier challenges" in text(so_far=None)  # settled before it was kept what each came to


def test_a_player_without_challenges_sees_the_message(home):
    text = printed(player_view(gather_player(home, "toy", HOSTILE)))
    assert "The board is as you left it." in text
    assert "Challenges" not in text


def test_an_id_is_shown_as_it_is_and_cannot_act_on_the_terminal(home):
    text = printed(player_view(gather_player(home, "toy", HOSTILE)))
    assert "[bold red]user[/] " in text
    assert "\x1b" not in text


def test_a_narrow_terminal_still_holds_the_page(home):
    text = printed(player_view(gather_player(home, "toy", USER_IDS[0])), width=60)
    assert max(len(line) for line in text.splitlines()) <= 60


def test_a_training_names_the_app_as_it_is_registered_also_when_given_by_path(tmp_path):
    contests = pl.DataFrame({"task": ["plays"], "learner": ["habit"]})
    report = TrainReport(AS_OF, contests, {"plays": 3}, ())
    text = printed(training_view(name_of(str(write_app(tmp_path, "record_club"))), report))
    assert "Models of record_club, as of" in text
    assert "record_club.plays version 3" in text


def test_why_models_expect_what_they_do_is_told_a_fact_a_line_where_reasons_are_known():
    known = {"task": "churn", "target": None, "horizon_days": 14, "probability": 0.31}
    facts = "last played 9 days ago, usually every 2 days (raises it); played on 3 of the last 28 days (raises it)"
    told = printed(why_view([], [known | {"reasons": facts}, known | {"task": "plays", "reasons": None}]))
    assert "31%" in told
    assert "last played 9 days ago, usually every 2 days (raises it)\n" in told.replace(" \n", "\n")
    assert "plays" not in told
    assert "counted back" not in told
    assert "counted back from 2024-04-01" in printed(
        why_view([], [known | {"reasons": facts}], None, dt.date(2024, 4, 1))
    )
    assert "Likely next" not in printed(why_view([], [known | {"reasons": None}]))
