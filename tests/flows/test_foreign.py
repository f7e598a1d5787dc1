"""Apps that are not shipped, from purchase log, workouts and statements: nights in order, none of them accepted."""

import datetime as dt

import pytest

from flows.backfill import backfill
from flows.ingest import ingest
from pipelines.publish.published import read_latest
from tests.foreign.apps import APPS, write_app
from tests.foreign.data import LAST_DAY, history, write_history

pytestmark = pytest.mark.long

SIZES = {"record_club": (100, 150), "gym": (20, 40), "study_log": (20, 40)}  # people and days


@pytest.mark.parametrize("name", APPS)
def test_nights_in_order_need_no_accepting(name, new_home, tmp_path):
    people, days = SIZES[name]
    app = write_app(tmp_path, name)
    ingest(app=str(app), files=[str(write_history(tmp_path, history(name, people, days)))], history=True)
    reports = backfill(app=str(app), start=LAST_DAY - dt.timedelta(days=1), end=LAST_DAY)
    assert [report.figures["revision"] for report in reports] == [1, 1]
    assert all(report.figures["challenges"] > 0 for report in reports)
    latest = read_latest(new_home, name)
    assert latest.manifest.as_of == LAST_DAY
    challenges = latest.table("challenges")
    assert challenges["valid_until"].min() >= LAST_DAY
    assert challenges.filter("is_new").height > 0
