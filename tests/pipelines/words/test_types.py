"""The words of achievements, missions and their briefs, tutorials and social prompts."""

import datetime as dt
import json
import re

import polars as pl
import pytest

from configs.app import App
from configs.errors import NightquestError
from configs.loader import load_app
from configs.shipped import shipped_apps
from configs.wording import metric_words
from pipelines.challenges.lifetimes import lifetime_metrics
from pipelines.challenges.parts import OCCASIONS, PARTS
from pipelines.night.wanted import ASKS
from pipelines.words.app_file import voice_problems, wording_problems
from pipelines.words.briefs import TEXTS, Brief, prompt_version
from pipelines.words.checks.validate import TITLE_LENGTH
from pipelines.words.content_type import LONG_TEXT_LENGTH
from pipelines.words.types import content_type as type_of
from pipelines.words.types import require_words
from pipelines.words.types.tutorial import taught_metrics
from pipelines.words.writers.lexicon import brief_facts
from pipelines.words.writers.offline import write_variants
from tests.factories import make_app
from tests.pipelines.words.plans import NIGHT, make_asks, make_plan, numbers, write_words

TIERS = ("bronze", "silver", "gold", "platinum")
TYPES = ["daily_challenge", "custom_achievement", "adaptive_mission", "mission_brief", "tutorial", "social_prompt"]


@pytest.fixture(scope="module", params=shipped_apps())
def app(request) -> App:
    return load_app(request.param).app


def kinds(app: App) -> list[tuple[str, str, str]]:
    """(content type, metric, occasion) of everything new that may be written."""
    found = [("custom_achievement", metric, tier) for metric in lifetime_metrics(app) for tier in TIERS]
    found += [("adaptive_mission", metric, occasion) for metric in app.challenges.metrics for occasion in OCCASIONS]
    found += [("mission_brief", metric, "") for metric in app.challenges.metrics]
    found += [("tutorial", metric, occasion) for metric in taught_metrics(app) for occasion in ("new", "seldom")]
    return found + [
        ("social_prompt", m, occasion) for m in app.content.social_metrics for occasion in ("quiet", "keen")
    ]


def brief(content_type: str, metric: str, occasion: str, persona: str = "") -> Brief:
    return Brief("b", content_type, persona, metric, "", "en", occasion, TEXTS)


def test_each_has_many_texts_around_the_metrics_own_task(app):
    for content_type, metric, occasion in kinds(app):
        asked = brief(content_type, metric, occasion)
        found = write_variants(app, asked, seed=1)
        assert len({v.text for v in found}) >= TEXTS * 0.7, (content_type, metric, occasion)
        task = brief_facts(app, asked)["task"]
        assert all(v.text.lower().count(task.lower()) == 1 for v in found)
        assert {json.loads(v.metadata)["written"] for v in found} == {"grammar"}


def test_the_neutral_voice_has_many_texts_too():
    app = make_app(content={"types": TYPES, "social_metrics": ["solved", "streak"]})
    assert [*voice_problems(app), *wording_problems(app)] == []
    for content_type, metric, occasion in kinds(app):
        asked = brief(content_type, metric, occasion if app.metrics[metric].task else "none")
        assert len(write_variants(app, asked, seed=1)) >= TEXTS / 2


