"""Taking in a delivery with every check, against DuckDB reading the same file into a bare table."""

import datetime as dt
import time
from pathlib import Path

import duckdb

from configs.loader import load_app
from data.simulator.simulator import SimulatorSettings, simulate, write_simulation
from data.warehouse import open_warehouse
from pipelines.activity.ingest import ingest_files
from pipelines.activity.parts import sync_metrics


def measure(folder: Path) -> dict[str, float]:
    """Seconds to simulate, to take in and to read barely; events a second; the ratio of the last two."""
    begun = time.perf_counter()
    simulation = simulate(SimulatorSettings(players=3000, days=120, seed=5))
    simulated = time.perf_counter() - begun
    players, *events = write_simulation(simulation, folder)
    loaded, now = load_app("trading"), dt.datetime.now(dt.UTC)
    with open_warehouse(folder / "home", "trading", threads=2) as warehouse:
        sync_metrics(warehouse, loaded.app)
        ingest_files(warehouse, loaded.app, [players], now=now, history=True, players=True)
        begun = time.perf_counter()
        ingest_files(warehouse, loaded.app, events, now=now, history=True)
        taken = time.perf_counter() - begun
    begun = time.perf_counter()
    with duckdb.connect(str(folder / "bare.duckdb"), config={"threads": "2"}) as bare:
        bare.execute(f"CREATE TABLE events AS SELECT * FROM read_parquet({[str(path) for path in events]})").fetchall()
    read = time.perf_counter() - begun
    return {
        "events": simulation.events.height,
        "seconds_simulate": simulated,
        "seconds_ingest": taken,
        "seconds_bare": read,
        "events_a_second": simulation.events.height / taken,
        "ratio": taken / read,
    }
