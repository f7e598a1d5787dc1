"""A night whose models are lost says that they are lost, and learns its own."""

import datetime as dt
import shutil

import pytest

from configs.loader import load_app
from configs.settings import Settings
from pipelines.activity.job import run_ingest
from pipelines.learning.job import run_train
from pipelines.publish.health import registry_fault
from tests.flows.world import START, write_app, write_events
from tests.pipelines.nights import now, serve_night

FIRST, NEXT = START + dt.timedelta(days=34), START + dt.timedelta(days=35)


@pytest.fixture(name="trained", scope="module")
def _trained(tmp_path_factory: pytest.TempPathFactory):
    """A home with models that serve, and a night that was made with them."""
    folder = tmp_path_factory.mktemp("trained")
    loaded, settings = load_app(str(write_app(folder))), Settings(home=folder / "home")
    run_ingest(settings, loaded, [write_events(folder, players=45)], history=True, players=False, now=now())
    run_train(settings, loaded, as_of=FIRST, now=now())
    serve_night(settings, loaded, FIRST)
    return loaded, settings.home


@pytest.mark.parametrize("lost", [["mlflow.db", "mlartifacts"], ["mlflow.db"], ["mlartifacts"]])
def test_models_that_are_lost_are_told_as_lost_by_the_night_and_its_promises_go_on(trained, tmp_path, lost) -> None:
    loaded, whole = trained
    home = tmp_path / "home"
    shutil.copytree(whole, home)
    assert registry_fault(home, "puzzles") is None
    for name in lost:
        path = home / name
        path.unlink() if path.is_file() else shutil.rmtree(path)
    told = registry_fault(home, "puzzles")
    assert told is not None
    report = serve_night(Settings(home=home), loaded, NEXT)
    assert report.issued
    assert any(told.message.rstrip(".") in note and "learned its own" in note for note in report.notes)
    assert not any("No trained model" in note for note in report.notes)
