"""A home is copied and moved as people do it; MLflow on SQLite is real."""

import datetime as dt
import shutil
import sqlite3
from contextlib import closing

import pytest

from configs.settings import load_settings
from models.tracking.moved import follow_home
from models.tracking.store import Tracking
from pipelines.stores import open_registry
from tests.models.tracking.toys import a_run
from tests.once import tracked_home


@pytest.fixture(name="old", scope="module")
def _old(tmp_path_factory):
    """A home with a model, a night's run and a picture."""
    home = tracked_home(tmp_path_factory, tmp_path_factory.mktemp("homes") / "old home")
    registry = open_registry(load_settings(home))
    registry.record("shop", "plays", a_run(0.5))
    registry.record_night("shop", dt.date(2024, 4, 1), {"promised": 0.2})
    return home


@pytest.fixture(name="moved")
def _moved(old, tmp_path):
    """The home at another place, and nothing where it was: a file bars the way."""
    away, home = tmp_path / "away", tmp_path / "new home"
    shutil.copytree(old, home)
    old.rename(away)
    old.write_text("")
    yield home
    old.unlink()
    away.rename(old)


def named(home, place) -> list[str]:
    """Every column and readable file under home that names a place."""
    found = [str(p) for p in home.rglob("MLmodel") if str(place).replace(" ", "%20") in p.read_text()]
    with closing(sqlite3.connect(home / "mlflow.db")) as con:
        for (table,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in con.execute(f'SELECT * FROM "{table}"'):
                text = " ".join(map(str, row)).replace("%20", " ")
                found += [table] if str(place) in text else []
    return found


def test_a_moved_home_has_its_models_and_goes_on_training(moved, old):
    registry = open_registry(load_settings(moved))
    assert registry.load("shop", "plays").model.slope == 0.5
    registry.record("shop", "plays", a_run(0.7))
    registry.record_night("shop", dt.date(2024, 4, 2), {"promised": 0.3})
    assert registry.load("shop", "plays").model.slope == 0.7
    assert old.read_text() == ""


def test_nothing_points_at_where_the_home_was(moved, old):
    open_registry(load_settings(moved))
    assert named(moved, old) == []
    assert named(moved, moved) != []


def test_a_copy_leaves_the_original_as_it_was(old, tmp_path):
    before = {p: p.stat().st_mtime_ns for p in old.rglob("*") if p.suffix != ".lock"}
    shutil.copytree(old, tmp_path / "copy")
    registry = open_registry(load_settings(tmp_path / "copy"))
    registry.record("shop", "plays", a_run(0.9))
    assert {p: p.stat().st_mtime_ns for p in old.rglob("*") if p.suffix != ".lock"} == before


def test_a_home_is_the_same_home_through_a_link_and_by_a_relative_path(old, tmp_path, monkeypatch):
    shutil.copytree(old, tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    open_registry(load_settings(tmp_path / "real"))
    monkeypatch.chdir(tmp_path)
    for home in ("link", "real"):
        settings = load_settings(tmp_path.joinpath(home).relative_to(tmp_path))
        assert not follow_home(settings.home / "mlflow.db", settings.artifacts)
        assert open_registry(settings).load("shop", "plays") is not None


def test_what_a_person_keeps_elsewhere_is_left_where_it_is(old, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(old, home)
    mine = (tmp_path / "mine").as_uri()
    tracking = Tracking(load_settings(home).tracking_uri, None)
    tracking.client.create_experiment("mine", artifact_location=mine)
    open_registry(load_settings(home))
    assert tracking.client.get_experiment_by_name("mine").artifact_location == mine


def test_a_store_that_a_person_names_is_never_rewritten(old, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(old, home)
    theirs = f"sqlite:///{home}/mlflow.db"
    before = named(home, old)
    open_registry(load_settings(home).model_copy(update={"mlflow_uri": theirs}))
    assert named(home, old) == before != []


def test_a_kept_version_is_verified_after_a_move(moved):
    registry = open_registry(load_settings(moved))
    path = next(moved.rglob("slope.npz"))
    path.write_bytes(b"changed")
    with pytest.raises(Exception, match="is not what was registered"):
        registry.load("shop", "plays")


@pytest.mark.parametrize(("work", "told"), [("plays", "training"), ("nightly", "night and revision")])
def test_an_experiment_opens_at_its_runs_and_says_what_it_holds(old, work, told):
    found = open_registry(load_settings(old)).tracking.client.get_experiment_by_name(f"shop/{work}")
    assert found.tags["mlflow.experimentKind"] == "custom_model_development"
    assert told in found.tags["mlflow.note.content"]
