"""Replay: past nights issued from what was known then, and settled against what the players did.

Runs when a person asks. Publishes nothing and writes no promise: it proves, or disproves, that the promises are true.
"""

import datetime as dt

from flows.parameters import AppName, check_span
from flows.progress import report
from flows.recording import flow, task
from flows.running import Run, begin, show_figures
from pipelines.replay.job import run_replay
from pipelines.reports import ReplayReport


@task
def settle_past(run: Run, start: dt.date, end: dt.date) -> ReplayReport:
    """Issue and settle each night of the span."""
    return run_replay(run.settings, run.loaded, start=start, end=end, progress=report)


@flow("replay {app} {start} to {end}")
def replay(app: AppName, start: dt.date, end: dt.date) -> ReplayReport:
    """Compare promised with kept over past nights, `start` and `end` included.

    Args:
        app: A shipped app's name, or the path of an app file.
        start: The first local day served.
        end: The last local day served.
    """
    run = begin(app)
    check_span(run.loaded.app, start, end, run.now)
    result = settle_past(run, start, end)
    show_figures(run.loaded.app.app, "replay", result.figures, f"Promised and kept, {start} to {end}.")
    return result
