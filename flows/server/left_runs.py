"""Runs that Prefect calls running though their process was killed; read from its file, since Prefect loads slowly."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from configs.commands import command
from flows.server.carrier import is_gone
from flows.server.note import find_serving
from pipelines.publish.health import Fault


def left_runs(home: Path) -> Iterator[Fault]:
    """A fault for each run that says RUNNING though nobody carries it; none while `serve` lives, which looks itself."""
    store = home / "prefect" / "prefect.db"
    if find_serving(home) is not None or not store.exists():
        return
    with suppress(sqlite3.Error), closing(sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)) as con:
        for name, tags in con.execute(
            "SELECT name, tags FROM flow_run WHERE state_type IN ('RUNNING', 'PENDING', 'CANCELLING') ORDER BY name"
        ).fetchall():
            if is_gone(json.loads(tags or "[]")) is not False:
                told = f"The run '{name}' was cut off: Prefect calls it running, and its process is gone."
                yield Fault("serve", "run", told, f"It is marked as crashed by the next: {command('serve')}")
