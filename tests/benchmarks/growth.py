"""A night after a long history beside the same night after a tenth of it: the same players, models and new day.

    python -m tests.benchmarks.growth --players 3000 --days 26

simulates players of the trading academy over ten times the days. One home takes all of it, another one only the last
days. Models are trained once, on the short history, and serve both. Each home makes a night, takes one more day of
events and makes the next night, whose processor seconds are printed side by side, stage by stage. Every night is a
process of its own, one after the other.
"""

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from data.simulator.simulator import SimulatorSettings, simulate
from tests.benchmarks.processes import Failed, run_alone

ROOT = Path(__file__).parents[2]
START = dt.date(2025, 3, 3)
TIMES = 10  # as many days in the long history
SHORT, LONG = "short", "long"
STAGES = ("settle", "load_champions", "plan", "write", "judge", "issue", "publish", "record")
MODELS = ("mlflow.db", "mlartifacts")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.growth", description=__doc__)
    parser.add_argument("--players", type=int, default=3_000)
    parser.add_argument(
        "--days", type=int, default=26, help=f"of the short history; the long one has {TIMES} times as many"
    )
    parser.add_argument("--keep", type=Path, help="homes ready for their next night stay there, to measure it again")
    parser.add_argument("--night", nargs=3, metavar=("HOME", "DAY", "TOLD"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.night:
        make_night(*given.night)
        return
    with tempfile.TemporaryDirectory() as folder:
        ready = given.keep or Path(folder) / "ready"
        if not ready.exists():
            prepare(ready, given.players, given.days)
        print(table(measure(ready, Path(folder))))


def prepare(folder: Path, players: int, days: int) -> None:
    """Homes `short` and `long` that have made a night and taken the new day."""
    served = START + dt.timedelta(days=TIMES * days)
    write_histories(folder, players, days)
    for name in (SHORT, LONG):
        home = folder / name
        _nightquest(home, "ingest", "trading", "--history", "--players", str(folder / "players.parquet"))
        _nightquest(home, "ingest", "trading", "--history", str(folder / f"{name}.parquet"))
        if name == SHORT:
            _nightquest(home, "train", "trading", "--as-of", served.isoformat(), "--untuned")
        else:
            shutil.copy(folder / SHORT / MODELS[0], home)
            shutil.copytree(folder / SHORT / MODELS[1], home / MODELS[1])
        _nightquest(home, "nightly", "trading", "--accept", "--as-of", served.isoformat())
        _nightquest(home, "ingest", "trading", "--history", str(folder / "new_day.parquet"))
    (folder / "day").write_text((served + dt.timedelta(days=1)).isoformat(), encoding="utf-8")


def write_histories(folder: Path, players: int, days: int) -> None:
    """Write players.parquet, long.parquet, short.parquet and new_day.parquet."""
    folder.mkdir(parents=True)
    made = simulate(SimulatorSettings(players=players, days=TIMES * days + 1, start=START, seed=1))
    # Noon is 04:00 where the day begins last: by then the day before is over for everybody.
    turn = dt.datetime.combine(START + dt.timedelta(days=TIMES * days), dt.time(12), dt.UTC)
    at, since = pl.col("occurred_at"), turn - dt.timedelta(days=days)
    made.players.write_parquet(folder / "players.parquet")
    made.events.filter(at < turn).write_parquet(folder / f"{LONG}.parquet")
    made.events.filter(at < turn, at >= since).write_parquet(folder / f"{SHORT}.parquet")
    made.events.filter(at >= turn).write_parquet(folder / "new_day.parquet")


def measure(ready: Path, folder: Path) -> dict[str, dict[str, float]]:
    """Processor seconds of the next night by stage, and of its whole process, by history; homes stay as they are."""
    day = (ready / "day").read_text(encoding="utf-8")
    found = {}
    for name in (SHORT, LONG):
        home = folder / name
        shutil.copytree(ready / name, home)
        told = folder / f"{name}.json"
        night = ["--night", str(home), day, str(told)]
        cost = run_alone([sys.executable, "-m", "tests.benchmarks.growth", *night], ROOT)
        found[name] = json.loads(told.read_text(encoding="utf-8")) | {"the whole process": cost.cpu_s}
        shutil.rmtree(home)
    return found


def make_night(home: str, day: str, told: str) -> None:
    """Make a night in this process, and write down the processor seconds of each stage."""
    os.environ["NIGHTQUEST_HOME"] = home
    from flows import stages  # noqa: PLC0415 (what a night loads, the processes before it need not)
    from flows.nightly import nightly  # noqa: PLC0415

    spent: dict[str, float] = {}

    def timed(name: str, work: Any) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            begun = time.process_time()
            try:
                return work(*args, **kwargs)
            finally:
                spent[name] = time.process_time() - begun

        return run

    for name in STAGES:
        setattr(stages, name, timed(name, getattr(stages, name)))
    nightly("trading", dt.date.fromisoformat(day), accept=True)
    Path(told).write_text(json.dumps(spent), encoding="utf-8")


def table(found: dict[str, dict[str, float]]) -> str:
    """What was measured, and how many times as much the long history takes, as Markdown."""
    rows = ["| stage | short | long | ratio |", "|---|---:|---:|---:|"]
    for stage, short in found[SHORT].items():
        long = found[LONG][stage]
        rows.append(f"| {stage} | {short:.2f} s | {long:.2f} s | {long / short:.2f} |")
    return "\n".join(rows)


def _nightquest(home: Path, *command: str) -> None:
    run_alone([str(Path(sys.executable).with_name("nightquest")), *command, "--home", str(home)], ROOT)


if __name__ == "__main__":
    try:
        main()
    except (Failed, subprocess.SubprocessError) as error:
        sys.exit(str(error))
