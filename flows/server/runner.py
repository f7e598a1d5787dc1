"""Prefect's runner as a process of its own, which `serve` starts and watches: it registers deployments and runs them.

    python -m flows.server.runner SIGN APP...

writes to the file SIGN what it serves, a line for each deployment, when it is ready.
"""

import asyncio
import contextlib
import datetime as dt
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.runner import Runner

from configs.loader import load_app
from configs.settings import Settings
from flows.clock import clock
from flows.deployments import deployments
from flows.missed import is_overdue
from flows.registry import find_flows
from flows.schedule import night_after_h
from flows.server.stale_runs import crash_stale_runs
from flows.settings import read_settings


class OrderlyRunner(Runner):
    """Takes SIGTERM as it takes Ctrl-C: schedules are paused, runs are ended, and the loop is left."""

    def handle_sigterm(self, *_args: Any, **_kwargs: Any) -> None:
        """Hand SIGTERM to asyncio's own handler of Ctrl-C."""
        os.kill(os.getpid(), signal.SIGINT)


def run(sign: Path, apps: Sequence[str]) -> None:
    """Start scheduled and submitted runs of the apps' deployments until SIGINT or SIGTERM."""
    crash_stale_runs(include_deployments=True)
    runner = OrderlyRunner(name="nightquest", pause_on_shutdown=True)
    settings = read_settings()
    prepared = deployments(apps, settings.day_grace_h)
    added = {(one.flow_name, one.name): cast("UUID", runner.add_deployment(one)) for one in prepared}
    overdue = _start_overdue(settings, apps, added)
    faults = [f"  {fault}" for fault in find_flows().faults]
    _tell(sign, [*(f"  {one.flow_name}/{one.name}{_when(one)}" for one in prepared), *overdue, *faults])
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(runner.start())


def _start_overdue(settings: Settings, apps: Sequence[str], added: Mapping[tuple[str | None, str], UUID]) -> list[str]:
    """Start what the schedule missed while nothing served, as it would have; a line for each."""
    after = dt.timedelta(hours=night_after_h(settings.day_grace_h))
    told = []
    for name in apps:
        app = load_app(name).app
        if is_overdue(settings, app, clock(), after):
            with get_client(sync_client=True) as client:
                parameters = {"app": name, "scheduled": True}
                client.create_flow_run_from_deployment(added["nightly", app.app], parameters=parameters)
            told.append(f"  The night of {app.app} is overdue and starts now.")
    return told


def _tell(sign: Path, lines: Sequence[str]) -> None:
    """Write the lines, all at once."""
    draft = sign.with_suffix(".draft")
    draft.write_text("\n".join(lines), encoding="utf-8")
    draft.replace(sign)


def _when(deployment: RunnerDeployment) -> str:
    shown = [f"{item.schedule.cron} {item.schedule.timezone}" for item in deployment.schedules or []]  # type: ignore[union-attr]
    return f"  ({', '.join(shown)})" if shown else ""


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be inherited as ignored
    run(Path(sys.argv[1]), sys.argv[2:])
