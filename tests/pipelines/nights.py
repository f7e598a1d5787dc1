"""A night without Prefect: the stages in the order of flows/nightly.py."""

import datetime as dt
import uuid

from configs.loader import LoadedApp
from configs.settings import Settings
from pipelines.night.champions import Champions, load_champions
from pipelines.night.issue import issue as issue_night
from pipelines.night.judge import judge
from pipelines.night.open_night import open_night
from pipelines.night.plan import plan
from pipelines.night.publish import publish
from pipelines.night.record import describe, recall
from pipelines.night.record import record as record_nights
from pipelines.night.settle import settle, weigh_awards
from pipelines.night.unrecorded import keep, left_unrecorded
from pipelines.night.words import hire_writers, told_of, write
from pipelines.reports import NightReport
from pipelines.words.wishes import NO_WISHES, RunContext, Wishes


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def context_of(settings: Settings, wishes: Wishes = NO_WISHES) -> RunContext:
    return RunContext(settings, wishes, now, lambda *_: None, run_id=uuid.uuid4().hex)


def champions(settings: Settings, loaded: LoadedApp, as_of: dt.date) -> Champions:
    """What a night would be served by."""
    with open_night(loaded, as_of, now(), context_of(settings)) as tonight:
        return load_champions(tonight)


def serve_night(
    settings: Settings,
    loaded: LoadedApp,
    as_of: dt.date,
    wishes: Wishes = NO_WISHES,
    *,
    refresh: bool = False,
    issue: bool = False,
    accept: bool = True,
    record: bool = False,
) -> NightReport:
    with open_night(loaded, as_of, now(), context_of(settings, wishes), refresh=refresh, issue=issue) as tonight:
        if tonight.out is not None:
            return tonight.out
        weigh_awards(tonight, accept=accept)
        still_open = settle(tonight)
        champions = load_champions(tonight)
        planned = plan(tonight, champions)
        crew = hire_writers(tonight)
        words = write(tonight, planned, crew)
        judged = judge(tonight, planned, crew, words)
        issued = issue_night(tonight, planned, crew, words, judged, still_open, accept=True)
        if record:
            keep(tonight, describe(tonight, crew, words), recall(tonight), None)
        notes = (*champions.notes, *planned.notes, *crew.notes, *told_of(words), *issued.notes)
        report = publish(tonight, issued, notes)
        due = left_unrecorded(tonight)
    record_nights(settings, loaded.app.app, due)
    return report
