"""Nights of an app that writes every content type: what is issued, kept, counted and shown."""

import datetime as dt

import polars as pl
import pytest

from configs.loader import load_app
from configs.settings import Settings
from data.warehouse import open_warehouse
from flows.cli.player_view import player_view
from pipelines.activity.job import run_ingest
from pipelines.challenges.kept import kept_by_night
from pipelines.challenges.missions import SLOT
from pipelines.challenges.not_asked import NOT_ASKED
from pipelines.publish.published import read_latest, verify_published
from pipelines.publish.show import gather_player
from pipelines.replay.job import run_replay
from tests.flows.world import START, write_app, write_events
from tests.pipelines.nights import now, serve_night
from tests.printed import printed

pytestmark = pytest.mark.slow
PLAYERS, DAYS = 10, 60
LAST_NIGHT = START + dt.timedelta(days=DAYS)
EVERY_TYPE = [
    *("daily_challenge", "custom_achievement", "adaptive_mission", "mission_brief", "motivational_message"),
    *("come_back_message", "tutorial", "social_prompt", "badge_citation"),
]
NIGHTS = [LAST_NIGHT - dt.timedelta(days=days) for days in (30, 29, 0)]


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory):
    """(loaded app, settings, reports): two nights, and one when their missions and some achievements are over."""
    folder = tmp_path_factory.mktemp("types")
    content = {"types": EVERY_TYPE, "social_metrics": ["topics"]}
    rewards = {"achievement_xp": dict.fromkeys(("bronze", "silver", "gold", "platinum"), 70)}
    loaded = load_app(str(write_app(folder, content=content, rewards=rewards)))
    settings = Settings(home=folder / "home")
    run_ingest(
        settings, loaded, [write_events(folder, players=PLAYERS, days=DAYS)], history=True, players=False, now=now()
    )
    return loaded, settings, [serve_night(settings, loaded, night) for night in NIGHTS]


@pytest.fixture(name="warehouse")
def _warehouse(world):
    with open_warehouse(world[1].home, "puzzles", read_only=True) as warehouse:
        yield warehouse


def table(world, night: int, name: str) -> pl.DataFrame:
    return verify_published(world[1].home, "puzzles", NIGHTS[night]).table(name)


def missions_of(world, night: int) -> pl.DataFrame:
    """Those that the night issued."""
    return table(world, night, "challenges").filter("is_new", pl.col("content_type") == "adaptive_mission")


def test_every_type_is_written_and_each_text_is_about_what_the_plan_says(world):
    messages = table(world, 0, "messages")
    assert set(table(world, 0, "challenges")["content_type"]) == {"daily_challenge", "adaptive_mission"}
    assert {"mission_brief", "motivational_message", "tutorial", "social_prompt"} <= set(
        pl.concat([messages, table(world, 1, "messages")])["content_type"]
    )
    assert table(world, 0, "achievements").height > 0


def test_a_player_has_one_mission_a_week_over_the_longest_week_of_the_app(world, warehouse):
    first, second, later = (missions_of(world, night) for night in range(3))
    assert first.height > PLAYERS / 2
    assert second.join(first, on="user_id", how="semi").is_empty()
    assert later.join(first, on="user_id", how="semi").height > 0
    assert ((first["valid_until"] - first["valid_from"]).dt.total_days() == 6).all()
    slots = warehouse.frame("SELECT DISTINCT content_type, slot FROM challenges ORDER BY ALL")
    assert slots.filter(pl.col("content_type") == "adaptive_mission")["slot"].to_list() == [SLOT]


def test_who_has_no_new_daily_challenge_reads_why_and_nobody_else_does(world):
    for night in range(3):
        daily = table(world, night, "challenges").filter("is_new", pl.col("content_type") == "daily_challenge")
        why = table(world, night, "profiles").select("user_id", "not_asked")
        assert set(why.filter(pl.col("not_asked").is_null())["user_id"]) == set(daily["user_id"])
        assert set(why["not_asked"].drop_nulls()) <= {*NOT_ASKED, "opted out", "paused"}


def test_a_mission_asks_for_another_metric_than_the_nights_daily_challenges_where_there_is_one(warehouse):
    rows = warehouse.frame("SELECT as_of, player_key, content_type, metric FROM challenges")
    daily, weekly = (rows.filter((pl.col("content_type") == "daily_challenge") == day) for day in (True, False))
    spare = daily.group_by("as_of", "player_key").agg(pl.col("metric").n_unique().alias("n")).filter(pl.col("n") < 3)
    twice = weekly.join(daily, on=["as_of", "player_key", "metric"], how="semi")
    assert twice.join(spare, on=["as_of", "player_key"], how="semi").height <= weekly.height / 10


def test_every_mission_has_a_brief_about_its_own_task_that_names_it(world):
    for night in (0, 2):
        briefs = table(world, night, "messages").filter(pl.col("content_type") == "mission_brief")
        told = dict(briefs.select("mission", "body").iter_rows())
        missions = missions_of(world, night)
        assert set(told) == set(missions["content_id"])
        for row in missions.iter_rows(named=True):
            target = row["requirements"][0]["target"]
            assert f"{target:,.0f} " in told[row["content_id"]].replace(".", " ")
            last = row["valid_until"]
            assert f" {last:%A}, {last.day} {last:%B}" in told[row["content_id"]]


