"""A night whose models are lost says that they are lost, and learns its own."""

import shutil

import pytest

from pipelines.publish.health import registry_fault
from tests.pipelines.nights import serve_night
from tests.pipelines.trained import NEXT


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
