"""Apps that are not shipped, from purchase log, workouts and statements: nights in order, none of them accepted."""

import datetime as dt

import pytest

from flows.backfill import backfill
from flows.ingest import ingest
from pipelines.publish.published import read_latest
from tests.foreign.apps import APPS, write_app
from tests.foreign.data import LAST_DAY, history, write_history

PEOPLE = {"record_club": (250, 200), "fitness": (40, 60), "learning": (40, 60)}
NIGHTS = 3


@pytest.mark.parametrize("name", APPS)
def test_nights_in_order_need_no_accepting(name, tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTQUEST_HOME", str(tmp_path / "home"))
    people, days = PEOPLE[name]
    app = write_app(tmp_path, name)
    ingest(app=str(app), files=[str(write_history(tmp_path, history(name, people, days)))], history=True)
    first = LAST_DAY - dt.timedelta(days=NIGHTS - 1)
    reports = backfill(app=str(app), start=first, end=LAST_DAY)
    assert [report.figures["revision"] for report in reports] == [1] * NIGHTS
    assert all(report.figures["challenges"] > 0 for report in reports)
    latest = read_latest(tmp_path / "home", name)
    assert latest.manifest.as_of == LAST_DAY
    challenges = latest.table("challenges")
    assert challenges["valid_until"].min() >= LAST_DAY
    assert challenges.filter("is_new").height > 0