def test_missions_are_settled_by_the_nights_predicate_and_paid_as_missions(world, warehouse):
    settled = table(world, 2, "settlements").join(missions_of(world, 0), on="content_id", how="semi")
    assert set(settled["state"]) == {"completed", "expired"}
    assert settled.height == missions_of(world, 0).height
    reasons = warehouse.frame("SELECT DISTINCT reason FROM xp_ledger")["reason"].to_list()
    assert {"mission completed", "challenge completed"} <= set(reasons)


def test_kept_tells_of_daily_challenges_and_of_missions_apart(world, warehouse):
    app = world[0].app
    daily, weekly = kept_by_night(warehouse, app), kept_by_night(warehouse, app, "adaptive_mission")
    assert daily["challenges"][-1] == sum(report.figures["challenges"] for report in world[2])
    assert weekly["challenges"][-1] == sum(report.figures["missions"] for report in world[2])


def test_nobody_gets_a_tutorial_and_a_social_prompt_in_one_night_nor_a_second_one_in_a_week(warehouse):
    rows = warehouse.frame(
        """SELECT as_of, player_key, content_type, metadata ->> 'metric' AS metric FROM messages
           WHERE content_type IN ('tutorial', 'social_prompt')"""
    )
    assert rows.select("as_of", "player_key").is_duplicated().sum() == 0
    assert rows["metric"].null_count() == 0
    within = rows.filter(pl.col("as_of").is_in(NIGHTS[:2]))
    assert within.select("player_key", "content_type").is_duplicated().sum() == 0
    assert rows.filter(pl.col("content_type") == "tutorial").select("player_key", "metric").is_duplicated().sum() == 0


def test_an_achievement_stays_until_it_is_reached_and_is_followed_by_another(world, warehouse):
    before, after = table(world, 0, "achievements"), table(world, 2, "achievements")
    both = before.join(after, on="content_id", suffix="_after")
    assert both.height == before.height
    assert (both["title"] == both["title_after"]).all()
    assert (both["value_after"] >= both["value"]).all()
    reached = after.filter(pl.col("state") == "reached")
    assert reached.height > 0
    assert (reached["progress"] == 1).all()
    assert reached["reached_on"].is_between(NIGHTS[0], NIGHTS[2]).all()
    still = after.filter(pl.col("state") == "open")
    assert still["user_id"].is_duplicated().sum() == 0
    assert reached.join(still, on="user_id", how="semi").height > 0
    paid = warehouse.frame("SELECT entry_id, xp FROM xp_ledger WHERE entry_id LIKE 'achievement:%'")
    assert set(paid["entry_id"]) == {f"achievement:{content_id}" for content_id in reached["content_id"]}
    assert set(paid["xp"]) == {70}


def test_performance_counts_achievements_and_never_calls_an_open_one_missed(world):
    rows = table(world, 2, "content_performance").filter(pl.col("content_type") == "custom_achievement")
    every = table(world, 2, "achievements")
    assert rows["issued"].sum() == every.height
    assert rows["completed"].sum() == every.filter(pl.col("state") == "reached").height
    assert rows["kept_rate"].null_count() == rows.height


def test_a_night_served_again_as_a_new_revision_keeps_missions_and_achievements(world):
    loaded, settings, _ = world
    night = NIGHTS[2]
    before = {
        name: verify_published(settings.home, "puzzles", night).table(name) for name in ("challenges", "achievements")
    }
    serve_night(settings, loaded, night, refresh=True)
    after = read_latest(settings.home, "puzzles")
    assert after.manifest.revision == 2
    for name, rows in before.items():
        assert set(rows["content_id"]) == set(after.table(name)["content_id"])


def test_a_person_is_shown_the_achievement_and_the_messages_with_their_kind(world):
    settings = world[1]
    user_id = table(world, 2, "messages").filter(pl.col("content_type") == "mission_brief")["user_id"][0]
    view = gather_player(settings.home, "puzzles", user_id)
    shown = printed(player_view(view))
    assert "Achievements" in shown
    assert "mission brief" in shown


def test_replay_tells_of_missions_apart_and_of_daily_challenges_as_ever(world):
    loaded, settings, _ = world
    report = run_replay(
        settings, loaded, start=LAST_NIGHT - dt.timedelta(days=14), end=LAST_NIGHT - dt.timedelta(days=12)
    )
    promises = pl.read_parquet(report.promises)
    assert set(promises["content_type"]) == {"daily_challenge"}
    assert report.figures["challenges"] == promises.height
    missions = report.figures["missions"]
    assert missions["missions"] > 0
    assert missions["low"] <= missions["kept"] <= missions["high"]
    assert {row["occasion"] for row in report.figures["missions_by_occasion"]} <= {"rising", "steady", "easing"}
