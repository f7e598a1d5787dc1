"""A night's tables are the same whatever the engine and the number of buckets; on Dask with real worker processes."""

import os
import signal
import socket
from pathlib import Path

import polars as pl
import pytest

from configs.settings import Settings
from pipelines.engines import buckets_of
from pipelines.publish.published import read_latest
from tests.pipelines.engines.work import NOBODY, PLAYERS, dies_once, doubled
from tests.pipelines.nights import serve_night
from tests.pipelines.trained import NEXT

pytestmark = pytest.mark.slow
MADE = ["generated_at", "settled_at"]  # when it was


@pytest.fixture(name="alone", scope="module")
def _alone(trained, tmp_path_factory):
    return night_of(trained, tmp_path_factory.mktemp("alone"))[0]


def night_of(trained, folder: Path, **told: object) -> tuple[dict[str, pl.DataFrame], tuple[str, ...]]:
    """The tables of the next night, and its notes."""
    folder.mkdir(exist_ok=True)
    if told.pop("shared", False):
        told["shared_folder"] = folder / "shared"
    settings = Settings(home=trained.copy(folder).home, **told)
    report = serve_night(settings, trained.loaded, NEXT)
    night = read_latest(settings.home, trained.loaded.app.app)
    return {name: night.table(name).drop(MADE, strict=False) for name in night.manifest.tables}, report.notes


def same(one, other):
    assert one.keys() == other.keys()
    assert one["scores"].height > 100
    return all(one[name].equals(other[name]) for name in one)


@pytest.mark.parametrize(
    "told",
    [{"buckets": 2, "shared": True}, {"engine": "processes", "workers": 2, "buckets": 3}],
    ids=["local with a shared folder", "processes without"],
)
def test_buckets_change_nothing_that_is_published(trained, alone, tmp_path, told):
    tables, notes = night_of(trained, tmp_path, **told)
    assert not any("engine" in note for note in notes)
    assert same(alone, tables)


def test_a_dask_cluster_publishes_the_same(trained, alone, tmp_path, cluster):
    tables, notes = night_of(trained, tmp_path, engine="dask", dask_address=cluster.scheduler_address, shared=True)
    assert not any("engine" in note for note in notes)
    assert same(alone, tables)


def test_a_dask_worker_that_is_killed_costs_its_bucket_alone(tmp_path, cluster):
    told = Settings(home=tmp_path, engine="dask", dask_address=cluster.scheduler_address, buckets=4)
    by = buckets_of(told)
    assert by.each(dies_once, (str(tmp_path), os.getpid()), (PLAYERS,)).sort("player_key").equals(PLAYERS)
    cluster.wait_for_workers(2, timeout=300)  # the one that died is started anew, or the next were the last
    processes = by.each(doubled, (1,), (PLAYERS, NOBODY))["process"]
    assert os.getpid() not in processes
    os.kill(processes[0], signal.SIGKILL)
    assert by.each(doubled, (1,), (PLAYERS, NOBODY)).height == PLAYERS.height
    assert not by.notes


@pytest.mark.parametrize(
    ("address", "why"),
    [
        (None, "set NIGHTQUEST_DASK_ADDRESS"),
        ("tcp://127.0.0.1:9", "does not answer"),
        ("nonsense", "does not answer"),
        ("tls://127.0.0.1:9", "does not answer"),
    ],
)
def test_without_a_scheduler_the_work_is_done_here_with_a_note(tmp_path, monkeypatch, address, why):
    monkeypatch.setattr("models.cluster.ANSWERS_S", 1)
    by = buckets_of(Settings(home=tmp_path, engine="dask", dask_address=address, buckets=2))
    assert set(by.each(doubled, (1,), (PLAYERS, NOBODY))["process"]) == {os.getpid()}
    (note,) = by.notes
    assert note.startswith("The engine dask ")
    assert why in note


def test_what_listens_and_is_no_scheduler_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("models.cluster.ANSWERS_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        by = buckets_of(Settings(home=tmp_path, engine="dask", dask_address=address, buckets=2))
        assert by.each(doubled, (1,), (PLAYERS, NOBODY)).height == PLAYERS.height
    (note,) = by.notes
    assert "no scheduler" in note or "Timed out" in note
