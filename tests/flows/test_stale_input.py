"""A night on stale input ends visibly apart: in Prefect, on the command line and in status."""

import datetime as dt

import pytest

import flows.cli.status
from configs.settings import load_settings
from flows.cli.status import gather_status
from tests.flows.world import DAYS, LAST_NIGHT, START, json_of, run_command

SILENT = START + dt.timedelta(days=DAYS)
NIGHT = LAST_NIGHT + dt.timedelta(days=2)


@pytest.mark.parametrize(("days", "told"), [(1, "ready"), (3, f"stale: input is missing from {SILENT} on")])
def test_status_says_how_fresh_the_input_is_by_now_and_which_day_is_served_next(published, monkeypatch, days, told):
    now = dt.datetime.combine(LAST_NIGHT - dt.timedelta(days=1) + dt.timedelta(days=days), dt.time(2), dt.UTC)
    monkeypatch.setattr(flows.cli.status, "clock", lambda: now)
    (status,) = gather_status(load_settings(published[1])).apps
    assert (status.state, status.next_as_of) == (told, now.date())


def test_input_that_ended_long_ago_is_missing_since_then(published):
    (status,) = gather_status(load_settings(published[1])).apps
    assert status.state == f"stale: input is missing from {SILENT} on"


def test_the_command_prints_its_result_and_ends_with_a_status_of_its_own_until_a_person_vouches(puzzles):
    app, home = puzzles
    status, out, err = run_command("nightly", app, "--as-of", NIGHT, "--json", home=home)
    assert status == 4, err
    (report,) = json_of(out)
    assert report["figures"]["stale"] is True
    assert "--was-silent" in report["notes"][0]
    status, out, err = run_command("nightly", app, "--as-of", NIGHT, "--was-silent", "--json", home=home)
    assert status == 0, err
    (report,) = json_of(out)
    assert report["figures"]["revision"] == 2
    assert "stale" not in report["figures"]
