"""Compact: an app's warehouse without the room that changes have left behind.

Runs weekly, before training, where enough has gathered. Writes the warehouse anew; what it holds stays the same.
"""

from configs.app import App
from data.compaction import Compacted, compact_warehouse, free_share
from flows.parameters import AppName
from flows.recording import flow, task
from flows.running import Run, begin, show_figures
from flows.schedule import Deployed, Start

WORTH = 0.2  # share of a warehouse that must be free for the weekly run to write it anew


@task
def write_anew(run: Run, least: float) -> Compacted | None:
    """Write the warehouse anew where at least this share of it is free; None where it is not."""
    home, app, wait_s = run.settings.home, run.loaded.app.app, run.settings.wait_for_lock_s
    if free_share(home, app, wait_s) < least:
        return None
    return compact_warehouse(home, app, wait_s)


def _starts(_app: App, _grace_h: float) -> Start:
    return Start(-2.0, weekday="1", parameters={"scheduled": True})


@flow("compact {app}", Deployed(_starts, each_app=True))
def compact(app: AppName, scheduled: bool = False) -> Compacted | None:
    """Write an app's warehouse anew, without the room that changes have left behind.

    Args:
        app: A shipped app's name, or the path of an app file.
        scheduled: Set by the schedule: leave it where little would be gained.
    """
    run = begin(app)
    result = write_anew(run, WORTH if scheduled else 0)
    figures = {"bytes_before": result.before, "bytes_after": result.after} if result else {}
    show_figures(run.loaded.app.app, "compact", figures, "Written anew." if result else "Little would be gained.")
    return result
