"""Ingest, training, a first night and the next one, each beside its straight script, at growing sizes.

Each stage is a process of its own, one after the other: the command as a user runs it, then the straight script on the
same files. Prints a line as each stage ends, and keeps it in `bench.json` with those of other sizes; a table and a plot
follow. A stage that fails costs its own line only. What a killed bench has measured is kept, and `--resume` goes on
behind it. `--small` ends within two minutes; sizes are numbers of players.
"""

import argparse
import datetime as dt
import functools
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.delivery import DAYS, new_day
from tests.benchmarks.figures import Lines, Stage, draw, table
from tests.benchmarks.processes import Cost, Failed, Memo, run_alone

ROOT = Path(__file__).parents[2]
SMALL, SIZES = (1_000,), (20_000, 200_000)
PYTHON = sys.executable
TERMINATED = 143  # exit status
STRAIGHT = "tests.benchmarks.straight"
LEARNED = ("plays", "attainment", "segments")  # what a night is planned with; the straight script learns the first two


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench", description=__doc__)
    parser.add_argument("players", nargs="*", type=int, help=f"sizes; none is {' and '.join(map(str, SIZES))}")
    parser.add_argument("--small", action="store_true", help=f"{SMALL[0]} players")
    parser.add_argument("--days", type=int, default=DAYS, help="of events, two and more for each player a day")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=STAGES, help="the first ones, in their order")
    parser.add_argument("--resume", action="store_true", help="go on where a bench of the same sizes was killed")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench", help="where the figures go")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that what runs is ended with us
    given.out.mkdir(parents=True, exist_ok=True)
    lines = Lines(given.out / "bench.json")
    for players in given.players or (SMALL if given.small else SIZES):
        folder = given.out / f"{players}-{given.days}"
        if not given.resume:
            shutil.rmtree(folder, ignore_errors=True)
        for stage in measure(folder, players, given.days, [name for name in STAGES if name in given.stages]):
            lines.keep(stage)
            print(stage.line(), flush=True)
        shutil.rmtree(folder)
    (given.out / "bench.md").write_text(table(lines.stages), encoding="utf-8")
    draw(lines.stages, given.out / "bench.svg")
    print(f"\n{table(lines.stages)}\nFigures: {given.out}/bench.json, bench.md, bench.svg", flush=True)
    if any(stage.failed for stage in lines.stages):
        sys.exit("Some stages failed: the lines above say why.")


def measure(folder: Path, players: int, days: int, wanted: list[str]) -> Iterator[Stage]:
    """The stages at one size, as they end; what is measured in the folder already is not measured again."""
    delivery, home, store = folder / "delivery", folder / "home", folder / "store" / "academy.duckdb"
    store.parent.mkdir(parents=True, exist_ok=True)
    memo = Memo(folder / "costs.json")
    make = [PYTHON, "-m", "tests.benchmarks.delivery", str(delivery), str(players), "--days", str(days)]
    memo.cost("delivery", lambda: run_alone(make, ROOT))
    events = json.loads((delivery / "counts.json").read_text(encoding="utf-8"))["past"]
    own, straight = _commands(delivery, home, store, new_day(days))
    for name in wanted:
        load, failed = os.getloadavg()[0], list[str]()
        sides: list[Cost | None] = []
        for side, commands in (("own", own[name]), ("straight", [straight[name]])):
            try:
                costs = [
                    memo.cost(f"{name}, {side} {i}", functools.partial(run_alone, command, ROOT))
                    for i, command in enumerate(commands)
                ]
                sides.append(Cost.of(costs))
            except Failed as error:
                sides.append(None)
                failed.append(str(error))
        day = dt.datetime.now(dt.UTC).date().isoformat()
        yield Stage(name, players, events, sides[0], sides[1], load, day, "\n".join(failed))


STAGES = ("ingest", "train", "first night", "new day", "next night")


def _commands(
    delivery: Path, home: Path, store: Path, night: dt.date
) -> tuple[dict[str, list[list[str]]], dict[str, list[str]]]:
    """The commands of each stage, and its straight script with arguments."""
    past, people, new = (str(delivery / name) for name in ("past", "players.parquet", "new_day.parquet"))
    first, second = night.isoformat(), (night + dt.timedelta(days=1)).isoformat()
    run, at_home = str(Path(PYTHON).with_name("nightquest")), ["trading", "--home", str(home)]
    take = [run, "ingest", *at_home, "--history"]
    learn = [run, "train", *at_home, "--untuned", "--as-of", first]
    serve = [run, "nightly", *at_home, "--accept", "--as-of"]
    own = {
        "ingest": [[*take, "--players", people], [*take, past]],
        "train": [[*learn, *(word for task in LEARNED for word in ("--task", task))]],
        "first night": [[*serve, first]],
        "new day": [[*take, new]],
        "next night": [[*serve, second]],
    }
    files = sorted(str(path) for path in Path(past).iterdir())
    straight = {
        "ingest": ["ingest", str(store), *files, "--players", people],
        "train": ["train", str(store), first],
        "first night": ["night", str(store), first, str(store.parent / first)],
        "new day": ["ingest", str(store), new],
        "next night": ["night", str(store), second, str(store.parent / second)],
    }
    return own, {name: [PYTHON, "-m", f"{STRAIGHT}.{script}", *rest] for name, (script, *rest) in straight.items()}


if __name__ == "__main__":
    main()
