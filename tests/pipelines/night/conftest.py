"""A home whose nights are written by language models, and one night that both have written."""

import shutil

import pytest

from configs.loader import load_app
from configs.settings import Settings
from pipelines.activity.job import run_ingest
from tests.flows.world import write_app, write_events
from tests.language_server.fixture import cleaned
from tests.once import prompted_home
from tests.pipelines.night.written import (
    TONIGHT,
    Written,
    bills,
    two_keys,
)
from tests.pipelines.nights import now, serve_night


@pytest.fixture(name="history", scope="session")
def _history(tmp_path_factory):
    folder = tmp_path_factory.mktemp("words")
    path = write_app(folder, content={"variants": 6, "individual": {"sample": 0.2}})
    loaded, settings = load_app(str(path)), Settings(home=folder / "home")
    run_ingest(settings, loaded, [write_events(folder)], history=True, players=False, now=now())
    prompted_home(tmp_path_factory, settings.home)
    return loaded, settings.home


@pytest.fixture(name="world")
def _world(history, tmp_path, language_server):
    """(loaded app, settings) of a test's own."""
    loaded, shared = history
    shutil.copytree(shared, tmp_path / "home")
    return loaded, two_keys(tmp_path / "home", language_server)


@pytest.fixture(name="written", scope="session")
def _written(history, tmp_path_factory, language_server_process):
    loaded, shared = history
    home = tmp_path_factory.mktemp("written") / "home"
    shutil.copytree(shared, home)
    server = cleaned(language_server_process)
    settings = two_keys(home, server)
    report = serve_night(settings, loaded, TONIGHT, record=True)
    return Written(settings, report, bills(server))


@pytest.fixture(name="after")
def _after(history, written, tmp_path, language_server):
    """(loaded app, settings) of a test's own after the night of `written`, of which the server knows nothing more."""
    shutil.copytree(written.settings.home, tmp_path / "home")
    return history[0], two_keys(tmp_path / "home", language_server)
