"""An ingest that is killed or runs out of room leaves nothing half done; run again it ends as if undisturbed."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from data.warehouse import Warehouse, open_warehouse
from tests.pipelines.activity.deliveries import LEAN, as_csv, deliver, events_of, parts_of, solve

N_FILES, N_ROWS = 4, 4000
# Takes a folder in, telling each step and waiting for a line before it goes on; `room` is the largest file that it
# may write, 0 for any.
CHILD = """
import resource, sys
from pathlib import Path
from configs.errors import NightquestError
from data.warehouse import open_warehouse
from pipelines.activity.ingest import ingest_files
from tests.pipelines.activity.deliveries import LEAN, NOW

def tell(step, done, total):
    print(step, flush=True)
    sys.stdin.readline()

home, folder, room = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
if room:
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
try:
    with open_warehouse(home, "toy") as warehouse:
        ingest_files(warehouse, LEAN, [folder], now=NOW, history=False, progress=tell)
        tell("appended", 0, 0)
except NightquestError as error:
    sys.exit(str(error))
"""


def rows(first: int) -> list[dict]:
    return [
        solve(f"u{i % 700}", f"2024-05-{1 + i % 28:02d}T{i % 24:02d}:00:00Z", sequence=i, points=i % 50)
        for i in range(first, first + N_ROWS)
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    inbox = tmp_path_factory.mktemp("inbox")
    for i in range(N_FILES):
        (inbox / f"{i}.csv").write_text(as_csv(rows(i * N_ROWS)))
    return inbox


@pytest.fixture(scope="module")
def undisturbed(folder, tmp_path_factory):
    with open_warehouse(tmp_path_factory.mktemp("undisturbed"), "toy") as warehouse:
        deliver_folder(warehouse, folder)
        return events_of(warehouse), parts_of(warehouse)


def deliver_folder(warehouse: Warehouse, folder: Path) -> None:
    deliver(warehouse, LEAN, folder, {path.name: path.read_text() for path in sorted(folder.iterdir())})


def child(home: Path, folder: Path, room: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHILD, str(home), str(folder), str(room)]
    root = Path(__file__).resolve().parents[3]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(command, text=True, cwd=root, **pipes)


def kill_when(process: subprocess.Popen[str], step: str, delay_s: float | None) -> int:
    """Kill a child at a step, or some time after it went on from there; returns its exit status."""
    assert process.stdin
    assert process.stdout
    for line in process.stdout:
        if line.startswith(step) and delay_s is None:
            break
        process.stdin.write("\n")
        process.stdin.flush()
        if line.startswith(step):
            time.sleep(delay_s)
            break
    process.kill()
    process.communicate()
    return process.returncode


def test_killed_at_any_moment_and_run_again_nothing_is_lost_or_doubled(folder, undisturbed, tmp_path):
    chance = random.Random(20240501)  # noqa: S311  # moments, not secrets
    killed = []
    for step, latest_s in (("Reading 2.csv", None), ("Adding up", None), ("Adding up", 0.3), ("appended", 0.3)):
        killed.append(kill_when(child(tmp_path, folder), step, latest_s and chance.uniform(0, latest_s)))
        with open_warehouse(tmp_path, "toy") as warehouse:
            events, marks = (int(warehouse.value(f"SELECT count(*) FROM {t}")) for t in ("events", "deliveries"))
            assert (events, marks) in {(0, 0), (N_FILES * N_ROWS, N_FILES)}, step
    assert killed[:2] == [-9, -9]
    with open_warehouse(tmp_path, "toy") as warehouse:
        deliver_folder(warehouse, folder)
        assert events_of(warehouse).equals(undisturbed[0])
        assert parts_of(warehouse) == undisturbed[1]


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files with setrlimit")
def test_a_full_disk_is_told_and_with_room_again_nothing_is_lost_or_doubled(folder, undisturbed, tmp_path):
    with open_warehouse(tmp_path, "toy"):
        pass
    process = child(tmp_path, folder, room=1 << 20)
    _, told = process.communicate()
    assert process.returncode == 1
    assert "takes no file so large: the warehouse" in told
    assert "Free disk space" in told
    assert "Traceback" not in told
    with open_warehouse(tmp_path, "toy") as warehouse:
        deliver_folder(warehouse, folder)
        assert events_of(warehouse).equals(undisturbed[0])
        assert parts_of(warehouse) == undisturbed[1]
