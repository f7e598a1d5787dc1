"""Serve: the Prefect server with its UI, MLflow's UI, and a runner for every deployment, until told to stop."""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import FrameType

from configs.errors import NightquestError
from configs.loader import load_app, shipped_apps
from configs.settings import Settings
from data.warehouse import warehouse_path
from flows.environment import prepare_prefect
from flows.servers import HOST, Server, require_free, start_mlflow, start_prefect
from flows.serving import Serving, find_serving, forget_serving, note_serving

Say = Callable[[str], None]
WAIT_FOR_LOCK_S = 3600


def serve(settings: Settings, apps: Sequence[str], say: Say, *, verbose: bool = False) -> None:
    """Serve the apps (none: the shipped ones with data) until SIGINT or SIGTERM.

    Raises:
        AppFileError: There is no such app, or its file has problems.
        NightquestError: No app has data, a port is taken, a server does not start, or this home is served already.
    """
    apps = apps or apps_with_data(settings)
    for app in apps:
        load_app(app)
    _refuse_a_second(find_serving(settings.home))
    require_free(settings.prefect_port, "Prefect", "NIGHTQUEST_PREFECT_PORT")
    require_free(settings.mlflow_port, "MLflow", "NIGHTQUEST_MLFLOW_PORT")
    prepare_prefect(settings, api_url=f"http://{HOST}:{settings.prefect_port}/api", verbose=verbose)
    # Nobody sits before a scheduled run: it waits for another process on its app instead of failing at once.
    os.environ.setdefault("NIGHTQUEST_WAIT_FOR_LOCK_S", str(WAIT_FOR_LOCK_S))
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits it ignored
    with ExitStack() as stack:
        say("Starting Prefect and MLflow ...")
        prefect = start_prefect(settings, settings.prefect_port)
        stack.callback(prefect.stop)
        mlflow = start_mlflow(settings, settings.mlflow_port)
        stack.callback(mlflow.stop)
        for server in (prefect, mlflow):
            server.wait()
            say(f"{server.name:8} {server.url}")
        stack.callback(forget_serving, settings.home)
        _run_deployments(settings, prefect, mlflow, apps, say)
        say("Stopping ...")
    say("Stopped.")


def apps_with_data(settings: Settings) -> list[str]:
    """The shipped apps that have a warehouse under home.

    Raises:
        NightquestError: None has.
    """
    found = [app for app in shipped_apps() if warehouse_path(settings.home, app).exists()]
    if not found:
        raise NightquestError(f"No app has data under {settings.home}.", "Run: nightquest ingest APP FILE…")
    return found


def _run_deployments(settings: Settings, prefect: Server, mlflow: Server, apps: Sequence[str], say: Say) -> None:
    from flows.deployments import deployments
    from flows.runner import run_until_told
    from flows.stale import crash_stale_runs

    crash_stale_runs(include_deployments=True)
    note_serving(settings.home, prefect.url, mlflow.url)
    prepared = deployments(apps)
    lines = [f"  {deployment.flow_name}/{deployment.name}{_when(deployment)}" for deployment in prepared]
    lines.append("Ready. Start a run in Prefect's UI, or stop with Ctrl-C.")
    run_until_told(prepared, lambda: say("\n".join(lines)))


def _when(deployment: object) -> str:
    schedules = getattr(deployment, "schedules", None) or []
    shown = [f"{item.schedule.cron} {item.schedule.timezone}" for item in schedules]
    return f"  ({', '.join(shown)})" if shown else ""


def _refuse_a_second(serving: Serving | None) -> None:
    if serving is not None:
        raise NightquestError(
            f"This home folder is served already, by process {serving.pid} at {serving.prefect_url}.",
            "Use that one, or stop it first.",
            3,
        )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
