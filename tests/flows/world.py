"""A tiny app, its file and its deliveries, and the `nightquest` command: in this process, or in one of its own."""

import contextlib
import datetime as dt
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from data.warehouse import open_warehouse
from flows.cli.main import run_command as run_here

ROOT = Path(__file__).parents[2]
START = dt.date(2024, 1, 1)
DAYS = 40
PLAYERS = 8
LAST_NIGHT = START + dt.timedelta(days=DAYS)

PUZZLES = {
    "app": "puzzles",
    "title": "Puzzles",
    "events": {"solve": {"properties": {"points": {"type": "number", "min": 0}, "topic": "text"}}},
    "metrics": {
        "solved": {"event": "solve", "label": "puzzles solved", "unit": "puzzle", "task": "Solve {goal}"},
        "points": {"event": "solve", "agg": "sum", "of": "points", "unit": "point", "task": "Collect {goal}"},
        "topics": {"event": "solve", "agg": "distinct", "of": "topic", "unit": "topic", "task": "Visit {goal}"},
    },
    "segments": {"features": ["solved", "points"], "score": "points"},
    "badges": {"regular": {"title": "Regular", "tier": "bronze", "category": "habit", "when": "solved >= 30"}},
    "challenges": {"metrics": ["solved", "points", "topics"]},
    "voice": {"theme": "puzzles"},
}


def write_app(folder: Path, **changes: object) -> Path:
    """The app's file, with top-level sections replaced."""
    path = folder / "puzzles.yaml"
    path.write_text(yaml.safe_dump({**PUZZLES, **changes}, sort_keys=False), encoding="utf-8")
    return path


def write_events(folder: Path, *, players: int = PLAYERS, days: int = DAYS, first_day: int = 0) -> Path:
    """A delivery: player p solves 1 to 4 puzzles on every day but each (p + 2)th."""
    rows = [
        {
            "event_id": f"e-{player}-{day}-{nth}",
            "user_id": f"player-{player}",
            "event": "solve",
            "occurred_at": f"{START + dt.timedelta(days=day)}T{10 + nth}:{(7 * player + day) % 60:02}:00Z",
            "properties": {"points": 1 + (player + day + nth) % 9, "topic": "abcdef"[(player + day * nth) % 6]},
        }
        for day in range(first_day, days)
        for player in range(players)
        if day % (player + 2)
        for nth in range(1 + (player + day) % 4)
    ]
    path = folder / f"events_{players}_{first_day}_{days}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def start_command(*arguments: object, home: Path, **environment: str) -> subprocess.Popen:
    """Start `nightquest` in a process of its own."""
    names = {name: value for name, value in os.environ.items() if not name.startswith(("NIGHTQUEST_", "PREFECT_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "flows.cli.main", *map(str, arguments), "--home", str(home)],
        cwd=ROOT,
        env={**names, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_ctrl_c,  # noqa: PLW1509  # it takes no lock
    )


def _hear_ctrl_c() -> None:
    """As in a terminal; a suite that a shell runs in the background has its children ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_apart(*arguments: object, home: Path, **environment: str) -> tuple[int, str, str]:
    """Run `nightquest` in a process of its own: exit status, stdout, stderr."""
    process = start_command(*arguments, home=home, **environment)
    out, err = process.communicate(timeout=900)
    return process.returncode, out, err


def run_command(*arguments: object, home: Path, **environment: str) -> tuple[int, str, str]:
    """As `run_apart` in this process, whose libraries are loaded already."""
    out, err = io.StringIO(), io.StringIO()
    with _as_it_was(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for name in [name for name in os.environ if name.startswith("NIGHTQUEST_")]:
            del os.environ[name]
        os.environ |= environment
        status = run_here([*map(str, arguments), "--home", str(home)])
    return status, out.getvalue(), err.getvalue()


@contextlib.contextmanager
def _as_it_was() -> Iterator[None]:
    """Give the environment and the handlers of signals back; a command sets both for its whole process."""
    before, signs = dict(os.environ), (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(sign) for sign in signs]
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before
        for sign, handler in zip(signs, handlers, strict=True):
            signal.signal(sign, handler)


def bytes_under(folder: Path) -> dict[str, bytes]:
    """Every file under a folder with what it holds."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def json_of(out: str) -> object:
    """The one JSON document on stdout."""
    (line,) = out.splitlines()
    return json.loads(line)


def days(first: dt.date, count: int) -> Sequence[dt.date]:
    return [first + dt.timedelta(days=number) for number in range(count)]


def counted(home):
    with open_warehouse(home, "puzzles") as warehouse:
        return {
            table: warehouse.value(f"SELECT count(*) FROM {table}")
            for table in ("events", "challenges", "settlements", "nights", "messages")
        }
