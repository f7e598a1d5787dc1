"""Hostile strings as names, attributes and event properties of a whole night change nothing but what stands in them."""

import datetime as dt
import json
import re
import unicodedata
from dataclasses import dataclass

import polars as pl
import pytest

from models.language.offers import language_models
from pipelines.activity.ingest import ingest_files
from pipelines.challenges.plan import recent_challenges
from pipelines.known import Known
from pipelines.learning.training import learn_models
from pipelines.night.plan import plan_night
from pipelines.night.wanted import want_content
from pipelines.pins import make_night
from pipelines.words.briefs import brief_pieces, read_briefs
from pipelines.words.checks.cleaning import VALUE_LENGTH, clean
from pipelines.words.individual import individual_profiles
from pipelines.words.write import want_texts
from pipelines.words.writers.prompts import load_prompts, render_request, system_part
from tests.factories import make_app, warehouse_with
from tests.pipelines.activity.deliveries import as_jsonl, quarantine, write
from tests.pipelines.words.hostile import hostile_strings
from tests.pipelines.words.plans import write_words

STRINGS = hostile_strings()
BYSTANDERS = 20
DAYS = 20
START = dt.datetime(2024, 1, 1, 9, tzinfo=dt.UTC)
NIGHT = dt.date(2024, 1, 25)
BETWEEN = re.compile(r"<brief>\n(.*?)\n</brief>", re.DOTALL)
PROMPTS = load_prompts()
PRICING = language_models().models["gpt-5.6-luna"]
APP = make_app(
    events={"solve": {"properties": {"points": {"type": "number", "min": 0}, "topic": "text", "note": "text"}}},
    metrics={
        "solved": {"event": "solve", "label": "puzzles solved", "unit": "puzzle", "task": "Solve {goal}"},
        "points": {"event": "solve", "agg": "sum", "of": "points", "unit": "point", "task": "Collect {goal}"},
        "topics": {"event": "solve", "agg": "distinct", "of": "topic", "unit": "topic", "task": "Visit {goal}"},
    },
    challenges={"metrics": ["solved", "points", "topics"]},
    content={
        "types": ["daily_challenge", "motivational_message", "come_back_message"],
        "individual": {"at_risk": 0.2, "sample": 0.2, "attributes": ["nickname", "motto"]},
    },
)


@dataclass
class World:
    """What a night makes of its players."""

    wanted: pl.DataFrame
    requests: dict[str, tuple[str, str, str]]
    texts: list[pl.DataFrame]
    profiles: dict[int, dict]
    refused: list


