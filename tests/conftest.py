"""Keep every test away from the real home folder, the network and telemetry."""

import contextlib
import fcntl
import gc
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import psutil
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.dask_cluster import cluster
from tests.language_server.fixture import language_server, language_server_process
from tests.postgres_server import postgres, postgres_server
from tests.spelling import spell_anew

__all__ = ["cluster", "language_server", "language_server_process", "postgres", "postgres_server"]

# The same examples every time, so that a test that passes here passes elsewhere: pytest --hypothesis-profile=default
# looks further.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


_ROOM = 2 * 2**30  # bytes that are free where a run lays its folders: of a third of the tests they take a tenth of a GB
# Tests that mostly wait, for servers, clocks and processes: one process takes them one after the other, while others
# keep the cores busy.
WAITING = (
    "tests/flows/server/",
    "tests/models/language/batches/test_killed.py",
    "tests/models/language/batches/test_over_http.py",
    "tests/models/language/test_client.py",
    "tests/models/language/test_killed.py",
    "tests/pipelines/night/test_killed.py",
    "tests/pipelines/night/test_words.py",
    "tests/pipelines/night/test_words_failing.py",
)
POSTGRES = (
    "tests/pipelines/activity/test_pull.py",
    "tests/pipelines/publish/test_held_back.py",
    "tests/pipelines/publish/test_postgres_sink.py",
    "tests/pipelines/publish/test_news.py",
    "tests/flows/test_deliver.py",
)


class ByServer(LoadScopeScheduling):
    """Keeps a file's tests in one process, all of those that wait, and all that share a PostgreSQL."""

    def _split_scope(self, nodeid):
        for name, files in (("waiting", WAITING), ("postgres", POSTGRES)):
            if nodeid.startswith(files):
                return name
        return nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config, log):
    config.option.loadscopereorder = False  # the order below is meant
    return ByServer(config, log)


def pytest_collection_modifyitems(items):
    """What waits comes first and what takes long next, so that no worker is left with it at the end."""
    long = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("long")}
    many = Counter(item.path for item in items)
    items.sort(key=lambda item: (_place(item.nodeid), item.path not in long, -many[item.path], item.path))


def _place(nodeid):
    """Of what shares servers where it stands above, so that they end with the last of their tests; all else behind."""
    sharing = (*WAITING, *POSTGRES)
    return next((place for place, path in enumerate(sharing) if nodeid.startswith(path)), len(sharing))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Garbage is looked for when all tests are collected, and not among what was loaded for them, which stays."""
    gc.disable()
    try:
        with _compiled_once():
            return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)  # tests make little garbage, and to look for it took a sixtieth of their time
        gc.enable()


@contextlib.contextmanager
def _compiled_once():
    """In a fresh clone the first process compiles what all load, five seconds of work, and the others wait for it."""
    here = Path(__file__)
    if sys.dont_write_bytecode or (here.parent / "pipelines" / "__pycache__").exists():
        yield
        return
    with here.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(lock, fcntl.LOCK_SH)
            fcntl.flock(lock, fcntl.LOCK_UN)
        yield


def pytest_xdist_auto_num_workers():
    """One more than there are cores, since servers and clocks are waited for now and then."""
    return (os.cpu_count() or 1) + 1


def pytest_unconfigure():
    """Remove what this process wrote aside."""
    gc.unfreeze()  # or what the interpreter leaves behind is told as leaks
    shutil.rmtree(_SCRATCH, ignore_errors=True)


def _scratch():
    """A folder of this process for all that is written aside: in memory where there is much of it, as pytest's own are.

    SQLite and DuckDB wait for a disk at each commit. Processes that a test starts, and those of xdist, find the folder
    in the environment.
    """
    memory = "/dev/shm"  # noqa: S108 - each folder has a name of its own in it
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK):
        return tempfile.mkdtemp(prefix=_NAME)
    if min(shutil.disk_usage(memory).free, psutil.virtual_memory().available // 2) < _ROOM:
        return tempfile.mkdtemp(prefix=_NAME)
    os.environ["PYTEST_DEBUG_TEMPROOT"] = memory
    os.environ["TMPDIR"] = tempfile.tempdir = tempfile.mkdtemp(prefix=_NAME, dir=memory)
    return tempfile.tempdir


_NAME = "nightquest-tests-"
_SCRATCH = _scratch()
os.environ.update(
    PREFECT_HOME=f"{_SCRATCH}/prefect",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_LOGGING_LEVEL="WARNING",
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_MODEL_CATALOG_URI="",
    MPLBACKEND="Agg",
    # As flows/__init__.py has it, and before any test imports numpy.
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    POLARS_MAX_THREADS="1",  # on the few rows of a test a second thread costs more than it does
)
for _name in [name for name in os.environ if name.startswith("NIGHTQUEST_")]:
    del os.environ[_name]


@pytest.fixture(autouse=True)
def _asked_for_here(monkeypatch):
    """How messages spell commands follows from this test alone, not from the app and home of one before it."""
    spell_anew(monkeypatch)
