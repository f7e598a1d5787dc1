"""Keep every test away from the real home folder, the network and telemetry."""

import gc
import os
import shutil
import tempfile
from collections import Counter

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from configs import commands
from tests.dask_cluster import cluster
from tests.language_server.fixture import language_server, language_server_process
from tests.postgres_server import postgres, postgres_server

__all__ = ["cluster", "language_server", "language_server_process", "postgres", "postgres_server"]

# The same examples every time, so that a test that passes here passes elsewhere: pytest --hypothesis-profile=default
# looks further.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


SERVED = "tests/flows/server/"  # its tests share a `serve`


class ByServer(LoadScopeScheduling):
    """Keeps a file's tests in one process, and all of those that share a `serve`."""

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        return SERVED if file.startswith(SERVED) else file


def pytest_xdist_make_scheduler(config, log):
    config.option.loadscopereorder = False  # the order below is meant
    return ByServer(config, log)


def pytest_collection_modifyitems(items):
    """What waits for servers comes first and what takes long next, so that no worker is left with it at the end."""
    long = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("long")}
    many = Counter(item.path for item in items)
    items.sort(
        key=lambda item: (not item.nodeid.startswith(SERVED), item.path not in long, -many[item.path], item.path)
    )


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Garbage is looked for when all tests are collected, and not among what was loaded for them, which stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_xdist_auto_num_workers():
    """One more than there are cores, since servers and clocks are waited for now and then."""
    return (os.cpu_count() or 1) + 1


def pytest_unconfigure():
    """Remove what this process wrote aside."""
    gc.unfreeze()  # or what the interpreter leaves behind is told as leaks
    shutil.rmtree(_SCRATCH, ignore_errors=True)


_SCRATCH = tempfile.mkdtemp(prefix="nightquest-tests-")
os.environ.update(
    PREFECT_HOME=f"{_SCRATCH}/prefect",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_LOGGING_LEVEL="WARNING",
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_MODEL_CATALOG_URI="",
    MPLBACKEND="Agg",
    # As flows/server/environment.py has it, and before any test imports numpy.
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    POLARS_MAX_THREADS="1",  # on the few rows of a test a second thread costs more than it does
)
for _name in [name for name in os.environ if name.startswith("NIGHTQUEST_")]:
    del os.environ[_name]


@pytest.fixture(autouse=True)
def _asked_for_here(monkeypatch):
    """How messages spell commands follows from this test alone, not from the app and home of one before it."""
    monkeypatch.setattr(commands, "_apps", {})
    monkeypatch.setattr(commands, "_home", [commands.DEFAULT_HOME])
    monkeypatch.setattr(commands, "_program", ["nightquest"])
