"""One `serve` for the tests of this folder, and its Prefect to record what they run themselves."""

import contextlib
import shutil
import signal

import pytest
from prefect.events.worker import EventsWorker
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.server.processes import answers
from tests.flows.server.looks import night_under_way, processes_of
from tests.flows.ui_run import serving


@pytest.fixture(name="served", scope="package")  # it costs what looks round all the time, as Prefect does
def _served(history, tmp_path_factory):
    """(app file, home, process, addresses) of a `serve`, which SIGTERM then ends amid a run without a trace."""
    app, shared = history
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(shared, home)
    serve = serving(home, str(app), stop=signal.SIGTERM, NIGHTQUEST_CATCH_UP_NIGHTS="0")  # no run that nobody asked for
    with contextlib.ExitStack() as until_stopped, serve as (process, (prefect, mlflow)):
        yield app, home, process, (prefect, mlflow)
        until_stopped.enter_context(night_under_way(prefect, app, home))
    assert process.returncode == 0
    assert processes_of(home) == []
    assert not answers(f"{prefect}/api/health")


@pytest.fixture(name="prefect")
def _prefect(served):
    """The address of the served Prefect, which records what this process runs."""
    url = served[3][0]
    with temporary_settings({PREFECT_API_URL: f"{url}/api"}):
        yield url
        APILogWorker.instance().drain()
        EventsWorker.drain_all()
