"""Nightly: one app's night, from what is known to what is published.

Runs at 06:00 of the app's zone. Settles earlier challenges, plans and words the coming day's, awards badges, audits and
publishes `published/<app>/<as_of>/`, which the app reads. Killed anywhere and run again it ends the same.
"""

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from prefect import Task, flow, task
from prefect.cache_policies import NO_CACHE

from flows.parameters import AppName, check_day
from flows.progress import report
from flows.running import Run, begin, show_figures
from pipelines import nightly as stages
from pipelines.nightly import NightReport

P = ParamSpec("P")
R = TypeVar("R")

STAGES = 7


def stage(number: int, name: str, work: Callable[P, R]) -> Task[P, R]:
    """A stage as a Prefect task that tells how far the night is."""

    @wraps(work)
    def told(*args: P.args, **kwargs: P.kwargs) -> R:
        report(f"night: {name}", number - 1, STAGES)
        return work(*args, **kwargs)

    return task(name=name, cache_policy=NO_CACHE)(told)


settle = stage(1, "settle", stages.settle)
load_champions = stage(2, "load champions", stages.load_champions)
plan = stage(3, "plan", stages.plan)
write = stage(4, "write", stages.write)
issue = stage(5, "issue and audit", stages.issue)
publish = stage(6, "publish", stages.publish)
record = stage(7, "record", stages.record)


@flow(flow_run_name="nightly {app}")
def nightly(app: AppName, as_of: dt.date | None = None, refresh: bool = False, accept: bool = False) -> NightReport:
    """Serve one night of an app: settle, plan, write, audit, publish.

    Args:
        app: A shipped app (trading, stackexchange, oulad) or the path of an app file.
        as_of: The local day that the night serves; none is the next day of the app to begin.
        refresh: Make a new revision of a published night. Promises already issued stay.
        accept: You have looked at a table that shrank by more than the limit, and take it.
    """
    run = begin(app)
    day = check_day(run.loaded.app, as_of, run.now)
    with stages.open_night(run.settings, run.loaded, day, run.now, refresh=refresh) as tonight:
        if tonight.out is not None:
            return tell(run, tonight.out)
        still_open = settle(tonight)
        champions = load_champions(tonight)
        planned = plan(tonight, champions)
        words = write(tonight, planned)
        issued = issue(tonight, planned, words, still_open, accept=accept)
        result = publish(tonight, issued, champions.notes)
    record(run.settings, run.loaded.app.app, result)
    return tell(run, result)


def tell(run: Run, result: NightReport) -> NightReport:
    """Leave the night's figures on the run."""
    report(f"night: {result.as_of}", STAGES, STAGES)
    state = "unchanged" if result.unchanged else "published"
    notes = "".join(f"\n\n{note}" for note in result.notes)
    figures = {name: value for name, value in result.figures.items() if name != "notes"}
    show_figures(run.loaded.app.app, "night", figures, f"The night of {result.as_of}, {state}.{notes}")
    return result
