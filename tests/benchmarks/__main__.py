"""Run the benchmarks beside `make bench`, or those named, and print their figures as JSON, one line each.

The stages of a night are measured by tests/benchmarks/bench.py.
"""

import argparse
import importlib
import json
import tempfile
from pathlib import Path
from typing import Any

# Modules of this package with a function `measure(folder)`; loaded when run, as each brings much along.
BENCHMARKS = ("killed", "throughput", "rate", "million", "loop", "follow", "source", "tenfold", "engines")
OF_PLAYERS = ("million", "loop", "follow", "tenfold", "engines")


def main() -> None:
    """Measure in a folder that is gone afterwards."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; none is all")
    parser.add_argument("--kills", type=int, help="for killed: how many runs to kill")
    parser.add_argument(
        "--players", type=int, help="for million, loop, follow, tenfold, engines: how many; fewer hold no figure"
    )
    wanted = parser.parse_args()
    if unknown := set(wanted.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {min(unknown)}; there are {', '.join(BENCHMARKS)}")
    for name in wanted.names or BENCHMARKS:
        given = {"killed": {"kills": wanted.kills}} | {of: {"players": wanted.players} for of in OF_PLAYERS}
        options: dict[str, Any] = {option: value for option, value in given.get(name, {}).items() if value}
        with tempfile.TemporaryDirectory() as folder:
            figures = importlib.import_module(f"tests.benchmarks.{name}").measure(Path(folder), **options)
        print(json.dumps({"benchmark": name} | {key: round(value, 3) for key, value in figures.items()}), flush=True)


if __name__ == "__main__":
    main()
