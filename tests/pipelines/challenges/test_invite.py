"""Tutorials and social prompts: who gets which, and how often."""

import datetime as dt
import json
import uuid

import polars as pl
import pytest

from data.warehouse import Warehouse, scratch
from pipelines.challenges.invite import compare, first_steps
from pipelines.known import Known
from pipelines.night.wanted import ASKS
from pipelines.words.types.social_prompt import choose_prompts
from pipelines.words.types.tutorial import choose_tutorials
from tests.factories import event, make_app, warehouse_with
from tests.pipelines.asks import asks_of
from tests.pipelines.challenges.strength import BASE, at_night, feature_rows, one_cohort

TYPES = ["daily_challenge", "adaptive_mission", "mission_brief", "tutorial", "social_prompt"]
APP = make_app(content={"types": TYPES, "social_metrics": ["topics", "points"]})
N = 40


def features(**columns: object) -> pl.DataFrame:
    """All do everything, but for what `columns` say."""
    every = {f"{metric}__{days}": 5.0 for metric in ("solved", "points", "topics", "days") for days in ("7", "28")}
    return (
        feature_rows(APP, N)
        .with_columns(**{name: pl.lit(value) for name, value in every.items()})
        .with_columns(**columns)
    )


def only(player: int, metric: str, value: float, days: str = "28") -> dict[str, pl.Expr]:
    column = f"{metric}__{days}"
    return {column: pl.when(pl.col("player_key") == player).then(value).otherwise(pl.col(column))}


def told(warehouse: Warehouse, kind: str, player: int, metric: str, days_ago: int) -> None:
    row = {
        **dict.fromkeys(("title", "body", "brief_id", "ai_provider", "model", "prompt_version", "variant"), "x"),
        "content_id": str(uuid.uuid4()),
        "as_of": BASE - dt.timedelta(days=days_ago),
        "revision": 1,
        "player_key": player,
        "content_type": kind,
        "propensity": 1.0,
        "language": "en",
        "generated_at": dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        "metadata": json.dumps({"metric": metric}),
    }
    warehouse.append("messages", pl.DataFrame([row]))


def tutorials(rows: pl.DataFrame, *lately: tuple[str, int]) -> dict[int, tuple[str, str]]:
    with scratch() as warehouse:
        for metric, days_ago in lately:
            told(warehouse, "tutorial", 7, metric, days_ago)
        found = choose_tutorials(Known(warehouse, at_night(APP)), compare(APP, rows, one_cohort(rows)))
    return {row["player_key"]: (row["metric"], row["occasion"]) for row in found.iter_rows(named=True)}


def prompts(rows: pl.DataFrame, *lately: tuple[str, int], likes: str | None = None) -> dict[int, tuple[str, str]]:
    liked = rows.select("player_key", preferred_content=pl.lit(likes, dtype=pl.String))
    with scratch() as warehouse:
        for metric, days_ago in lately:
            told(warehouse, "social_prompt", 7, metric, days_ago)
        found = choose_prompts(Known(warehouse, at_night(APP)), compare(APP, rows, one_cohort(rows)), liked)
    return {row["player_key"]: (row["metric"], row["occasion"]) for row in found.iter_rows(named=True)}


def test_what_most_comparable_players_do_and_one_does_not_is_taught():
    assert tutorials(features(**only(7, "topics", 0.0))) == {7: ("topics", "new")}


def test_what_few_do_is_nobodys_to_miss():
    rows = features(topics__28=pl.when(pl.col("player_key") > N / 3).then(0.0).otherwise(5.0))
    assert tutorials(rows) == {}


