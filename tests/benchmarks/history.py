"""Ten times the history with the same new day: what the night costs then, against the night without it."""

import datetime as dt
import time
from pathlib import Path

import polars as pl

from configs.loader import LoadedApp, load_app
from configs.settings import Settings
from data.simulator.simulator import SimulatorSettings, simulate
from data.warehouse import Warehouse
from pipelines.activity.ingest import ingest_files
from pipelines.learning.job import run_train
from pipelines.stores import open_app
from tests.pipelines.nights import serve_night

DAYS = 40
TIMES = 10
SETTINGS = SimulatorSettings(players=1000, days=DAYS, seed=5)
NEW_DAY = SETTINGS.start + dt.timedelta(days=DAYS - 1)
NIGHTS = 3


def measure(folder: Path) -> dict[str, float]:
    """Median seconds of a night on one and on ten times the history, their ratio, and the events of each."""
    simulation = simulate(SETTINGS)
    short, long = folder / "short", folder / "long"
    figures: dict[str, float] = {}
    for name, home, times in (("once", short, 1), ("ten_times", long, TIMES)):
        settings, loaded = Settings(home=home, threads=2), load_app("trading")
        figures[f"events_{name}"] = _prepare(settings, loaded, simulation.players, simulation.events, times)
        run_train(settings, loaded, as_of=NEW_DAY, now=dt.datetime.now(dt.UTC))
        serve_night(settings, loaded, NEW_DAY)
        figures[f"seconds_{name}"] = _night(settings, loaded, simulation.events)
    figures["ratio"] = figures["seconds_ten_times"] / figures["seconds_once"]
    return figures


def _prepare(settings: Settings, loaded: LoadedApp, players: pl.DataFrame, events: pl.DataFrame, times: int) -> int:
    """Everything before the new day, and copies of it further back in time."""
    old = events.filter(pl.col("occurred_at") < dt.datetime.combine(NEW_DAY, dt.time(9), dt.UTC))
    settings.home.mkdir(parents=True)
    players.write_parquet(settings.home / "players.parquet")
    for k in range(times):
        moved = old.with_columns(
            pl.col("occurred_at") - pl.duration(days=k * (DAYS - 1)), pl.col("event_id") + f"-{k}" * bool(k)
        )
        moved.write_parquet(settings.home / f"events_{k}.parquet")
    with open_app(settings, loaded) as warehouse:
        _take(warehouse, loaded, [settings.home / "players.parquet"], players=True)
        _take(warehouse, loaded, [settings.home / f"events_{k}.parquet" for k in reversed(range(times))])
        return int(warehouse.value("SELECT count(*) FROM events"))


def _night(settings: Settings, loaded: LoadedApp, events: pl.DataFrame) -> float:
    """Median seconds to take in the new day and to serve the next, over fresh revisions of the night."""
    new = events.filter(pl.col("occurred_at") >= dt.datetime.combine(NEW_DAY, dt.time(9), dt.UTC))
    path = settings.home / "new_day.parquet"
    new.write_parquet(path)
    begun = time.perf_counter()
    with open_app(settings, loaded) as warehouse:
        _take(warehouse, loaded, [path])
    ingested = time.perf_counter() - begun
    taken = []
    for _ in range(NIGHTS):
        begun = time.perf_counter()
        serve_night(settings, loaded, NEW_DAY + dt.timedelta(days=1), refresh=True)
        taken.append(time.perf_counter() - begun)
    return ingested + sorted(taken)[NIGHTS // 2]


def _take(warehouse: Warehouse, loaded: LoadedApp, paths: list[Path], *, players: bool = False) -> None:
    ingest_files(warehouse, loaded.app, paths, now=dt.datetime.now(dt.UTC), history=True, players=players)