def frames(app: App, players: int = 36) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Missions, messages and achievements of neighbouring players."""
    missions = make_plan(app, players, per_player=1, content_type="adaptive_mission", window_days=7, target=6.0)
    also = [{"metric": app.challenges.metrics[0], "op": ">=", "target": 3.0}]
    missions = missions.with_columns(
        occasion=pl.Series([(*OCCASIONS, "single")[i % 4] for i in range(players)]),
        also=pl.Series([also if i % 4 < 3 else None for i in range(players)], dtype=PARTS),
    )
    personas, metrics = list(app.personas), app.challenges.metrics
    about = {"mission_brief": metrics, "tutorial": taught_metrics(app), "social_prompt": app.content.social_metrics}
    rows = [
        {
            "content_id": f"{kind}{player}",
            "player_key": player,
            "content_type": kind,
            "persona": personas[player % len(personas)],
            "language": "en",
            "metric": about[kind][player % len(about[kind])],
            "goal": 4.0 if kind == "mission_brief" else 1.0,
            "occasion": {"tutorial": "new", "social_prompt": "quiet"}.get(kind, ""),
            "window_days": 7 if kind == "mission_brief" else None,
            "mission": f"c{player}-0" if kind == "mission_brief" else None,
            "also": also if kind == "mission_brief" else None,
        }
        for player in range(players)
        for kind in about
        if about[kind]
    ]
    asks = pl.DataFrame(rows, schema_overrides=ASKS, infer_schema_length=None)
    asks = asks.with_columns(percentile=pl.lit(None, pl.Int32), recency_days=pl.lit(None, pl.Int32))
    life = lifetime_metrics(app)
    achievements = pl.DataFrame(
        [
            {
                "content_id": f"a{player}",
                "player_key": player,
                "content_type": "custom_achievement",
                "persona": personas[player % len(personas)],
                "language": "en",
                "metric": life[player % len(life)],
                "target": float((20, 250, 1000)[player % 3]),
                "tier": TIERS[player % 4],
            }
            for player in range(players)
        ]
    )
    return missions, asks, achievements


@pytest.fixture(scope="module")
def night(app):
    return write_words(app, *frames(app), seed=1, as_of=NIGHT)


def test_every_text_keeps_to_its_forms_length_and_fills_its_slots(app, night):
    for frame, source, text in zip(night, frames(app), ("description", "body", "description"), strict=True):
        assert frame["content_id"].to_list() == source["content_id"].to_list()
        for kind, title, said in zip(source["content_type"], frame["title"], frame[text], strict=True):
            assert 1 <= len(title) <= TITLE_LENGTH
            assert 1 <= len(said) <= type_of(kind).form.length <= LONG_TEXT_LENGTH
            assert not re.search(r"[{}#]|\bnull\b|\bNone\b", title + said)


def test_no_text_names_a_number_that_the_plan_did_not_set(app, night):
    amounts = [frame.get_column(name) for frame, name in zip(frames(app), ("target", "goal", "target"), strict=True)]
    for frame, source, amount, text in zip(
        night, frames(app), amounts, ("description", "body", "description"), strict=True
    ):
        windows = source["window_days"] if "window_days" in source.columns else [None] * source.height
        also = source["also"].to_list() if "also" in source.columns else [None] * source.height
        told = zip(source["metric"], amount, windows, also, frame[text], strict=True)
        for metric, goal, days, beside, said in told:
            words = metric_words(app, metric)
            wanted = [f"{goal:,.0f}", *re.findall(r"\d+", words.before + words.after), *([str(days)] if days else [])]
            for part in beside or ():
                other = metric_words(app, part["metric"])
                wanted += [f"{part['target']:,.0f}", *re.findall(r"\d+", other.before + other.after)]
            assert sorted(numbers(app, metric, said)) == sorted(wanted), said


def test_a_brief_names_its_mission_and_other_messages_their_metric_in_the_metadata(app, night):
    asks = frames(app)[1]
    for kind, metric, mission, text in zip(
        asks["content_type"], asks["metric"], asks["mission"], night[1]["metadata"], strict=True
    ):
        marks = json.loads(text)
        assert marks["metric"] == metric
        assert marks.get("mission") == (mission if kind == "mission_brief" else None)


def test_neighbours_read_different_texts(night):
    for frame, text in zip(night, ("description", "body", "description"), strict=True):
        least = 0.9 if text == "body" else 0.95  # a mission's brief steps aside for its mission, 65 of 72 in open_play
        assert frame[text].n_unique() >= least * frame.height


def test_words_for_a_new_type_leave_those_of_the_others_as_they_were():
    told = {"theme": "puzzles", "lexicon": {"closing": ["Mind how you go."]}}
    more = {**told, "lexicon": told["lexicon"] | {"tutorial_closing": ["Ask a friend."], "achievement": ["#task#."]}}
    before, after = make_app(voice=told), make_app(voice=more)
    plan, asks = make_plan(before, 10), make_asks(before, 10)
    old, new = (write_words(app, plan, asks, seed=1, as_of=NIGHT) for app in (before, after))
    assert old[0].equals(new[0])
    assert old[1].equals(new[1])
    assert prompt_version(before, "daily_challenge") == prompt_version(after, "daily_challenge")
    assert prompt_version(before, "tutorial") != prompt_version(after, "tutorial")


def test_a_social_metric_without_a_task_is_worded_without_numbers():
    app = make_app(content={"types": TYPES, "social_metrics": ["streak"]})
    ask = {
        "content_id": "s1",
        "player_key": 1,
        "content_type": "social_prompt",
        "persona": "BRUTE",
        "language": "en",
        "metric": "streak",
        "goal": None,
        "percentile": None,
        "recency_days": None,
        "occasion": "quiet",
    }
    asks = pl.DataFrame([ask], schema_overrides={"goal": pl.Float64, "percentile": pl.Int32, "recency_days": pl.Int32})
    _, letters = write_words(app, make_plan(app, 1).clear(), asks, seed=1, as_of=dt.date(2024, 1, 1))
    assert not re.search(r"\d", letters["body"][0])


def test_without_achievements_the_words_are_those_of_challenges_and_messages():
    app = make_app()
    plan, asks = make_plan(app, 3), make_asks(app, 3)
    none = frames(load_app("trading").app, 1)[2].clear()
    two, three = (
        write_words(app, plan, asks, seed=1, as_of=NIGHT),
        write_words(app, plan, asks, none, seed=1, as_of=NIGHT),
    )
    assert len(two) == 2
    assert three[2].is_empty()
    assert three[0].equals(two[0])


def test_what_a_content_type_lacks_is_told_before_a_night_with_how_to_go_on_from_one_that_began():
    app = make_app(content={"types": ["daily_challenge", "social_prompt"]})
    with pytest.raises(NightquestError, match="social_metrics") as told:
        require_words(app, "nightquest nightly --refresh")
    assert told.value.remedy.endswith("Where it is mended since: nightquest nightly --refresh")
    require_words(make_app())
