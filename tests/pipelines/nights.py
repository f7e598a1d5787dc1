"""A night without Prefect: the stages in the order of flows/nightly.py."""

import datetime as dt
import uuid

from configs.loader import LoadedApp
from configs.settings import Settings
from pipelines.night import stages as nightly
from pipelines.night.open_night import open_night
from pipelines.night.words import told_of
from pipelines.reports import NightReport
from pipelines.words.wishes import NO_WISHES, Wants, Wishes


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def wants_of(settings: Settings, wishes: Wishes = NO_WISHES) -> Wants:
    return Wants(settings, wishes, now, lambda *_: None, run_id=uuid.uuid4().hex)


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
    with open_night(loaded, as_of, now(), wants_of(settings, wishes), refresh=refresh, issue=issue) as tonight:
        if tonight.out is not None:
            return tonight.out
        nightly.weigh_awards(tonight, accept=accept)
        still_open = nightly.settle(tonight)
        champions = nightly.load_champions(tonight)
        planned = nightly.plan(tonight, champions)
        crew = nightly.hire_writers(tonight)
        words = nightly.write(tonight, planned, crew)
        judged = nightly.judge(tonight, crew, words)
        issued = nightly.issue(tonight, planned, crew, words, judged, still_open, accept=True)
        notes = (*champions.notes, *crew.notes, *told_of(words.account))
        report = nightly.publish(tonight, issued, notes)
        writing = nightly.describe(tonight, crew, words)
    if record:
        nightly.record(settings, loaded.app.app, report, writing)
    return report
