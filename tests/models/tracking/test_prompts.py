"""Real MLflow on SQLite. Starting it costs seconds, so one store serves all tests, each with prompts of its own."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from configs.errors import NightquestError
from configs.prompt import Prompt, fill, read_prompts
from models.tracking.prompts import CANDIDATE, PREFIX, PRODUCTION, PromptRegistry
from models.tracking.store import Tracking
from tests.once import tracked_home

names = (f"prompt_{i}" for i in itertools.count())


@pytest.fixture(scope="module")
def tracking(tmp_path_factory):
    home = tracked_home(tmp_path_factory, tmp_path_factory.mktemp("home"))
    return Tracking(f"sqlite:///{home}/mlflow.db", None)


@pytest.fixture
def registry(tracking):
    return PromptRegistry(tracking)


def prompt(text="Be kind.", name=None):
    return Prompt(name or next(names), f"{text}\n{{{{voice}}}}", "Write.\n<brief>\n{{brief}}\n</brief>")


def versions(registry, name):
    return sorted(int(v.version) for v in registry._client.search_prompt_versions(PREFIX + name))


def version_of(registry, name, alias):
    return int(registry._client.get_prompt_version_by_alias(PREFIX + name, alias).version)


def test_the_same_text_is_kept_once_however_often_it_is_registered(registry):
    one = prompt()
    assert registry.register({one.name: one}).new == {one.name: 1}
    for _ in range(3):
        assert registry.register({one.name: one}).new == {}
    assert versions(registry, one.name) == [1]
    assert version_of(registry, one.name, PRODUCTION) == 1


def test_a_changed_file_is_a_candidate_and_what_serves_stays(registry):
    one = prompt()
    registry.register({one.name: one})
    changed = replace(one, system="Be brief.\n{{voice}}")
    registered = registry.register({one.name: changed})
    assert registered.new == {one.name: 2}
    assert one.name in registered.notes[0]
    assert PRODUCTION in registered.notes[0]
    assert version_of(registry, one.name, PRODUCTION) == 1
    assert version_of(registry, one.name, CANDIDATE) == 2
    serving = registry.fetch({one.name: changed})
    assert serving.prompts[one.name] == one
    assert serving.versions == {one.name: 1}
    assert registry.fetch({one.name: changed}, CANDIDATE).prompts[one.name] == changed


def test_a_person_who_moves_the_alias_decides_what_serves(registry):
    one = prompt()
    changed = replace(one, user="Now:\n<brief>\n{{brief}}\n</brief>")
    registry.register({one.name: one})
    registry.register({one.name: changed})
    registry.promote(one.name, 2)
    assert registry.fetch({one.name: one}).prompts[one.name] == changed
    assert registry.register({one.name: changed}).notes == ()
    # The file goes back to its first text: that is known, and what the person chose still serves.
    back = registry.register({one.name: one})
    assert back.new == {}
    assert "version 1" in back.notes[0]
    assert "version 2 serves" in back.notes[0]
    registry._client.set_prompt_alias(PREFIX + one.name, PRODUCTION, 1)  # as in MLflow's own pages
    assert registry.fetch({one.name: changed}).prompts[one.name] == one


def test_a_text_made_by_hand_in_mlflow_serves_and_is_not_registered_again(registry):
    one = prompt()
    registry.register({one.name: one})
    mine = replace(one, system="Mine.\n{{voice}}")
    chat = [{"role": "system", "content": mine.system}, {"role": "user", "content": mine.user}]
    made = registry._client.register_prompt(PREFIX + one.name, chat, tags={"content_sha256": one.content_hash})
    registry.promote(one.name, int(made.version))
    assert registry.fetch({one.name: one}).prompts[one.name] == mine
    assert registry.register({one.name: mine}).new == {}


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("Only text {{brief}}", "is not a chat"),
        ([{"role": "user", "content": "{{brief}}"}], "is not a chat"),
        ([{"role": "system", "content": "{{voice}}"}, {"role": "user", "content": "{{brief}} {{name}}"}], "{{name}}"),
    ],
)
def test_a_version_that_cannot_be_used_never_serves_and_the_note_says_why(registry, template, says):
    one = prompt()
    registry.register({one.name: one})
    made = registry._client.register_prompt(PREFIX + one.name, template)
    with pytest.raises(NightquestError, match=r"version 2|Version 2"):
        registry.promote(one.name, int(made.version))
    registry._client.set_prompt_alias(PREFIX + one.name, PRODUCTION, int(made.version))
    serving = registry.fetch({one.name: one})
    assert serving.prompts[one.name] == one
    assert serving.versions == {}
    assert says in serving.notes[0]


def test_a_version_that_is_not_there_is_not_promoted(registry):
    one = prompt()
    registry.register({one.name: one})
    with pytest.raises(NightquestError, match="Version 9"):
        registry.promote(one.name, 9)


def test_without_the_alias_the_files_serve_and_the_note_says_so(registry):
    one = prompt()
    serving = registry.fetch({one.name: one}, "summer")
    assert serving.prompts == {one.name: one}
    assert "summer" in serving.notes[0]


def test_a_registry_that_is_down_leaves_the_files_serving(registry, tracking, monkeypatch):
    one = prompt()
    registry.register({one.name: one})
    gone = tracking.mlflow.MlflowClient(registry_uri="http://127.0.0.1:9", tracking_uri="http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(registry, "_client", gone)
    serving = registry.fetch({one.name: one})
    assert serving.prompts == {one.name: one}
    assert "cannot be reached" in serving.notes[0]
    with pytest.raises(NightquestError, match="cannot be used"):
        registry.register({one.name: one})


def test_two_that_register_at_once_make_one_version(tracking):
    one = prompt()
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: PromptRegistry(tracking).register({one.name: one}).new, range(2)))
    assert sorted(map(len, done)) == [0, 1]
    assert versions(PromptRegistry(tracking), one.name) == [1]


def test_every_file_comes_back_as_it_is_and_nothing_is_written_again(registry, tracking):
    files = read_prompts()
    assert registry.register(files).new == dict.fromkeys(files, 1)
    store = Path(tracking.uri.removeprefix("sqlite:///"))
    before = store.read_bytes()
    again = registry.register(files)
    serving = registry.fetch(files)
    assert store.read_bytes() == before
    assert again.new == {}
    assert again.notes == ()
    assert serving.prompts == files
    assert serving.notes == ()


def test_a_value_cannot_smuggle_in_a_slot_that_mlflow_would_fill(registry):
    one = Prompt(next(names), "{{voice}}", "{{brief}}")
    registry.register({one.name: one})
    served = registry.fetch({one.name: one}).prompts[one.name]
    assert fill(served.user, {"brief": "{{voice}} {{brief}}"}) == "{{voice}} {{brief}}"
