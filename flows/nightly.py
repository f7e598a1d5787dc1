"""Nightly: one app's night, from what is known to what is published.

Runs at 06:00 of the app's zone. Settles earlier challenges, plans and words the coming day's, awards badges, audits and
publishes `published/<app>/<as_of>/`, which the app reads. Killed anywhere and run again it ends the same.
"""

import datetime as dt

from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from flows.parameters import Accept, AppName, AsOf, Refresh, check_day
from flows.progress import report
from flows.running import BUSY_DELAY_S, BUSY_RETRIES, Run, begin, show_figures, worth_retrying
from pipelines.steps import NightReport, run_night


@task(cache_policy=NO_CACHE, retries=BUSY_RETRIES, retry_delay_seconds=BUSY_DELAY_S, retry_condition_fn=worth_retrying)
def serve_night(run: Run, as_of: dt.date | None, refresh: bool, accept: bool) -> NightReport:
    """Settle, plan, write, audit and publish."""
    return run_night(
        run.settings, run.loaded, as_of=as_of, now=run.now, refresh=refresh, accept=accept, progress=report
    )


@flow(flow_run_name="nightly {app}")
def nightly(app: AppName, as_of: AsOf = None, refresh: Refresh = False, accept: Accept = False) -> NightReport:
    """Serve one night of an app: settle, plan, write, audit, publish."""
    run = begin(app)
    day = check_day(run.loaded.app, as_of, run.now)
    result = serve_night(run, day, refresh, accept)
    show_figures(run.loaded.app.app, "night", result.figures, f"The night in {result.path}.")
    return result