def storable(text):
    """What a database can hold of a string: no lone surrogates and no NUL."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def name_of(text):
    """A user id as ingest takes it: it refuses control characters in one."""
    return "".join(c for c in storable(text)[:240] if unicodedata.category(c) != "Cc")


def night_with(folder, typed):
    """One night; `typed` gives what player number i has typed everywhere that players can type."""
    players = range(1, len(STRINGS) + BYSTANDERS + 1)
    names = [f"bystander {i}" if i > len(STRINGS) else f"{name_of(typed(i))}|{i}" for i in players]
    with warehouse_with(APP) as warehouse:
        warehouse.append("players", pl.DataFrame({"player_key": players, "user_id": names}))
        records = pl.DataFrame(
            {
                "player_key": players,
                "attributes": [
                    json.dumps({"nickname": storable(typed(i)), "motto": storable(typed(i + 1))[::-1]}) for i in players
                ],
            }
        ).with_columns(recorded_at=pl.lit(START), available_at=pl.lit(START))
        warehouse.append("player_records", records)
        rows = [
            {
                "event_id": f"{i}-{day}",
                "user_id": name,
                "event": "solve",
                "occurred_at": (START + dt.timedelta(days=day, minutes=i)).isoformat(),
                "properties": {
                    "points": 1 + (i + day) % 7,
                    "topic": f"{storable(typed(i + day))[:500]}#{day % 5}",
                    "note": storable(typed(i)),
                },
            }
            for i, name in zip(players, names, strict=True)
            for day in range(i % 5, DAYS, 3 + i % 4)
        ]
        files = write(folder, {"events.jsonl": as_jsonl(rows)})
        ingest_files(warehouse, APP, files, now=START + dt.timedelta(days=40), history=True)
        assert warehouse.value("SELECT count(*) FROM events") == len(rows) - len(quarantine(warehouse))
        return _understood(warehouse)


def _understood(warehouse):
    night = make_night(warehouse, APP, NIGHT, dt.datetime(2024, 1, 25, tzinfo=dt.UTC))
    models = learn_models(Known(warehouse, night), seed=1).models
    planned = plan_night(Known(warehouse, night), models, None, recent_challenges(Known(warehouse, night)))
    plan, asks, achievements = want_content(Known(warehouse, night), planned).frames
    wanted = want_texts(APP, plan, asks, achievements)
    briefs, _ = brief_pieces(APP, [wanted], wanted.columns)
    requests = {}
    for brief in read_briefs(briefs):
        request = ask(brief)
        requests[brief.brief_id] = (request.system, request.user, request.key)
    own = individual_profiles(
        Known(warehouse, night), planned.players.features, planned.players.profiles, planned.plan.chances
    )
    texts = write_words(APP, plan, asks, achievements, seed=1, as_of=NIGHT)
    keys = wanted.select("content_id", "player_key")
    told = [part.join(keys, on="content_id").drop("content_id").sort(pl.all()) for part in texts]
    profiles = {key: json.loads(profile) for key, profile in own.iter_rows()}
    return World(wanted.drop("content_id"), requests, told, profiles, quarantine(warehouse))


def ask(brief, **options):
    return render_request(
        APP,
        brief,
        PROMPTS[brief.content_type],
        provider="openai",
        model="gpt-5.6-luna",
        pricing=PRICING,
        variants=10,
        **options,
    )


@pytest.fixture(scope="module")
def worlds(tmp_path_factory):
    plain = night_with(tmp_path_factory.mktemp("plain"), lambda i: f"word {i % len(STRINGS)}")
    hostile = night_with(tmp_path_factory.mktemp("hostile"), lambda i: STRINGS[i % len(STRINGS)])
    return plain, hostile


def test_there_are_more_than_three_hundred_hostile_strings():
    assert len(set(STRINGS)) > 300
    assert hostile_strings() == STRINGS


def test_no_event_with_a_hostile_property_is_lost(worlds):
    assert [world.refused for world in worlds] == [[], []]


def test_no_brief_of_many_changes_by_a_single_character(worlds):
    plain, hostile = worlds
    assert len(plain.requests) > 5
    assert hostile.requests == plain.requests


def test_no_number_of_anybody_changes(worlds):
    plain, hostile = worlds
    assert plain.wanted.height > len(STRINGS)
    assert hostile.wanted.equals(plain.wanted)


def test_nobodys_text_changes(worlds):
    plain, hostile = worlds
    assert plain.texts[0].height > len(STRINGS)
    for ours, theirs in zip(plain.texts, hostile.texts, strict=True):
        assert ours.equals(theirs)


def test_a_profile_tells_the_cleaned_string_and_is_otherwise_the_same(worlds):
    plain, hostile = worlds
    both = plain.profiles.keys() & hostile.profiles.keys()  # among equals, a hash of the user id draws
    assert len(both) > 60
    for key in both:
        profile = hostile.profiles[key]
        told, other = profile.pop("attributes", {}), plain.profiles[key].pop("attributes", {})
        assert profile == plain.profiles[key]
        assert set(told) <= {"nickname", "motto"} == set(other)
        assert all(len(value) <= VALUE_LENGTH for value in told.values())


def some_brief(worlds):
    return next(read_briefs(brief_pieces(APP, [worlds[0].wanted], ())[0]))


def own_brief(brief, text):
    profile = json.dumps({"attributes": {"nickname": text}, "likes": "puzzles solved", text[:30]: "x"})
    return type(brief)(**{**vars(brief), "profile": profile})


def test_in_an_own_brief_every_string_stays_inside_its_json_string(worlds):
    brief = some_brief(worlds)
    without = ask(brief)
    head, tail = without.user.split(BETWEEN.search(without.user)[1])
    for text in STRINGS:
        request = ask(own_brief(brief, text))
        assert request.system == without.system == system_part(APP, PROMPTS[brief.content_type])
        assert request.schema == without.schema
        assert request.user.startswith(head)
        assert request.user.endswith(tail)
        inside = request.user.removeprefix(head).removesuffix(tail)
        assert not re.search(
            r"[<>&\x00-\x1f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufe00-\ufe0f\U000e0000-\U000e01ef]", inside
        )
        assert len(inside) < len(without.user) + 600
        data = json.loads(inside)
        profile = data.pop("profile")
        assert data == json.loads(BETWEEN.search(without.user)[1])
        assert profile["attributes"] == {"nickname": clean(text)}
        assert profile["likes"] == "puzzles solved"
        assert len(profile) <= 3
        assert not re.search(r"[{}\[\]`]", clean(text))


def test_a_hostile_string_as_an_earlier_fault_or_title_stays_data_too(worlds):
    brief = some_brief(worlds)
    for text in STRINGS:
        request = ask(brief, avoid=[text], again=[text])
        assert request.user.count("</brief>") == 1
        data = json.loads(BETWEEN.search(request.user)[1])
        assert data["avoid"] == [clean(text, 60)]
        assert request.system == system_part(APP, PROMPTS[brief.content_type])
