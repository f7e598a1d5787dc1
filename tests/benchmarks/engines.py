"""What is worked on in buckets when a night is planned, by each engine, on the clock.

    python -m tests.benchmarks engines

A warehouse of 20,000 players with what was learned from it plans the same night by `local` on one core and on all, by
`processes` and by `dask` with workers of this machine, each engine in a process of its own. Beyond one core `local`
has DuckDB's and polars' threads; a worker has one. Plans are compared row for row. Where other work is on the machine
the clock says little: `gain_by_cpu` reckons from processor seconds what two idle cores would bring: each worker is
busy for half of what both spend while buckets are worked on, and this process is waited for.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.bench import LEARNED, PYTHON, ROOT
from tests.benchmarks.delivery import new_day
from tests.benchmarks.processes import run_alone

PLAYERS, WORKERS = 20_000, 2
LEAST_GAIN, MOST_DASK = 1.6, 1.3
ONE = "local on one core"
ENGINES: dict[str, dict[str, str]] = {
    ONE: {"NIGHTQUEST_THREADS": "1"},
    "local": {},
    "processes": {"NIGHTQUEST_ENGINE": "processes", "NIGHTQUEST_WORKERS": str(WORKERS)},
    "dask": {"NIGHTQUEST_ENGINE": "dask"},
}


def measure(folder: Path, players: int = PLAYERS) -> dict[str, float]:
    """Seconds on the clock in buckets and in the whole of planning, for each engine, and how they compare.

    Raises:
        SystemExit: Two engines planned otherwise.
    """
    from distributed import LocalCluster  # noqa: PLC0415 (of the extra `dask`)

    home = _trained_home(folder, players)
    same = {"NIGHTQUEST_SHARED_FOLDER": str(folder / "shared"), "NIGHTQUEST_BUCKETS": str(WORKERS)}
    figures, plans = dict[str, float](), set[str]()
    for name, told in ENGINES.items():
        if name == "dask":
            with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0") as cluster:
                found = _apart(home, same | told | {"NIGHTQUEST_DASK_ADDRESS": cluster.scheduler_address})
        else:
            found = _apart(home, same | told, one_core=name == ONE)
        plans.add(found.pop("plan"))
        figures |= {f"{name}_{what}": value for what, value in found.items()}
    if len(plans) != 1:
        sys.exit("The engines planned otherwise: what they take says nothing.")
    buckets = {name: figures[f"{name}_buckets_s"] for name in ENGINES}
    gain, over = buckets[ONE] / buckets["processes"], buckets["dask"] / buckets["processes"]
    held = float(gain >= LEAST_GAIN and over <= MOST_DASK)
    figures |= {"gain_over_one_core": gain, "gain_over_local": buckets["local"] / buckets["processes"]}
    alone = figures["processes_here_cpu_s"] + figures["processes_workers_cpu_s"] / WORKERS
    figures |= {"gain_by_cpu": figures[f"{ONE}_here_cpu_s"] / alone}
    return figures | {"dask_over_processes": over, "held": held}


def _trained_home(folder: Path, players: int) -> Path:
    delivery, home = folder / "delivery", folder / "home"
    run_alone([PYTHON, "-m", "tests.benchmarks.delivery", str(delivery), str(players)], ROOT)
    nightquest, at_home = str(Path(PYTHON).with_name("nightquest")), ["trading", "--home", str(home)]
    take = [nightquest, "ingest", *at_home, "--history"]
    run_alone([*take, "--players", str(delivery / "players.parquet")], ROOT)
    run_alone([*take, str(delivery / "past")], ROOT)
    tasks = [word for task in LEARNED for word in ("--task", task)]
    run_alone([nightquest, "train", *at_home, "--untuned", "--as-of", new_day().isoformat(), *tasks], ROOT)
    return home


def _apart(home: Path, told: dict[str, str], *, one_core: bool = False) -> dict[str, Any]:
    command = [PYTHON, "-m", "tests.benchmarks.planned", str(home)]
    if one_core:
        command.append(str(min(os.sched_getaffinity(0))))
    said = subprocess.run(command, cwd=ROOT, env=os.environ | told, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(said.stdout.splitlines()[-1])
    return found
