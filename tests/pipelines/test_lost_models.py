"""A night that cannot reach its models says so: champions serve as a night before kept them, or it learns its own."""

import datetime as dt
import shutil
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from mlflow import MlflowClient
from pydantic import SecretStr

from models import portable
from models.contest.outcome import Decision
from models.portable import save_json
from models.tracking.pages import ModelRun
from pipelines.challenges.propose import PLANNED_WITH
from pipelines.learning.incumbents import incumbents
from pipelines.night.open_night import open_night
from pipelines.night.words import hire_writers
from pipelines.publish.health import lies_in, model_faults, registry_fault
from pipelines.publish.published import read_manifest
from pipelines.stores import open_registry
from tests.pipelines.nights import champions, context_of, now, serve_night
from tests.pipelines.trained import FIRST, NEXT
from tests.spelling import spell_anew

pytestmark = pytest.mark.long


def lose(settings, *names):
    for name in names:
        path = settings.home / name
        path.unlink() if path.is_file() else shutil.rmtree(path)


def as_registered(trained):
    return {task: f"puzzles.{task}/{version}" for task, version in trained.versions.items()}


def damage(path):
    path.write_bytes(b"x" + path.read_bytes()[1:])


LOSSES = {
    "out of reach": lambda settings: settings.model_copy(update={"mlflow_uri": "http://127.0.0.1:9"}),
    "damaged": lambda settings: damage(settings.home / "mlflow.db"),
    "gone": lambda settings: lose(settings, "mlflow.db", "mlartifacts"),
    "without files": lambda settings: lose(settings, "mlartifacts"),
    "with other files": lambda settings: [damage(f) for f in (settings.home / "mlartifacts").rglob("kind.json")],
}


@pytest.fixture(name="before", scope="module")
def _before(trained, tmp_path_factory):
    """Who serves while nothing is lost."""
    settings = trained.copy(tmp_path_factory.mktemp("before"))
    with pytest.MonkeyPatch.context() as patch:
        spell_anew(patch)
        served = champions(settings, trained.loaded, NEXT)
        assert served.notes == champions(settings, trained.loaded, NEXT).notes
    return served


