"""What a killed or refused recording left out of MLflow is made up for by the same night run again, or by the next."""

import datetime as dt
import shutil

import pytest
from mlflow import MlflowClient

from configs.errors import NightquestError
from configs.settings import Settings
from flows.nightly import nightly
from pipelines.night import record as recording
from tests.pipelines.nights import serve_night
from tests.pipelines.trained import FIRST, NEXT

pytestmark = pytest.mark.long

AFTER = NEXT + dt.timedelta(days=1)
NOBODY = "http://127.0.0.1:9"  # no port of anything that answers


@pytest.fixture(name="world")
def _world(trained, tmp_path, monkeypatch):
    """(settings, loaded app) of a test's own, whose first night is out and recorded, for flows too."""
    settings = trained.copy(tmp_path)
    monkeypatch.setenv("NIGHTQUEST_HOME", str(settings.home))
    return settings, trained.loaded


@pytest.fixture(name="unrecorded", scope="module")
def _unrecorded(trained, tmp_path_factory):
    """A home whose night of NEXT was killed before its recording."""
    settings = trained.copy(tmp_path_factory.mktemp("killed"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "open_registry", lambda _settings: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            serve_night(settings, trained.loaded, NEXT, record=True)
    return settings.home


@pytest.fixture(name="killed")
def _killed(trained, unrecorded, tmp_path, monkeypatch):
    """(settings, loaded app) of a test's own, whose second night was killed before its recording."""
    home = shutil.copytree(unrecorded, tmp_path / "home")
    monkeypatch.setenv("NIGHTQUEST_HOME", str(home))
    return Settings(home=home, tuning_s=0), trained.loaded


def recorded(settings):
    """Per experiment, the names of the nights that have a run."""
    client = MlflowClient(settings.tracking_uri, settings.tracking_uri)
    experiments = (client.get_experiment_by_name(f"puzzles/{name}") for name in ("nightly", "writing"))
    return [sorted(run.info.run_name for run in client.search_runs([each.experiment_id])) for each in experiments]


def left(settings):
    return sorted(path.stem for path in (settings.home / "unrecorded").rglob("*.json"))


def run(loaded, as_of):
    return nightly(app=str(loaded.path), as_of=as_of)


def test_a_night_killed_before_its_recording_is_recorded_when_run_again_and_only_then(killed, monkeypatch):
    settings, loaded = killed
    before = recorded(settings)
    assert left(settings) == [f"{NEXT}.r1"]
    assert run(loaded, NEXT).unchanged
    assert [len(names) for names in recorded(settings)] == [len(names) + 1 for names in before]
    assert left(settings) == []
    with monkeypatch.context() as patch:
        patch.setattr(recording, "open_registry", lambda _settings: pytest.fail("nothing is left to be recorded"))
        assert run(loaded, NEXT).unchanged


def test_a_night_whose_record_mlflow_refuses_ends_well_says_so_and_is_recorded_with_the_next(world, monkeypatch):
    settings, loaded = world
    full = NightquestError("MLflow's disk is full.", "Make room.")
    with monkeypatch.context() as patch:
        patch.setattr(recording, "record_writing", lambda *_: (_ for _ in ()).throw(full))
        report = run(loaded, NEXT)
    assert report.warned
    assert report.unrecorded in report.notes
    assert report.unrecorded.startswith(f"The night of {NEXT} is out but not recorded in MLflow;")
    assert report.unrecorded.endswith("MLflow's disk is full. Make room.")
    assert left(settings) == [f"{NEXT}.r1"]
    assert run(loaded, AFTER).unrecorded == ""
    nights, writing = recorded(settings)
    assert left(settings) == []
    assert len(nights) == len(writing) == len({FIRST, NEXT, AFTER})


def test_a_night_without_its_tracking_server_is_out_and_run_again_says_what_is_still_unrecorded(world, monkeypatch):
    settings, loaded = world
    before = recorded(settings)
    with monkeypatch.context() as patch:
        patch.setenv("NIGHTQUEST_MLFLOW_URI", NOBODY)
        patch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        first, again = run(loaded, NEXT), run(loaded, NEXT)
    assert (first.unchanged, again.unchanged) == (False, True)
    for report in (first, again):
        assert f"The night of {NEXT} is out but not recorded in MLflow" in report.unrecorded
        assert "tracking server runs" in report.unrecorded
    assert run(loaded, NEXT).unrecorded == ""
    assert [len(names) for names in recorded(settings)] == [len(names) + 1 for names in before]


def test_a_damaged_note_of_what_is_left_costs_no_night(killed):
    settings, loaded = killed
    (note,) = (settings.home / "unrecorded").rglob("*.json")
    note.write_text('{"writing": ')
    assert run(loaded, NEXT).unchanged
    assert left(settings) == []
