"""A content type is one new file and its prompt: planned, written, checked and published without a word elsewhere."""

import json
import logging
import shutil
import sys
from dataclasses import replace

import polars as pl
import pytest
from pydantic import SecretStr

from configs import prompt as prompts
from configs.errors import AppFileError, NightquestError
from configs.loader import export_schema, load_app
from configs.settings import Settings
from flows.cli.check import check_app
from pipelines.activity.job import run_ingest
from pipelines.publish.published import read_latest
from pipelines.words import types
from pipelines.words.app_file import everything
from pipelines.words.briefs import prompt_version
from pipelines.words.samples import sample_sentences
from tests.flows.world import LAST_NIGHT, PUZZLES, write_app, write_events
from tests.once import tracked_home
from tests.pipelines.nights import now, serve_night

ENCORE = '''
"""Encores: what a player did most of late, once more within a week."""

from itertools import product

import polars as pl

from pipelines.words.content_type import GOAL_AND_WINDOW, ContentType, Form, Shown


def plan(asking):
    """One for everybody likely enough to play: half again of the last week's."""
    done = pl.col("solved__7").cast(pl.Float64).fill_null(0)
    rows = asking.features.filter(done > 0).select(
        "player_key", metric=pl.lit("solved"), goal=(done / 2).ceil(), window_days=7, occasion=pl.lit("again")
    )
    return rows.join(asking.likely, on="player_key", how="semi", maintain_order="left")


TYPE = ContentType(
    table="messages",
    form=Form("body", slots=GOAL_AND_WINDOW, timed=True),
    starts=("encore_title", "encore"),
    plain_title="Encore",
    plain={"": "{task} {{window}}."},
    briefs=lambda app: product(app.challenges.metrics, ["again"]),
    occasions=("again",),
    plan=plan,
    shown=Shown("encore", occasion="again"),
    names_metric=True,
)
'''
LEXICON = {
    "encore_title": ["Once More", "The Same Again", "Encore"],
    "encore": ["That went well. #task# {window}.", "{window}, #task#. You know how.", "#task# {window}. Why not?"],
    "encore_again": ["Again, then: #task# {window}."],
}
CONTENT = {"types": ["daily_challenge", "motivational_message", "encore"], "variants": 6}


@pytest.fixture(name="folder")
def _folder(tmp_path, monkeypatch):
    """A folder whose files are among those of the content types, with a prompt for each that `add` adds."""
    asked = tmp_path / "prompts"
    shutil.copytree(prompts.PROMPTS, asked)
    (tmp_path / "types").mkdir()
    monkeypatch.setattr(prompts, "PROMPTS", asked)
    monkeypatch.setattr(types, "__path__", [*types.__path__, str(tmp_path / "types")])
    yield tmp_path
    for path in (tmp_path / "types").glob("*.py"):
        sys.modules.pop(f"{types.__name__}.{path.stem}", None)


def add(folder, name, text):
    (folder / "types" / f"{name}.py").write_text(text)
    (folder / "prompts" / f"{name}.md").write_text(
        "# System\n{{rules}}\nWrite encores: a title and a body.\n{{voice}}\n# User\n<brief>\n{{brief}}\n</brief>\n"
    )


def write(folder, **content):
    return write_app(folder, content=CONTENT | content, voice={"theme": "puzzles", "lexicon": LEXICON})


@pytest.fixture(name="past", scope="module")
def _past(tmp_path_factory):
    """A home with the app's past taken in, to copy: what is written is nothing to it."""
    folder = tmp_path_factory.mktemp("past")
    loaded, settings = load_app(str(write_app(folder))), Settings(home=folder / "home")
    run_ingest(settings, loaded, [write_events(folder)], history=True, players=False, now=now())
    return settings.home


@pytest.fixture(name="played")
def _played(past, folder):
    """The app as it is told to be, with its past taken in, and its settings."""

    def play(**content):
        shutil.copytree(past, folder / "home")
        return load_app(str(write(folder, **content))), Settings(home=folder / "home")

    return play


def encores(settings):
    return read_latest(settings.home, "puzzles").table("messages").filter(pl.col("content_type") == "encore")


