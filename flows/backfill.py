"""Backfill: past nights, one after another, as they would have run.

Runs when a person asks for it. Each night is a run of its own; a night already published is left as it is.
"""

import datetime as dt

from flows.nightly import nightly
from flows.parameters import AppName, Provider, check_span
from flows.progress import report
from flows.recording import flow, name_run
from flows.running import begin
from flows.schedule import Deployed
from pipelines.reports import NightReport


@flow("backfill {app} {start} to {end}", Deployed())
def backfill(
    app: AppName,
    start: dt.date,
    end: dt.date,
    provider: Provider = "offline",
    issue: bool = False,
    accept: bool = False,
) -> list[NightReport]:
    """Serve every night from `start` to `end`, both included.

    Args:
        app: A shipped app's name, or the path of an app file.
        start: The first local day served.
        end: The last local day served.
        provider: Who writes the words. Offline unless asked otherwise, since hardly anybody will read past nights and
            each may cost as much as a night may.
        issue: Let nights count although later ones are out already. Nights made in their order count anyway.
        accept: You have looked at what a night stopped for, a table that shrank or a flood of badges, and take it.
    """
    run = begin(app)
    check_span(run.loaded.app, start, end, run.now)
    name_run(run.loaded.app.app, start, "to", end)
    nights = (end - start).days + 1
    served = []
    for number in range(nights):
        report("nights", number, nights)
        day = start + dt.timedelta(days=number)
        served.append(nightly(app=app, as_of=day, provider=provider, issue=issue, accept=accept))
    report("nights", nights, nights)
    return served
