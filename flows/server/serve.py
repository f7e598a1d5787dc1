"""Serve: the Prefect server with its UI, MLflow's UI, and a runner for every deployment, until told to stop.

Each is a process of its own, so that one that dies is noticed and started again.
"""

import os
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType

from configs.commands import command
from configs.errors import NightquestError
from configs.loader import load_app
from configs.settings import Settings
from configs.shipped import shipped_apps
from data.warehouse import warehouse_path
from data.zones import rules_note
from flows.clock import clock
from flows.server.environment import prepare_prefect
from flows.server.note import Serving, find_serving, forget_serving, note_serving
from flows.server.processes import HOST, clear_logs, require_free, start_mlflow, start_prefect, start_runner
from flows.server.watch import Watch

Say = Callable[[str], None]
WAIT_FOR_LOCK_S = 3600


def serve(settings: Settings, apps: Sequence[str], say: Say, *, verbose: bool = False) -> None:
    """Serve the apps (none: the shipped ones with data) until SIGINT or SIGTERM.

    Raises:
        AppFileError: There is no such app, or its file has problems.
        NightquestError: No app has data, a port is taken, a server does not start, or this home is served already.
    """
    apps = apps or apps_with_data(settings)
    zones = sorted({load_app(app).app.timezone for app in apps})
    _refuse_a_second(find_serving(settings.home))
    require_free(settings.prefect_port, "Prefect", "NIGHTQUEST_PREFECT_PORT")
    require_free(settings.mlflow_port, "MLflow", "NIGHTQUEST_MLFLOW_PORT")
    prepare_prefect(settings, api_url=f"http://{HOST}:{settings.prefect_port}/api", verbose=verbose)
    # Nobody sits before a scheduled run: it waits for another process on its app instead of failing at once.
    os.environ.setdefault("NIGHTQUEST_WAIT_FOR_LOCK_S", str(WAIT_FOR_LOCK_S))
    watch = _watch(settings, apps, say)
    try:
        _listen()
        for note in (note for zone in zones for note in rules_note(zone, clock().date())):
            say(note)
        _start(watch, settings, say)
        watch.keep()
    except KeyboardInterrupt:
        say("Stopping ...")
    finally:
        forget_serving(settings.home)
        watch.stop()
    say("Stopped.")


def apps_with_data(settings: Settings) -> list[str]:
    """The shipped apps that have a warehouse under home.

    Raises:
        NightquestError: None has.
    """
    found = [app for app in shipped_apps() if warehouse_path(settings.home, app).exists()]
    if not found:
        raise NightquestError(f"No app has data under {settings.home}.", f"Run: {command('ingest', 'APP', 'FILE')}")
    return found


def _start(watch: Watch, settings: Settings, say: Say) -> None:
    say("Starting Prefect and MLflow ...")
    watch.start("Prefect", "MLflow")
    for name in ("Prefect", "MLflow"):
        say(f"{name:8} {watch.running[name].url}")
    watch.start("Runner")
    note_serving(settings.home, watch.running["Prefect"].url, watch.running["MLflow"].url)
    say(_sign(settings).read_text(encoding="utf-8"))
    say("Ready. Start a run in Prefect's UI, or stop with Ctrl-C.")


def _watch(settings: Settings, apps: Sequence[str], say: Say) -> Watch:
    clear_logs(settings)
    starts = {
        "Prefect": partial(start_prefect, settings, settings.prefect_port),
        "MLflow": partial(start_mlflow, settings, settings.mlflow_port),
        "Runner": partial(start_runner, settings, _sign(settings), apps),
    }
    return Watch(starts, {"Runner": "Prefect"}, say)


def _sign(settings: Settings) -> Path:
    """Where the runner writes what it serves."""
    return settings.home.absolute() / "logs" / "deployments.txt"


def _refuse_a_second(serving: Serving | None) -> None:
    if serving is not None:
        raise NightquestError(
            f"This home folder is served already, by process {serving.pid} at {serving.prefect_url}.",
            "Use that one, or stop it first.",
            3,
        )


def _listen() -> None:
    """SIGINT and SIGTERM interrupt, wherever they were inherited from as ignored; once, so that stopping is not."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        for sign in (signal.SIGINT, signal.SIGTERM):
            signal.signal(sign, signal.SIG_IGN)
        raise KeyboardInterrupt

    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, interrupt)