@pytest.mark.parametrize("loss", LOSSES)
def test_where_the_registry_cannot_be_had_champions_serve_as_the_night_before_kept_them_and_the_night_says_so(
    trained, before, tmp_path, monkeypatch, loss
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = trained.copy(tmp_path)
    lost = LOSSES[loss](settings)
    changed = {fault.message.split()[3] for fault in model_faults(settings.home, "puzzles")}
    assert changed == ({f"puzzles.{task}" for task in trained.versions} if loss == "with other files" else set())
    served = champions(lost if loss == "out of reach" else settings, trained.loaded, NEXT)
    assert served.told() == before.told() == as_registered(trained)
    (told,) = [note for note in served.notes if note not in before.notes]
    assert [note for note in served.notes if note != told] == list(before.notes)  # why none was made is kept, too
    assert "Champions serve as a night before kept them: " in told
    assert f"plays version {trained.versions['plays']}" in told
    assert served.challenges.plays.recalibration == before.challenges.plays.recalibration


def test_without_the_tracking_server_a_night_goes_out_and_who_writes_does_so_by_the_prompt_files(
    trained, tmp_path, monkeypatch
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = LOSSES["out of reach"](trained.copy(tmp_path))
    writing = settings.model_copy(update={"openai_api_key": SecretStr("key")})
    with open_night(trained.loaded, NEXT, now(), context_of(writing)) as tonight:
        assert any(note.endswith("The prompt files serve.") for note in hire_writers(tonight).notes)
    report = serve_night(settings, trained.loaded, NEXT)
    assert report.issued
    assert any("Champions serve as a night before kept them" in note for note in report.notes)
    assert read_manifest(report.path).models["plays"] == as_registered(trained)["plays"]


def test_models_that_are_lost_and_were_not_kept_are_told_as_lost_and_the_promises_of_the_night_go_on(
    trained, tmp_path
) -> None:
    settings = trained.copy(tmp_path)
    assert registry_fault(settings.home, "puzzles") is None
    for lost in (["mlartifacts", "champions"], ["mlflow.db"]):  # at first the registry is still there
        lose(settings, *lost)
        told = registry_fault(settings.home, "puzzles")
        assert told is not None
        notes = champions(settings, trained.loaded, NEXT).notes
        assert any(told.message.rstrip(".") in note and "learned its own" in note for note in notes)
        assert not any("No trained model" in note for note in notes)
    report = serve_night(settings, trained.loaded, NEXT)
    assert report.issued
    assert set(notes) <= set(report.notes)


def test_a_kept_champion_whose_files_were_changed_or_that_knew_the_night_does_not_serve(trained, tmp_path):
    settings = trained.copy(tmp_path)
    lose(settings, "mlflow.db", "mlartifacts")
    kept = settings.home / "champions" / "puzzles"
    assert champions(settings, trained.loaded, FIRST - dt.timedelta(days=1)).told()["plays"] == "fallback"
    damage(kept / "plays" / "files" / "model.json")
    shutil.rmtree(kept / "attainment" / "files")
    served = champions(settings, trained.loaded, NEXT)
    assert {served.told()[name] for name in ("plays", "attainment")} == {"fallback"}
    assert served.told()["segments"] == as_registered(trained)["segments"]
    assert any("kept is not what was registered: model.json changed" in note for note in served.notes)


def test_of_registered_models_that_were_changed_and_not_kept_each_is_told_and_the_night_goes_on(trained, tmp_path):
    settings = trained.copy(tmp_path)
    lose(settings, "champions")
    other = next(task for task in trained.versions if task not in {*PLANNED_WITH, "segments"})
    after = {"attainment": "so this night learned its own", "segments": "segments follow", other: "Run: nightquest"}
    for task in after:
        for path in (settings.home / "mlartifacts" / "puzzles" / task).rglob("kind.json"):
            damage(path)
    served = champions(settings, trained.loaded, NEXT)
    fallbacks = {task for task, version in served.told().items() if version == "fallback"}
    assert (fallbacks, other in served.others) == ({*PLANNED_WITH, "segments"}, False)
    for task, told in after.items():
        assert any(f"puzzles.{task} (version" in note and told in note for note in served.notes), task


def test_who_serves_no_more_is_kept_no_more(trained, tmp_path):
    settings, other = trained.copy(tmp_path), next(task for task in trained.versions if task not in PLANNED_WITH)
    client = MlflowClient(settings.tracking_uri, settings.tracking_uri)
    client.delete_registered_model_alias(f"puzzles.{other}", "champion")
    champions(settings, trained.loaded, NEXT)
    lose(settings, "mlflow.db", "mlartifacts")
    served = {
        task for task, version in champions(settings, trained.loaded, NEXT).told().items() if version != "fallback"
    }
    assert served == {*trained.versions} - {other}


class Older:
    """A model of play as another version kept it: of a kind that is not known any more."""

    kind: ClassVar[str] = "plays"

    def to_files(self, folder):
        save_json(folder / "model.json", {})

    @classmethod
    def from_files(cls, _folder):
        return cls()

    def predict(self, rows):
        return np.full(rows.height, 0.5)


def test_models_that_another_version_kept_otherwise_are_told_with_the_remedy(trained, tmp_path, monkeypatch) -> None:
    settings, app = trained.copy(tmp_path), trained.loaded.app
    registry, days = open_registry(settings), {"last": FIRST - dt.timedelta(days=2)}
    with monkeypatch.context() as then:
        then.setitem(portable._elsewhere, "plays", Older)
        promoted = Decision(promote=True, reason="better")
        run = ModelRun(Older(), "Play?", promoted, days, {}, {"x": pl.Float64()}, "hash", "code", first_night=NEXT)
        assert registry.record(app.app, "plays", run).champion
    assert incumbents(registry, app, NEXT)["plays"].gone == "is of another version of Nightquest"
    served = champions(settings, trained.loaded, NEXT)
    (told,) = [note for note in served.notes if "another version of Nightquest" in note]
    assert "so this night learned its own. Run: nightquest train" in told
    assert served.told()["plays"] == "fallback"


def test_a_version_lies_where_the_registry_says_also_a_copy_of_another_and_in_a_home_that_was_moved(tmp_path):
    place = "mlartifacts/my%20app/plays/models/m-1/artifacts"
    found = tmp_path / "mlartifacts" / "my app" / "plays" / "models" / "m-1" / "artifacts"
    assert lies_in(tmp_path, f"file:///of/before/{place}") == found
    assert lies_in(tmp_path, "s3://models/m-1/artifacts") is None
