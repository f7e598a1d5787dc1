"""What a command loads and starts: nothing that it does not need, told by modules and processes, not by the clock."""

import os
import subprocess
import sys

import pytest

from configs.settings import load_settings
from flows.environment import prepare
from tests.flows.test_processes import counted
from tests.flows.world import LAST_NIGHT, ROOT, write_events

LIBRARIES = (
    *("prefect", "mlflow", "optuna", "sklearn", "lightgbm", "xgboost", "scipy", "matplotlib", "pandas", "pandera"),
    *("openai", "anthropic", "duckdb", "polars", "numpy", "sqlglot"),
)
LEARNERS = {"prefect", "mlflow", "optuna", "sklearn", "lightgbm", "xgboost", "scipy", "matplotlib", "openai"}
# Runs a command in its own process, then tells the libraries it loaded and the processes it started.
TELL = f"""
import subprocess, sys
started = []
sys.addaudithook(lambda name, args: started.append(name) if name in {{"subprocess.Popen", "os.fork"}} else None)
from flows.cli import run_command
status = run_command(sys.argv[1:])
loaded = [name for name in {LIBRARIES} if name in sys.modules]
print("told:", status, len(started), ",".join(loaded), file=sys.stderr)
"""


def told_by(*arguments):
    """Exit status, processes started, libraries loaded, stderr."""
    line = [sys.executable, "-c", TELL, *map(str, arguments)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    told = [line for line in done.stderr.splitlines() if line.startswith("told: ")]
    assert told, done.stderr
    _, status, started, *loaded = told[0].split(" ")
    return int(status), int(started), set(",".join(loaded).split(",")) - {""}, done.stderr


def test_help_loads_nothing_heavy():
    assert told_by("--help")[:3] == (0, 0, set())


@pytest.mark.parametrize(
    ("line", "may_load"),
    [
        (("status",), {"duckdb", "polars"}),
        (("show", "APP", "player-3"), {"polars", "sqlglot"}),
        (("spending",), set()),
        (("nightly", "APP", "--as-of", LAST_NIGHT), {"duckdb", "polars", "sqlglot", "numpy"}),  # unchanged
    ],
)
def test_a_look_loads_only_what_it_looks_with(published, line, may_load):
    app, home = published
    arguments = [app if word == "APP" else word for word in line]
    status, started, loaded, err = told_by(*arguments, "--home", home)
    assert (status, started) == (0, 0), err
    assert loaded - may_load == set()


def test_ingest_starts_nothing_and_loads_no_learner(puzzles, tmp_path):
    app, home = puzzles
    before = counted(home)["events"]
    more = write_events(tmp_path, first_day=40, days=41)
    status, started, loaded, err = told_by("ingest", app, more, "--history", "--home", home)
    assert (status, started) == (0, 0), err
    assert loaded & LEARNERS == set()
    assert counted(home)["events"] > before


@pytest.mark.parametrize(
    "line",
    [
        "nightly APP --as-of 2999-01-01",
        "nightly NONE",
        "nightly APP --provider openai",
        "nightly APP --dry-run --as-of 1800-01-01",
        "train APP --as-of 2999-01-01",
        "train EMPTY",
        "backfill APP --from 2024-02-09 --to 2024-02-01",
        "replay APP --from 2024-02-09 --to 2999-01-01",
        "ingest APP no-such-file.csv",
        "submit APP",
        "write APP player-3 --provider anthropic",
        "experiment EMPTY",
        "compare-awards EMPTY given.csv",
        "serve NONE",
        "demo --players 1",
    ],
)
def test_what_cannot_be_is_refused_before_anything_slow_is_loaded(history, tmp_path, line):
    app, home = history
    empty = tmp_path / "empty.yaml"
    empty.write_text(app.read_text().replace("app: puzzles", "app: empty"))
    words = {"APP": app, "EMPTY": empty, "NONE": tmp_path / "none.yaml"}
    status, started, loaded, err = told_by(*(words.get(word, word) for word in line.split()), "--home", home)
    assert (status, started) == (2, 0), err
    assert loaded & LEARNERS == set()
    assert not (home / "warehouse" / "empty.duckdb").exists()


@pytest.mark.parametrize(("told", "threads"), [({}, "1"), ({"OMP_NUM_THREADS": "4"}, "4")])
def test_learners_get_one_thread_unless_a_person_says_otherwise(tmp_path, monkeypatch, told, threads):
    monkeypatch.setattr(os, "environ", told)
    prepare(load_settings(tmp_path))
    assert (os.environ["OMP_NUM_THREADS"], os.environ["OPENBLAS_NUM_THREADS"]) == (threads, "1")
