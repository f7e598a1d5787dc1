"""A simulated trading academy in a warehouse, through the real ingest."""

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from configs.loader import LoadedApp, load_app
from data.simulator.simulator import SimulatorSettings, simulate, write_simulation
from data.warehouse import Warehouse, open_warehouse
from pipelines.activity.ingest import ingest_files
from pipelines.activity.parts import sync_metrics
from tests.once import made_once

SETTINGS = SimulatorSettings(players=200, days=60, seed=11)
LAST_DAY = SETTINGS.start + dt.timedelta(days=SETTINGS.days - 1)
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def academy_files(folder: Path, settings: SimulatorSettings = SETTINGS) -> tuple[Path, list[Path]]:
    """The players' file and the events' files."""
    folder.mkdir(parents=True, exist_ok=True)
    players, *events = write_simulation(simulate(settings), folder)
    return players, events


@contextmanager
def academy(
    factory: pytest.TempPathFactory, *, until: dt.datetime | None = None
) -> Iterator[tuple[Warehouse, LoadedApp]]:
    """The academy's warehouse, to write to; with `until`, as if nothing later had ever been delivered."""
    loaded, home = load_app("trading"), factory.mktemp("academy")
    if until is not None:
        _take_in(home, until)
    else:
        shutil.copytree(made_once(factory, "academy", _take_in), home, dirs_exist_ok=True)
    with open_warehouse(home, "trading") as warehouse:
        sync_metrics(warehouse, loaded.app)
        yield warehouse, loaded


def _take_in(home: Path, until: dt.datetime | None = None) -> None:
    loaded = load_app("trading")
    players, events = academy_files(home / "files")
    if until is not None:
        for path in events:
            pl.read_parquet(path).filter(pl.col("occurred_at") <= until).write_parquet(path)
    with open_warehouse(home, "trading") as warehouse:
        sync_metrics(warehouse, loaded.app)
        ingest_files(warehouse, loaded.app, [players], now=NOW, history=True, players=True)
        ingest_files(warehouse, loaded.app, events, now=NOW, history=True)
