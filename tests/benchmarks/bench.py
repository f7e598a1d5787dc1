"""Ingest, training, a first night and the next one, each beside its straight script, at growing sizes.

Each stage is a process of its own, one after the other: the command as a user runs it, then the straight script on the
same files. Prints a table, and writes `bench.json`, `bench.svg` and `bench.md` into a folder. `--small` ends within two
minutes; sizes are numbers of players, with some fifty events each.
"""

import argparse
import datetime as dt
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.figures import Stage, draw, table
from tests.benchmarks.processes import Cost, Failed, run_alone

ROOT = Path(__file__).parents[2]
SMALL, SIZES = (1_000,), (20_000, 200_000)
FIRST_NIGHT = dt.date(2026, 1, 30)  # the new day of tests/benchmarks/delivery.py
PYTHON = sys.executable
STRAIGHT = "tests.benchmarks.straight"


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench", description=__doc__)
    parser.add_argument("players", nargs="*", type=int, help=f"sizes; none is {' and '.join(map(str, SIZES))}")
    parser.add_argument("--small", action="store_true", help=f"{SMALL[0]} players")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES, help="the first ones, in their order")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench", help="where the figures go")
    given = parser.parse_args()
    sizes = given.players or (SMALL if given.small else SIZES)
    given.out.mkdir(parents=True, exist_ok=True)
    found: list[Stage] = []
    for players in sizes:
        with tempfile.TemporaryDirectory(dir=given.out) as folder:
            for stage in measure(Path(folder), players, given.stages):
                found.append(stage)
                print(stage.line(), flush=True)
    _write(given.out, found)


def measure(folder: Path, players: int, wanted: Sequence[str]) -> Iterator[Stage]:
    """The stages at one size, as they end."""
    delivery, home, store = folder / "delivery", folder / "home", folder / "store" / "academy.duckdb"
    store.parent.mkdir()
    run_alone([PYTHON, "-m", "tests.benchmarks.delivery", str(delivery), str(players)], ROOT)
    events = json.loads((delivery / "counts.json").read_text(encoding="utf-8"))
    own, straight = _commands(delivery, home, store)
    for name in (name for name in STAGES if name in wanted):
        costs = [_run(command) for command in own[name]]
        beside = run_alone([PYTHON, "-m", *straight[name]], ROOT)
        yield Stage(name, players, events["past"], Cost.of(costs), beside)


STAGES = ("ingest", "train", "first night", "new day", "next night")


def _commands(delivery: Path, home: Path, store: Path) -> tuple[dict[str, list[list[str]]], dict[str, list[str]]]:
    """The commands of each stage, and its straight script with arguments."""
    past, people, new = (str(delivery / name) for name in ("past", "players.parquet", "new_day.parquet"))
    first, second = FIRST_NIGHT.isoformat(), (FIRST_NIGHT + dt.timedelta(days=1)).isoformat()
    take = ["ingest", "trading", "--history", "--home", str(home)]
    night = ["nightly", "trading", "--accept", "--home", str(home), "--as-of"]
    own = {
        "ingest": [[*take, "--players", people], [*take, past]],
        "train": [["train", "trading", "--home", str(home), "--as-of", first, "--untuned"]],
        "first night": [[*night, first]],
        "new day": [[*take, new]],
        "next night": [[*night, second]],
    }
    files = sorted(str(path) for path in (delivery / "past").iterdir()) if (delivery / "past").exists() else []
    straight = {
        "ingest": [f"{STRAIGHT}.ingest", str(store), *files, "--players", people],
        "train": [f"{STRAIGHT}.train", str(store), first],
        "first night": [f"{STRAIGHT}.night", str(store), first, str(store.parent / first)],
        "new day": [f"{STRAIGHT}.ingest", str(store), new],
        "next night": [f"{STRAIGHT}.night", str(store), second, str(store.parent / second)],
    }
    return own, straight


def _run(command: list[str]) -> Cost:
    return run_alone([str(Path(PYTHON).with_name("nightquest")), *command], ROOT)


def _write(out: Path, stages: Sequence[Stage]) -> None:
    (out / "bench.json").write_text(json.dumps([stage.figures() for stage in stages], indent=1), encoding="utf-8")
    (out / "bench.md").write_text(table(stages), encoding="utf-8")
    draw(stages, out / "bench.svg")
    print(f"\n{table(stages)}\nFigures: {out}/bench.json, bench.md, bench.svg")


if __name__ == "__main__":
    try:
        main()
    except (Failed, subprocess.SubprocessError) as error:
        sys.exit(str(error))
