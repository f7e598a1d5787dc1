"""Runs that Prefect calls running though their process was killed; read from its file, since Prefect loads slowly."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil

from configs.commands import command
from flows.server.note import find_serving
from pipelines.publish.health import Fault

PROCESS = "process:"  # the tag that names who carries a run: its process id and when that began


def left_runs(home: Path) -> Iterator[Fault]:
    """A fault for each run that says RUNNING though nobody carries it; none while `serve` lives, which looks itself."""
    store = home / "prefect" / "prefect.db"
    if find_serving(home) is not None or not store.exists():
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)) as con:
        for name, tags in con.execute(
            "SELECT name, tags FROM flow_run WHERE state_type IN ('RUNNING', 'PENDING', 'CANCELLING') ORDER BY name"
        ).fetchall():
            if not _is_carried(json.loads(tags or "[]")):
                told = f"The run '{name}' was cut off: Prefect calls it running, and its process is gone."
                yield Fault("serve", "run", told, f"It is marked as crashed by the next: {command('serve')}")


def _is_carried(tags: list[str]) -> bool:
    for mark in (tag.removeprefix(PROCESS).split(":") for tag in tags if tag.startswith(PROCESS)):
        with suppress(psutil.Error, ValueError):
            return abs(psutil.Process(int(mark[0])).create_time() - float(mark[1])) < 2
    return False