def test_who_does_it_seldom_is_taught_too_after_those_who_do_none():
    rows = features(points__28=pl.col("player_key").cast(pl.Float64))
    found = tutorials(rows)
    assert set(found) == set(range(1, N // 4 + 1))
    assert set(found.values()) == {("points", "seldom")}
    assert tutorials(rows.with_columns(**only(7, "topics", 0.0)))[7] == ("topics", "new")


def test_days_of_play_are_no_craft_to_teach():
    assert tutorials(features(**only(7, "days", 0.0))) == {}


def test_a_tutorial_a_week_at_most_and_none_again_within_thirty_nights():
    rows = features(**only(7, "topics", 0.0), **only(7, "solved", 0.0))
    assert tutorials(rows)[7][0] == "solved"  # the first in the app file
    assert 7 not in tutorials(rows, ("points", 6))
    assert tutorials(rows, ("points", 7))[7][0] == "solved"
    assert tutorials(rows, ("solved", 30))[7][0] == "topics"
    assert tutorials(rows, ("solved", 31))[7][0] == "solved"


def test_who_did_nothing_social_in_a_week_is_invited_to_what_they_used_to_do():
    quiet = features(**only(7, "topics", 0.0, "7"), **only(7, "points", 0.0, "7"), **only(7, "points", 9.0))
    assert prompts(quiet) == {7: ("points", "quiet")}
    assert prompts(features(**only(7, "topics", 0.0, "7"))) == {}


def test_who_likes_it_best_is_invited_whatever_they_did():
    found = prompts(features(), likes="topics")
    assert len(found) == N
    assert set(found.values()) == {("topics", "keen")}
    assert prompts(features(), likes="solved") == {}


def test_a_prompt_a_week_at_most_and_then_the_other_invitation():
    quiet = features(**{f"{m}__{d}": pl.lit(0.0) for m in ("topics", "points") for d in ("7", "28")})
    assert 7 not in prompts(quiet, ("topics", 3))
    assert prompts(quiet, ("topics", 10))[7][0] == "points"
    assert prompts(quiet, ("points", 10))[7][0] == "topics"


def test_small_groups_are_compared_with_their_cohort_and_small_cohorts_with_everyone():
    rows = features(**only(1, "solved", 0.0))
    segments = one_cohort(rows).with_columns(
        segment=pl.when(pl.col("player_key") <= 3).then(pl.lit("Few")).otherwise(pl.lit("Many"))
    )
    found = compare(APP, rows, segments).filter(player_key=1, metric="solved").row(0, named=True)
    assert found["share"] == pytest.approx(1 - 1 / N)
    assert found["standing"] == pytest.approx(0.5 / N)


def test_a_first_step_is_one_of_what_is_counted_and_an_easy_amount_of_what_is_measured():
    app = make_app(
        challenges={"metrics": ["solved", "points", "best", "topics", "days"]},
        content={"types": ["tutorial", "social_prompt", "daily_challenge"], "social_metrics": ["streak"]},
    )
    rows = feature_rows(app, 4, points__per_day=[None, 7.0, 13.0, 90.0], best__28=[640.0, 700.0, 810.0, 900.0])
    assert first_steps(app, rows) == {
        "solved": 1.0,
        "points": 5.0,
        "best": 640.0,
        "topics": 1.0,
        "days": 1.0,
        "streak": None,
    }
    some_below = feature_rows(app, 4, points__per_day=[7.0] * 4, best__28=[90.0, 640.0, 810.0, 900.0])
    assert first_steps(app, some_below)["best"] == 90.0
    most_above = feature_rows(app, 8, points__per_day=[7.0] * 8, best__28=[90.0, 640.0, 700.0, *[900.0] * 5])
    assert first_steps(app, most_above)["best"] == 500.0


def test_nobody_is_taught_what_any_deed_comes_to():
    app = make_app(challenges={"metrics": ["best"]}, content={"types": ["tutorial", "daily_challenge"]})
    taught = {}
    for name, least in (("all alike", 900.0), ("one falls short", 400.0)):
        best = [None, least, *[900.0] * 8]
        rows = feature_rows(app, 10, best__28=best, best__7=best)
        players = rows.select("player_key", user_id=pl.format("user{}", "player_key")).with_columns(
            persona=pl.lit("BRUTE"), language=pl.lit("en"), opted_out=False, preferred_content=pl.lit("best")
        )
        with scratch() as warehouse:
            night = at_night(app)
            asks = asks_of(warehouse, night, rows, players)
        taught[name] = dict(asks.filter(player_key=1).select("metric", "goal").iter_rows())
    assert taught == {"all alike": {}, "one falls short": {"best": 500.0}}


def everything(app=APP, **changes) -> pl.DataFrame:
    rows = features(**only(7, "topics", 0.0), **only(7, "topics", 0.0, "7"), **only(7, "points", 0.0, "7"))
    profiles = rows.select("player_key", user_id=pl.format("user{}", "player_key")).with_columns(
        persona=pl.lit("BRUTE"),
        language=pl.lit("en"),
        opted_out=pl.col("player_key") == changes.get("opted_out", 0),
        preferred_content=pl.lit("topics"),
    )
    missions = pl.DataFrame(
        {
            "player_key": [7],
            "metric": ["solved"],
            "window_days": [7],
            "valid_until": [dt.date(2024, 1, 16)],
            "target": [6.0],
            "content_id": ["m7"],
            "content_type": ["adaptive_mission"],
            "occasion": ["steady"],
            "also": [[{"metric": "topics", "op": ">=", "target": 2.0}]],
            "persona": [""],
            "language": ["en"],
            "difficulty_level": [3],
        }
    )
    unlikely = pl.DataFrame({"player_key": changes.get("unlikely", [])}, schema={"player_key": pl.Int64})
    with scratch() as warehouse:
        return asks_of(warehouse, at_night(app), rows, profiles, missions=missions, unlikely=unlikely)


def test_a_brief_goes_with_each_mission_and_a_tutorial_takes_the_place_of_a_prompt():
    asks = everything()
    assert asks.schema == ASKS
    mine = asks.filter(pl.col("player_key") == 7)
    assert set(mine["content_type"]) == {"mission_brief", "tutorial"}
    brief = mine.filter(pl.col("content_type") == "mission_brief").row(0, named=True)
    assert (brief["mission"], brief["goal"], brief["window_days"]) == ("m7", 6.0, 7)
    assert asks["content_id"].is_unique().all()
    assert asks.filter(pl.col("content_type") == "social_prompt").height == N - 1


def test_who_opted_out_or_is_too_unlikely_to_play_gets_none_of_it():
    assert 7 not in everything(opted_out=7)["player_key"]
    assert 7 not in everything(unlikely=[7])["player_key"]


def test_an_app_that_lists_none_of_these_types_asks_for_none():
    assert everything(make_app(content={"types": ["daily_challenge"]})).is_empty()


def test_what_one_did_long_ago_is_no_first_try():
    rows = features(**only(1, "solved", 0.0))
    assert tutorials(rows) == {1: ("solved", "new")}
    with warehouse_with(APP, [event(1, 0)]) as warehouse:
        found = choose_tutorials(Known(warehouse, at_night(APP)), compare(APP, rows, one_cohort(rows)))
    assert found.rows() == [(1, "solved", "seldom")]


def test_who_uses_one_of_several_things_already_is_shown_two():
    rows = features(topics__28=pl.when(pl.col("player_key") == 7).then(0.0).otherwise(pl.col("player_key") + 1.0))
    players = rows.select("player_key", user_id=pl.format("user{}", "player_key")).with_columns(
        persona=pl.lit("BRUTE"), language=pl.lit("en"), opted_out=False, preferred_content=pl.lit("solved")
    )
    app = APP.model_copy(update={"content": APP.content.model_copy(update={"types": ["tutorial"]})})
    with scratch() as warehouse:
        asks = asks_of(warehouse, at_night(app), rows, players)
    goals = dict(asks.select("player_key", "goal").iter_rows())
    assert (goals[7], goals[1]) == (1.0, 2.0)
