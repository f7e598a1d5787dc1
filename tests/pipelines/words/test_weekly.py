"""What goes on from week to week: a story by chapters, coaching from the player's own record, and how play has gone."""

import datetime as dt
import re
from itertools import pairwise

import polars as pl
import pytest

from configs.app import App
from configs.voice import voice_kinds
from data.warehouse import Warehouse, scratch
from pipelines.words.briefs import Brief
from pipelines.words.read_lately import nothing_read
from pipelines.words.types.mission_brief import SCENES
from pipelines.words.types.motivational_message import _level, _trend
from pipelines.words.writers.offline import write_variants
from pipelines.words.writers.pooled import Pooled
from tests.factories import make_app
from tests.pipelines.asks import asks_of, profiles_of
from tests.pipelines.challenges.strength import BASE, at_night, feature_rows

CHAPTERS = [{"title": f"Part {mark}", "scene": [f"The gate {mark} stands open."]} for mark in ("Alpha", "Beta")]
TYPES = ["daily_challenge", "adaptive_mission", "mission_brief", "personal_coaching"]
APP = make_app(
    challenges={"metrics": ["solved", "points", "days", "topics"]},
    content={"types": TYPES},
    voice={"theme": "puzzles", "chapters": CHAPTERS},
)


def mission(player: int) -> dict[str, object]:
    also = [{"metric": "topics", "op": ">=", "target": 2.0}]
    row = {"player_key": player, "metric": "solved", "window_days": 7, "target": 6.0, "also": also, "valid_until": BASE}
    words = {"content_id": f"m{player}", "content_type": "adaptive_mission", "persona": "", "language": "en"}
    return {**row, **words, "occasion": "steady", "difficulty_level": 3}


def tell(warehouse: Warehouse, player: int, chapter: int, days_ago: int) -> None:
    words = dict.fromkeys(("title", "body", "brief_id", "ai_provider", "model", "prompt_version", "variant"), "x")
    row = {
        **words,
        "content_id": f"00000000-0000-0000-{player:04d}-{chapter:012d}",
        "as_of": BASE - dt.timedelta(days=days_ago),
        "revision": 1,
        "player_key": player,
        "content_type": "mission_brief",
        "propensity": 1.0,
        "language": "en",
        "generated_at": dt.datetime.combine(BASE, dt.time(), dt.UTC),
        "metadata": f'{{"chapter": "{chapter}"}}',
    }
    warehouse.append("messages", pl.DataFrame([row]))


def test_the_next_chapter_is_told_once_an_earlier_night_has_told_the_one_before():
    rows = feature_rows(APP, 4)
    with scratch() as warehouse:
        tell(warehouse, 1, 1, 7)
        tell(warehouse, 2, 1, 14)
        tell(warehouse, 2, 2, 7)
        tell(warehouse, 3, 1, 0)  # by this very night, which is made again
        missions = pl.DataFrame([mission(player) for player in range(1, 5)])
        asks = asks_of(warehouse, at_night(APP), rows, profiles_of(rows), targets=NO_TARGETS, missions=missions)
    briefs = asks.filter(content_type="mission_brief")
    told = {row["player_key"]: (row["chapter"], row["occasion"]) for row in briefs.iter_rows(named=True)}
    assert told == {1: (2, "chapter2"), 2: (None, "scene5"), 3: (1, "chapter1"), 4: (1, "chapter1")}


NO_TARGETS = pl.DataFrame(
    schema={"player_key": pl.Int64, "metric": pl.String, "percentile": pl.Int32, "value": pl.Float64}
    | {"is_next": pl.Boolean}
)


def test_a_chapter_stands_in_its_brief_under_its_own_title_before_the_task():
    for number, mark in ((1, "Alpha"), (2, "Beta")):
        brief = Brief("b", "mission_brief", "", "solved", "", "en", f"chapter{number} single", 3)
        for found in write_variants(APP, brief, seed=1):
            assert found.title == f"Part {mark}"
            assert found.text.startswith(f"The gate {mark} stands open.")
            assert "{goal_1}" in found.text
            assert "{also}" not in found.text
    after = write_variants(APP, Brief("b", "mission_brief", "", "solved", "", "en", "", 3), seed=1)
    assert not any("gate" in found.text for found in after)


