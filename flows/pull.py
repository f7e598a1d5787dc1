"""Pull: what is new on the servers that an app's file names, into the app's warehouse.

Runs half an hour before the app's night. Writes the app's warehouse and nothing else. Killed or refused half-way it has
taken nothing, and the next run reads the same again.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict

from configs.app import App
from configs.loader import LoadedApp
from flows.parameters import AppName
from flows.progress import report
from flows.recording import flow, task
from flows.running import Run, begin, show_figures
from flows.schedule import Deployed, Start, night_after_h
from pipelines.activity.pull import PullResult, run_pulls

BEFORE_NIGHT_H = 0.5


def addresses_of(loaded: LoadedApp) -> Mapping[str, str]:
    """The servers' addresses that the environment holds, by its variables."""
    return {pull.dsn: os.environ.get(pull.dsn, "") for pull in loaded.app.pulls.values()}


@task
def pull_rows(run: Run, history: bool, again: bool) -> PullResult:
    """Read what is new and take it in."""
    return run_pulls(
        run.settings,
        run.loaded,
        addresses_of(run.loaded),
        now=run.now,
        history=history,
        again=again,
        progress=report,
    )


def _starts(_app: App, grace_h: float) -> Start:
    return Start(max(0.0, night_after_h(grace_h) - BEFORE_NIGHT_H))


@flow("pull {app}", Deployed(_starts, each_app=True, suits=lambda app: bool(app.pulls)))
def pull(app: AppName, history: bool = False, again: bool = False) -> PullResult:
    """Pull what is new on the PostgreSQL servers that an app's file names.

    Args:
        app: The name of an app, or the path of an app file, that names `pulls`.
        history: Past data. An event counts as known from when it occurred, not from now.
        again: Read everything again, whatever was taken before.
    """
    run = begin(app)
    result = pull_rows(run, history, again)
    figures = {one.name: one.rows for one in result.pulled}
    for kind, taken in (("players", result.players), ("events", result.events)):
        figures |= {f"{kind}.{name}": n for name, n in asdict(taken).items() if isinstance(n, int)} if taken else {}
    notes = "\n\n".join(f"{one.name}: {note}" for one in result.pulled for note in one.notes)
    show_figures(run.loaded.app.app, "pull", figures, notes or "What the pulls brought.")
    return result