def test_a_new_file_is_planned_written_checked_and_published(folder, played):
    add(folder, "encore", ENCORE)
    loaded, settings = played()
    assert "encore" in {brief.content_type for brief in everything(loaded.app)}
    serve_night(settings, loaded, LAST_NIGHT)
    found = encores(settings)
    assert found.height > 2
    assert found["user_id"].is_unique().all()
    told = {json.loads(text)["metric"] for text in found["metadata"]}
    assert told == {"solved"}
    assert found["body"].str.contains(r"[Ss]olve \d+ puzzles?\b").all()
    assert found["body"].str.contains("ithin the next 7 days", literal=True).all()
    assert not found["body"].str.contains(r"[{}#]").any()
    assert set(found["ai_provider"]) == {"offline"}
    assert {json.loads(text)["written"] for text in found["metadata"]} == {"grammar"}


def test_check_shows_a_sample_of_it_and_the_schema_lists_it(folder):
    add(folder, "encore", ENCORE)
    loaded = check_app(folder / "home", str(write(folder)))
    assert {sample.of for sample in sample_sentences(loaded.app) if sample.form == "encore"} == {
        f"metrics.{name}" for name in loaded.app.challenges.metrics
    }
    listed = export_schema()["$defs"]["Content"]["properties"]["types"]["items"]["enum"]
    assert "encore" in listed
    assert listed == sorted(listed)


def test_the_texts_of_other_types_do_not_change_with_it(folder):
    add(folder, "encore", ENCORE)
    silent, spoken = load_app(str(write_app(folder))).app, load_app(str(write(folder))).app
    changed = {name for name in types.content_types() if prompt_version(silent, name) != prompt_version(spoken, name)}
    assert changed == {"encore"}


@pytest.mark.slow
def test_a_language_model_writes_it_too(folder, played, tmp_path_factory, language_server):
    add(folder, "encore", ENCORE)
    loaded, settings = played(types=["encore"], provider="openai")
    tracked_home(tmp_path_factory, settings.home)
    keys = {
        "openai_api_key": SecretStr(language_server.openai_key),
        "openai_base_url": SecretStr(language_server.openai_url),
        "answer_timeout_s": 60,
    }
    serve_night(settings.model_copy(update=keys), loaded, LAST_NIGHT)
    found = encores(settings).filter(pl.col("ai_provider") == "openai")
    assert found.height > 0
    assert found["body"].str.contains("the next 7 days", literal=True).all()


UNUSABLE = {
    "raising": ("1 / 0", "ZeroDivisionError"),
    "untyped": ("TYPE = None", "TypeError: TYPE is no ContentType"),
    "not_python": ("def", "SyntaxError"),
    "missing": (None, "it has a prompt alone"),
}


RAISING = {
    "plan": (ENCORE.replace("    rows = asking", "    1 / 0\n    rows = asking"), "ZeroDivisionError"),
    "rows": (ENCORE.replace('how="semi", maintain_order="left")', 'how="inner").select(user="metric")'), "Column"),
    "twice": (
        ENCORE.replace("    return rows.join", "    rows = pl.concat([rows, rows])\n    return rows.join"),
        "two mess",
    ),
    "keys": (ENCORE.replace("    names_metric", "    keys=lambda app: {} / 0,\n    names_metric"), "TypeError"),
    "goal": (ENCORE.replace("(done / 2).ceil()", "done / 0"), "not finite"),
}


LOOKING = ENCORE.replace(
    "    return rows.join", '    assert not asking.rows("encore_plan").height\n    return rows.join'
)  # at a type that fails
UNASKED = ENCORE.replace('briefs=lambda app: product(app.challenges.metrics, ["again"]),', "briefs=lambda app: [],")
UNASKABLE = {
    "lacks": UNASKED.replace("    names_metric", "    lacks=lambda app: 1 / 0,\n    names_metric"),
    "briefs": UNASKED.replace("briefs=lambda app: []", "briefs=lambda app: [] / 1"),
}