@pytest.mark.parametrize("language", ["en", "de", "it"])
@pytest.mark.parametrize("kind", voice_kinds())
def test_where_no_chapter_is_left_no_scene_comes_again_before_the_others_have(kind, language):
    """In any kind of app's voice; a player read the same scene three weeks in a row."""
    voice = {"theme": "x", "kind": kind, "languages": [language]}
    app = make_app(voice=voice, content={"types": TYPES}, challenges={"metrics": ["solved"]})
    scenes = [scene(app, language, 1 + briefs % SCENES) for briefs in range(4)]
    assert all(one != other for one, other in pairwise(scenes))
    assert len({*scenes}) >= 3


def scene(app: App, language: str, number: int) -> str:
    brief = Brief("b", "mission_brief", "", "solved", "", language, f"scene{number} single", 4)
    (only,) = {re.split(r"(?<=[.!?]) ", found.text)[0] for found in write_variants(app, brief, seed=1)}
    return only


def test_models_are_not_asked_by_the_scene_which_is_the_grammars_to_tell():
    """A question for each scene would be bought for nothing."""
    wanted = pl.DataFrame(
        {"player_key": [1, 2], "content_type": "mission_brief", "occasion": ["scene3 single", "scene12"]}
    )
    assigned = pl.DataFrame({"player_key": [1, 2], "arm": ["model", "grammar"]})
    profiles = pl.DataFrame(schema={"player_key": pl.Int64, "profile": pl.String})
    writers = {"mission_brief": {"model": "openai/x"}}
    told = {"compared": False, "as_of": BASE, "seed": 1, "write": None}
    with scratch() as warehouse:
        source = Pooled(APP, warehouse, {}, assigned, writers, profiles, nothing_read, **told)
        assert source.sign(wanted)["occasion"].to_list() == ["single", "scene12"]


def coached(app: App = APP, **columns: list[float]) -> dict[int, tuple[str, float, float, str]]:
    rows = feature_rows(app, 3, **columns)
    targets = pl.DataFrame(
        [(player, "solved", 50, 20.0, True) for player in (1, 2, 3)], schema=NO_TARGETS.schema, orient="row"
    )
    with scratch() as warehouse:
        asks = asks_of(warehouse, at_night(app), rows, profiles_of(rows), targets=targets)
    asks = asks.filter(content_type="personal_coaching")
    return {row["player_key"]: (row["metric"], row["done"], row["goal"], row["occasion"]) for row in asks.to_dicts()}


def test_coaching_tells_what_the_record_holds_and_what_is_left_from_there():
    told = coached(solved__28=[16.0, 14.0, 18.0], solved__7=[4.0, 9.0, 1.0])
    assert told == {
        1: ("solved", 16.0, 4.0, "steady near"),
        2: ("solved", 14.0, 6.0, "rising"),
        3: ("solved", 18.0, 2.0, "easing near"),
    }


def test_nobody_is_coached_towards_what_takes_longer_than_two_weeks_or_from_no_record():
    assert coached(solved__28=[13.0, 0.0, 20.0], solved__7=[3.0, 0.0, 3.0]) == {}


def test_messages_know_how_the_last_week_compares_and_the_ends_of_the_segments():
    rows = pl.DataFrame({"week": [12.0, 4.0, 7.0, 2.0], "month": [24.0, 40.0, 28.0, 3.0]})
    trend = rows.select(_trend(pl.col("week") * 4, pl.col("month"))).to_series()
    assert trend.to_list() == ["rising", "easing", None, None]
    levels = ["Low", "Mid", "High"]
    said = pl.DataFrame({"segment": levels}).select(_level(levels)).to_series()
    assert said.to_list() == ["novice", None, "master"]
    assert pl.DataFrame({"segment": ["Low"]}).select(_level(["Low"])).to_series().to_list() == [None]


@pytest.mark.parametrize("word", ["rising", "easing", "novice", "master"])
def test_a_message_carries_a_line_for_each_of_them(word: str):
    lines = {"rising": "busier", "easing": "calmer", "novice": "began somewhere", "master": "your way around"}
    brief = Brief("b", "motivational_message", "", "solved", "", "en", f"target {word}", 60)
    said = [found.text for found in write_variants(APP, brief, seed=2)]
    others = [line for name, line in lines.items() if name != word]
    assert any(lines[word] in text for text in said)
    assert not any(line in text for text in said for line in others)
