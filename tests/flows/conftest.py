"""A home with the tiny app's history taken in, one with a night out, and copies of both to write to."""

import os
import shutil

import pytest

from tests.flows.world import LAST_NIGHT, json_of, run_command, write_app, write_events
from tests.once import made_once, tracked_home


@pytest.fixture(autouse=True)
def _as_it_was():
    """A command leaves its home in the environment, for flows that Prefect starts; here the next test finds none."""
    yield
    os.environ.pop("NIGHTQUEST_HOME", None)


def ingest_history(folder):
    """The tiny app's file and history, beside MLflow's tables."""
    home = folder / "home"
    status, out, err = run_command("ingest", write_app(folder), write_events(folder), "--history", "--json", home=home)
    assert status == 0, err
    assert json_of(out)["taken"] > 100


@pytest.fixture(name="history", scope="session")
def _history(tmp_path_factory):
    """(app file, home): the tiny app's history, ingested once; `puzzles` is a copy to write to.

    Each process has a copy: a look that opens a warehouse keeps other processes out.
    """

    def make(folder):
        tracked_home(tmp_path_factory, folder / "home")
        ingest_history(folder)

    folder = made_once(tmp_path_factory, "history", make)
    return folder / "puzzles.yaml", shutil.copytree(folder / "home", tmp_path_factory.mktemp("history") / "home")


@pytest.fixture(name="published", scope="session")
def _published(history, tmp_path_factory):
    """(app file, home) with one night out, to look at."""
    app, shared = history

    def publish(folder):
        home = shutil.copytree(shared, folder / "home")
        status, _, err = run_command("nightly", app, "--as-of", LAST_NIGHT, home=home)
        assert status == 0, err

    folder = made_once(tmp_path_factory, "published", publish)
    return app, shutil.copytree(folder / "home", tmp_path_factory.mktemp("published") / "home")


@pytest.fixture(name="puzzles")
def _puzzles(history, tmp_path, monkeypatch):
    """(app file, home) of a test's own, with the history taken in."""
    app, shared = history
    home = tmp_path / "home"
    shutil.copytree(shared, home)
    monkeypatch.setenv("NIGHTQUEST_HOME", str(home))
    return app, home


@pytest.fixture(name="new_home")
def _new_home(history, tmp_path, monkeypatch):
    """A home of a test's own with nothing in it but MLflow's tables, which take seconds to make."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(history[1] / "mlflow.db", home)
    monkeypatch.setenv("NIGHTQUEST_HOME", str(home))
    return home