def test_those_that_cannot_be_used_asked_or_planned_are_named_each_and_the_rest_of_the_night_goes_out(
    folder, played, caplog
):
    raising = {f"encore_{name}": text for name, (text, _) in RAISING.items()}
    unusable = {name: text or "" for name, (text, _) in UNUSABLE.items()}
    for name, text in {**unusable, **raising, **UNASKABLE, "echo": LOOKING}.items():
        add(folder, name, text)
    (folder / "types" / "missing.py").unlink()
    loaded, settings = played(
        types=["daily_challenge", "motivational_message", *UNUSABLE, *raising, *UNASKABLE, "echo"]
    )
    with caplog.at_level(logging.WARNING):
        report = serve_night(settings, loaded, LAST_NIGHT)
    for name, (text, why) in UNUSABLE.items():
        (note,) = [note for note in report.notes if f"content type {name} " in note]
        assert why in note
        assert f"pipelines/words/types/{name}.py" in note
        assert text is None or f"The content type {name} is not written" in caplog.text
        with pytest.raises(AppFileError, match=rf"content\.types: .*{name}"):
            check_app(settings.home, str(write(folder, types=["daily_challenge", name])))
    assert len([note for note in report.notes if "encore" in note]) == len(RAISING)
    for name, (_, why) in RAISING.items():
        (note,) = [note for note in report.notes if note.startswith(f"Nothing of encore_{name} is planned: ")]
        assert why in note
        assert note.endswith(f"See pipelines/words/types/encore_{name}.py.")
        assert note in caplog.text
    for name in UNASKABLE:
        assert any(note.startswith(f"The content type {name} cannot be checked") for note in report.notes)
        told = rf"content type {name} cannot be checked: its {name} end in .*{name}\.py"
        with pytest.raises(AppFileError, match=told):
            check_app(settings.home, str(write(folder, types=["daily_challenge", name])))
    night = read_latest(settings.home, "puzzles")
    assert night.table("challenges").height > 0
    assert set(night.table("messages")["content_type"]) == {"motivational_message", *UNASKABLE, "echo"}


def test_of_types_that_go_together_one_that_fails_leaves_the_other_without_a_fault_and_its_readers_accounted_for(
    played, monkeypatch
):
    loaded, settings = played(
        types=[
            *("daily_challenge", "adaptive_mission", "mission_brief"),
            *("motivational_message", "come_back_message"),
        ]
    )
    kinds = types.content_types()
    failing = ("adaptive_mission", "motivational_message")  # a mission has its brief, and who gets the other is counted
    broken = {name: replace(kinds[name], plan=lambda asking: 1 / 0) for name in failing}
    monkeypatch.setattr("pipelines.night.wanted.content_types", lambda: {**kinds, **broken})
    notes = [note for note in serve_night(settings, loaded, LAST_NIGHT).notes if "is planned" in note]
    assert sorted(note.split(":")[0] for note in notes) == [f"Nothing of {name} is planned" for name in failing]


def test_two_of_one_name_are_refused_with_both_their_places(folder):
    add(folder, "tutorial", ENCORE)
    with pytest.raises(NightquestError, match=r"Two files have the name tutorial: .*tutorial\.py and .*tutorial\.py"):
        types.content_types()


def test_an_app_file_that_names_an_unknown_type_is_told_the_known_ones(folder):
    path = write(folder, types=["daily_challenge", "encore"])
    with pytest.raises(AppFileError) as raised:
        load_app(str(path))
    assert "'encore' is no content type" in str(raised.value)
    assert "adaptive_mission, badge_citation, come_back_message" in str(raised.value)
    assert f"{path}:" in str(raised.value)


def test_a_type_without_what_it_needs_is_refused_by_check_with_every_other_fault(folder):
    content = {"types": ["social_prompt", "mission_brief"]}
    badges = {"odd": {**PUZZLES["badges"]["regular"], "when": "unknown > 3"}}
    path = write_app(folder, content=content, badges=badges)
    with pytest.raises(AppFileError) as raised:
        check_app(folder / "home", str(path))
    for fault in ("a social_prompt needs the metrics", "a mission_brief goes with", "unknown"):
        assert fault in str(raised.value)


def test_a_night_of_a_type_without_what_it_needs_is_refused_with_the_way_to_see_every_fault(folder, played):
    loaded, settings = played(types=["daily_challenge", "social_prompt"])
    with pytest.raises(NightquestError, match=r"a social_prompt needs the metrics.*\. See .*: nightquest check"):
        serve_night(settings, loaded, LAST_NIGHT)
    assert not (settings.home / "published").exists()
