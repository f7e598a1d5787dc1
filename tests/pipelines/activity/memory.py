"""What ingests of growing files take of memory: a process of its own, in which little else is loaded.

python -m tests.pipelines.activity.memory FOLDER ROWS... prints a line of JSON for each file.
"""

import datetime as dt
import json
import sys
from pathlib import Path

import numpy as np
import polars as pl

from data.warehouse import open_warehouse
from pipelines.activity.ingest import ingest_files
from pipelines.activity.parts import sync_metrics
from pipelines.activity.read_text import Limits
from tests.pipelines.activity.deliveries import LEAN, NOW

MEMORY_GB = 0.1
AT_A_TIME = 50_000  # rows


def main() -> None:
    """Take one file after the other, each into a home of its own."""
    folder = Path(sys.argv[1])
    for n in map(int, sys.argv[2:]):
        path = _written(folder / f"{n}.parquet", n)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the largest resident memory begins anew
        with open_warehouse(folder / str(n), "toy", threads=2, memory_gb=MEMORY_GB) as warehouse:
            sync_metrics(warehouse, LEAN)
            taken = ingest_files(warehouse, LEAN, [path], now=NOW, history=True, limits=Limits(rows=AT_A_TIME)).taken
            points = warehouse.value("SELECT sum(sum)::BIGINT FROM player_days WHERE metric = 'points'")
        print(json.dumps({"rows": n, "taken": taken, "points": points, "peak_mb": _peak_mb()}), flush=True)


def _written(path: Path, n: int) -> Path:
    number = pl.int_range(n)
    at = pl.Series("at", np.random.default_rng(3).integers(0, 86_400_000_000 * 30, n))
    pl.select(
        event_id=pl.format("event-{}-of-a-long-name-{}", number, number * 7),
        user_id=(number % (n // 80)).cast(pl.String),
        event=pl.lit("solve"),
        occurred_at=pl.lit(NOW - dt.timedelta(31)) + at.cast(pl.Duration("us")),
        properties=pl.concat_str(pl.lit('{"points":'), number % 50, pl.lit("}")),
    ).write_parquet(path, row_group_size=AT_A_TIME)
    return path


def _peak_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
