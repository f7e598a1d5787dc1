"""Processes that work for another never outlive it, and heed nobody else."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pipelines.pool import Lost, open_pool

ROOT = Path(__file__).parents[2]
LONG_S = 600
AT_WORK = f"""
import os, time
from pipelines.pool import open_pool
if __name__ == "__main__":
    with open_pool(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, {LONG_S}).result()
"""


def interrupted() -> str:
    os.kill(os.getpid(), signal.SIGINT)
    return "went on"


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_what_is_in_hand_is_finished_whatever_a_terminal_sends():
    with open_pool(1) as pool:
        found = pool.submit(interrupted)
    assert found.result(0) == "went on"


def waits_for(path: Path) -> int:
    while not path.exists():
        time.sleep(0.02)
    return os.getpid()


def test_one_that_is_lost_costs_what_it_had_in_hand_alone_and_another_comes(tmp_path):
    with open_pool(2) as pool:
        in_hand, lost = pool.submit(waits_for, tmp_path / "done"), pool.submit(os._exit, 9)
        with pytest.raises(Lost):
            lost.result()
        another = pool.submit(os.getpid).result()
        assert not in_hand.done()
        (tmp_path / "done").touch()
        assert in_hand.result() != another


def polars_threads() -> int:
    import polars as pl  # noqa: PLC0415 (as a worker does, once it is asked for something)

    return pl.thread_pool_size()


def test_they_share_the_cores(monkeypatch):
    monkeypatch.delenv("POLARS_MAX_THREADS", raising=False)
    monkeypatch.setattr(psutil, "cpu_count", lambda: 7)
    with open_pool(2) as pool:
        assert pool.submit(polars_threads).result() == 3


def test_where_the_block_is_interrupted_they_end_at_once():
    with suppress(KeyboardInterrupt), open_pool(1) as pool:
        process = psutil.Process(pool.submit(os.getpid).result())
        sleeping = pool.submit(time.sleep, LONG_S)
        raise KeyboardInterrupt
    assert sleeping.done()
    assert is_gone(process)


def test_they_end_with_whom_they_work_for_who_is_killed(tmp_path):
    script = tmp_path / "at_work.py"
    script.write_text(AT_WORK)
    with subprocess.Popen(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        process = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    deadline = time.monotonic() + 120
    while not is_gone(process) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_gone(process)
