"""A night whose models are lost says that they are lost, and learns its own."""

import datetime as dt
import shutil
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from models import portable
from models.portable import save_json
from models.tracking.pages import Decision, ModelRun
from pipelines.learning.incumbents import incumbents
from pipelines.publish.health import registry_fault
from pipelines.stores import open_registry
from tests.pipelines.nights import serve_night
from tests.pipelines.trained import FIRST, NEXT


@pytest.mark.parametrize("lost", [["mlflow.db", "mlartifacts"], ["mlflow.db"], ["mlartifacts"]])
def test_models_that_are_lost_are_told_as_lost_by_the_night_and_its_promises_go_on(trained, tmp_path, lost) -> None:
    settings = trained.copy(tmp_path)
    home = settings.home
    assert registry_fault(home, "puzzles") is None
    for name in lost:
        path = home / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    told = registry_fault(home, "puzzles")
    assert told is not None
    report = serve_night(settings, trained.loaded, NEXT)
    assert report.issued
    assert any(told.message.rstrip(".") in note and "learned its own" in note for note in report.notes)
    assert not any("No trained model" in note for note in report.notes)


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
    report = serve_night(settings, trained.loaded, NEXT)
    (told,) = [note for note in report.notes if "another version of Nightquest" in note]
    assert "so this night learned its own. Run: nightquest train" in told
    assert report.issued
