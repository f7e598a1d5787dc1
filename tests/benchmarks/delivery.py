"""A simulated delivery of any size: players, past events, and one more day, written as Parquet.

A player has some fifty events in 26 days and a hundred in 44. Players are simulated and written a chunk at a time, so
that fifty million events need no more memory than one million.
"""

import argparse
import datetime as dt
import json
import shutil
from pathlib import Path

import polars as pl

from data.simulator.simulator import SimulatorSettings, simulate

CHUNK = 20_000
DAYS = 26  # of which the last is the new day
START = dt.date(2026, 1, 5)


def new_day(days: int = DAYS) -> dt.date:
    """The last of so many days."""
    return START + dt.timedelta(days=days - 1)


def write_delivery(folder: Path, players: int, days: int = DAYS) -> dict[str, int]:
    """Write players.parquet, past/*.parquet and new_day.parquet; returns how many events each half has."""
    past, parts = folder / "past", folder / "parts"
    for place in (past, parts):
        place.mkdir(parents=True, exist_ok=True)
    # 04:00 on the new day where it begins last: by then every player's day before it is over.
    turn = dt.datetime.combine(new_day(days), dt.time(12), dt.UTC)
    counts = {"past": 0, "new_day": 0}
    for number, first in enumerate(range(0, players, CHUNK)):
        size = max(2, min(CHUNK, players - first))
        made = simulate(SimulatorSettings(players=size, days=days, start=START, seed=number))
        name = pl.format(f"{number:03d}{{}}", "user_id").alias("user_id")
        events = made.events.with_columns(name, pl.format(f"{number:03d}{{}}", "event_id").alias("event_id"))
        old, new = events.filter(pl.col("occurred_at") < turn), events.filter(pl.col("occurred_at") >= turn)
        old.write_parquet(past / f"events_{number:03d}.parquet")
        # A filtered frame that is kept holds all of its chunk's text in memory.
        made.players.with_columns(name).write_parquet(parts / f"players_{number:03d}.parquet")
        new.write_parquet(parts / f"new_day_{number:03d}.parquet")
        counts["past"] += old.height
        counts["new_day"] += new.height
    for whole in ("players", "new_day"):
        pl.scan_parquet(parts / f"{whole}_*.parquet").sink_parquet(folder / f"{whole}.parquet")
    shutil.rmtree(parts)
    (folder / "counts.json").write_text(json.dumps(counts), encoding="utf-8")
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("players", type=int)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--one-file", action="store_true", help="the past as past.parquet, too")
    given = parser.parse_args()
    write_delivery(given.folder, given.players, given.days)
    if given.one_file:
        pl.scan_parquet(given.folder / "past").sink_parquet(given.folder / "past.parquet")
