"""What a command loads and starts: nothing that it does not need, told by modules and processes, not by the clock."""

import os
import subprocess
import sys

import pytest

from tests.flows.world import LAST_NIGHT, ROOT, counted, write_events

LIBRARIES = (
    *("prefect", "mlflow", "optuna", "sklearn", "lightgbm", "xgboost", "scipy", "matplotlib", "pandas", "pandera"),
    *("openai", "anthropic", "duckdb", "polars", "numpy", "pyarrow", "sqlglot"),
)
LEARNERS = {"prefect", "mlflow", "optuna", "sklearn", "lightgbm", "xgboost", "scipy", "matplotlib", "openai"}
# Runs each command in a process of its own, then tells the libraries it loaded and the processes it started. All come
# from one that has loaded the modules it is told.
TELL = f"""
import importlib, os, subprocess, sys
from flows.cli.main import run_command
for module in sys.argv[1:]:
    importlib.import_module(module)
for line in sys.stdin.read().splitlines():
    sys.stderr.flush()
    if child := os.fork():
        os.waitpid(child, 0)
        continue
    started = []
    sys.addaudithook(lambda name, args: started.append(name) if name in {{"subprocess.Popen", "os.fork"}} else None)
    status = run_command(line.split("\t"))
    loaded = [name for name in {LIBRARIES} if name in sys.modules]
    print("told:", status, len(started), ",".join(loaded), file=sys.stderr, flush=True)
    os._exit(0)
"""


def told_by_each(lines, *modules):
    """Exit status, processes started, libraries loaded and stderr of each command line, after loading the modules."""
    words = "\n".join("\t".join(map(str, line)) for line in lines)
    line = [sys.executable, "-c", TELL, *modules]
    done = subprocess.run(line, input=words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    told, said = [], []
    for text in done.stderr.splitlines():
        if not text.startswith("told: "):
            said.append(text)
            continue
        _, status, started, *loaded = text.split(" ")
        told.append((int(status), int(started), set(",".join(loaded).split(",")) - {""}, "\n".join(said)))
        said = []
    assert len(told) == len(lines), done.stderr
    return told


def test_help_loads_nothing_heavy():
    assert told_by_each([["--help"]])[0][:3] == (0, 0, set())


def test_the_stages_of_a_night_wait_for_something_to_train_read_or_draw():
    (told,) = told_by_each([["--help"]], "flows.stages")
    assert told[2] & (LEARNERS | {"anthropic"}) == {"scipy"}


LOOKS = {
    "status": {"duckdb", "polars", "numpy"},  # its input ended long ago
    "show APP player-3": {"polars", "sqlglot"},
    "spending": set(),
    "check APP": {"duckdb", "polars", "numpy", "sqlglot"},
    f"nightly APP --as-of {LAST_NIGHT}": {"duckdb", "polars", "sqlglot", "numpy", "pyarrow"},  # unchanged
}


@pytest.fixture(name="looks", scope="module")
def _looks(published):
    """What each of LOOKS told."""
    app, home = published
    lines = [[*(str(app) if word == "APP" else word for word in line.split()), "--home", home] for line in LOOKS]
    return dict(zip(LOOKS, told_by_each(lines, "configs.settings", "flows.cli.console"), strict=True))


@pytest.mark.parametrize("line", LOOKS)
def test_a_look_loads_only_what_it_looks_with(looks, line):
    status, started, loaded, err = looks[line]
    assert (status, started) == (0, 0), err
    assert loaded - LOOKS[line] == set()


def test_ingest_starts_nothing_and_loads_no_learner(puzzles, tmp_path):
    app, home = puzzles
    before = counted(home)["events"]
    more = write_events(tmp_path, first_day=40, days=41)
    status, started, loaded, err = told_by_each([["ingest", app, more, "--history", "--home", home]])[0]
    assert (status, started) == (0, 0), err
    assert loaded & (LEARNERS | {"pandas", "pandera"}) == set()
    assert counted(home)["events"] > before


REFUSED = [
    "nightly APP --as-of 2999-01-01",
    "nightly NONE",
    "nightly APP --provider openai",
    "nightly APP --dry-run --as-of 1800-01-01",
    "train APP --as-of 2999-01-01",
    "train EMPTY",
    "train APP --task chrun",
    "train APP --budget soon",
    "train APP --budget 2s",
    "explain EMPTY player-3",
    "policies EMPTY",
    "backfill APP --from 2024-02-09 --to 2024-02-01",
    "replay APP --from 2024-02-09 --to 2999-01-01",
    "ingest APP no-such-file.csv",
    "submit APP",
    "write APP player-3 --provider anthropic",
    "experiment EMPTY",
    "compare-awards EMPTY given.csv",
    "badges EMPTY",
    "serve NONE",
    "demo --players 1",
]


@pytest.fixture(name="refusals", scope="module")
def _refusals(history, tmp_path_factory):
    """What each of REFUSED told."""
    app, home = history
    place = tmp_path_factory.mktemp("refusals")
    empty = place / "empty.yaml"
    empty.write_text(app.read_text().replace("app: puzzles", "app: empty"))
    words = {"APP": app, "EMPTY": empty, "NONE": place / "none.yaml"}
    lines = [[*(words.get(word, word) for word in line.split()), "--home", home] for line in REFUSED]
    quick = ("configs.loader", "configs.settings", "flows.cli.console", "duckdb", "polars", "sqlglot")
    return dict(zip(REFUSED, told_by_each(lines, *quick), strict=True))


@pytest.mark.parametrize("line", REFUSED)
def test_what_cannot_be_is_refused_before_anything_slow_is_loaded(history, refusals, line):
    home = history[1]
    status, started, loaded, err = refusals[line]
    assert (status, started) == (2, 0), err
    assert loaded & LEARNERS == set()
    assert not (home / "warehouse" / "empty.duckdb").exists()


@pytest.mark.parametrize(("told", "threads"), [({}, 1), ({"OPENBLAS_NUM_THREADS": "2"}, 2)])
def test_numpy_gets_one_thread_unless_a_person_says_otherwise(told, threads):
    code = "import flows.train, threadpoolctl; print({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})"
    others = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=others | told, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str({threads})
