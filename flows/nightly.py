"""Nightly: one app's night, from what is known to what is published.

Runs two hours after the app's day begins. Settles earlier challenges, plans and words the day's, awards badges, audits
and publishes `published/<app>/<as_of>/`, which the app reads. Killed anywhere and run again it ends the same.
"""

import datetime as dt
from dataclasses import replace
from typing import cast

from configs.app import App
from flows.missed import catch_up
from flows.parameters import APP_SAYS, AppName, MaxCost, Mode, Provider, Types, check_day, wishes
from flows.progress import NIGHT_STAGES, report, warn
from flows.recording import flow, is_recording, name_run, run_url
from flows.running import Run, begin, show_figures
from flows.schedule import Deployed, Start, night_after_h
from pipelines.night.open_night import Tonight, open_night
from pipelines.pins import local_day, next_served_day
from pipelines.reports import NightReport


def _starts(_app: App, grace_h: float) -> Start:
    return Start(night_after_h(grace_h), parameters={"scheduled": True})


@flow("nightly {app}", Deployed(_starts, each_app=True))
def nightly(
    app: AppName,
    as_of: dt.date | None = None,
    refresh: bool = False,
    accept: bool = False,
    issue: bool = False,
    was_silent: bool = False,
    provider: Provider = APP_SAYS,
    mode: Mode = APP_SAYS,
    types: Types | None = None,
    max_cost_usd: MaxCost | None = None,
    scheduled: bool = False,
) -> NightReport:
    """Serve one night of an app: settle, plan, write, audit, publish.

    Args:
        app: A shipped app's name, or the path of an app file.
        as_of: The local day that the night serves; none is the day that began within the grace, else the next to begin.
        refresh: Make a new revision of a published night. Promises already issued stay.
        accept: You have looked at what the night stopped for, a table that shrank or a flood of badges, and take it.
        issue: Let a night count although later ones are out already: it promises, pays and awards like any other.
        was_silent: You say that nobody played on the days without events; they are settled from now on.
        provider: Who writes the words this time. Both writes with both and lets a judge pick.
        mode: Live, or batches, which cost half and are waited for as long as the settings say.
        types: What is planned and written this time; none is what the app file lists.
        max_cost_usd: What this night's words may cost in US dollars; none is what the settings say.
        scheduled: Set by the schedule: however late the run starts it serves the day it lies in, after missed nights.
    """
    run = begin(app)
    day, missed = check_day(run.loaded.app, as_of, run.now), tuple[str, ...]()
    if scheduled:
        day = day or local_day(run.loaded.app, run.now)
    name_run(run.loaded.app.app, day or next_served_day(run.loaded.app, run.now, run.settings.day_grace))
    if scheduled and day:
        missed = catch_up(run, day, lambda past: nightly(app=app, as_of=past, provider="offline", max_cost_usd=0))
    context = run.context(wishes(provider, mode, types, max_cost_usd))
    with open_night(run.loaded, day, run.now, context, refresh=refresh, issue=issue, was_silent=was_silent) as tonight:
        if tonight.out is not None and not (tonight.unrecorded or tonight.undelivered):
            return ended(tell(run, tonight.out, missed))
        from flows import stages  # their libraries take seconds to load, and a night that is out needs none

        result = tonight.out or make(tonight, accept=accept)
        lacking = tuple(stages.deliver(tonight).failed) if tonight.sinks else ()
        due = stages.left_unrecorded(tonight)
    unrecorded = stages.try_to_record(run.settings, run.loaded.app.app, due)
    result = replace(result, undelivered=lacking, unrecorded=unrecorded)
    return ended(tell(run, result, (*missed, *lacking, *filter(None, [unrecorded]))))


def make(tonight: Tonight, *, accept: bool) -> NightReport:
    """The stages of a night, in their order."""
    from flows import stages
    from pipelines.night.words import told_of

    stages.weigh_awards(tonight, accept=accept)
    still_open = stages.settle(tonight)
    champions = stages.load_champions(tonight)
    planned = stages.plan(tonight, champions)
    crew = stages.hire_writers(tonight)
    words = stages.write(tonight, planned, crew)
    judged = stages.judge(tonight, planned, crew, words)
    planned = planned.to_issue()  # features of all players need not be held while their tables are written
    issued = stages.issue(tonight, planned, crew, words, judged, still_open, accept=accept)
    stages.keep_unrecorded(tonight, stages.describe(tonight, crew, words), stages.recall(tonight), run_url())
    notes = (*champions.notes, *planned.notes, *crew.notes, *told_of(words), *issued.notes)
    return stages.publish(tonight, issued, notes)


def ended(result: NightReport) -> NightReport:
    """How the run ends in Prefect: not plainly green on stale input, or where a destination or MLflow lacks a night."""
    if not result.warned or not is_recording():
        return result
    from prefect.states import Completed

    name, why = "Unrecorded", result.unrecorded
    if result.undelivered:
        name, why = "Undelivered", result.undelivered[0]
    if result.stale:
        name, why = "Stale", result.notes[0]
    return cast("NightReport", Completed(name=name, message=why, data=result))


def tell(run: Run, result: NightReport, missed: tuple[str, ...] = ()) -> NightReport:
    """Leave the night's figures on the run, what became of missed nights, what is not delivered or recorded."""
    result = replace(result, notes=(*result.notes, *missed))
    report(f"night: {result.as_of}", NIGHT_STAGES, NIGHT_STAGES)
    state = "unchanged" if result.unchanged else "published" if result.issued else "published, not issued"
    warn(result.notes)
    notes = "".join(f"\n\n{note}" for note in result.notes)
    figures = {name: value for name, value in result.figures.items() if name != "notes"}
    show_figures(run.loaded.app.app, "night", figures, f"The night of {result.as_of}, {state}.{notes}")
    return result
