"""Ingest of one file and of another with ten times the players: memory is to be the same, seconds ten times as many.

python -m tests.benchmarks tenfold
"""

from pathlib import Path

from tests.benchmarks.bench import PYTHON, ROOT
from tests.benchmarks.processes import run_alone

PLAYERS = 20_000
MOST_MEMORY, MOST_CPU = 1.2, 11.0  # times that of the small one


def measure(folder: Path, players: int = PLAYERS) -> dict[str, float]:
    """Megabytes, seconds and peak of both, how they compare and whether that holds."""
    figures: dict[str, float] = {}
    for name, size in (("one", players), ("ten", 10 * players)):
        file = _one_file(folder / name, size)
        take = [str(Path(PYTHON).with_name("nightquest")), "ingest", "trading", "--history"]
        cost = run_alone([*take, "--home", str(folder / name / "home"), str(file)], ROOT)
        figures |= {f"{name}_file_mb": file.stat().st_size / 1e6}
        figures |= {f"{name}_{what}": value for what, value in vars(cost).items()}
    memory, cpu = (figures[f"ten_{what}"] / figures[f"one_{what}"] for what in ("peak_gb", "cpu_s"))
    held = memory <= MOST_MEMORY and cpu <= MOST_CPU
    return figures | {"memory_ratio": memory, "cpu_ratio": cpu, "held": float(held)}


def _one_file(folder: Path, players: int) -> Path:
    """The past of so many players as one Parquet file; made by processes of their own, as whatever is measured."""
    run_alone([PYTHON, "-m", "tests.benchmarks.delivery", str(folder), str(players), "--one-file"], ROOT)
    return folder / "past.parquet"
