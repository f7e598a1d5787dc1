"""A night whose input broke is refused whole, with what broke and a remedy; what is mended or vouched for goes out."""

import datetime as dt

import polars as pl
import pytest
import yaml

from tests.flows.world import json_of, run_command
from tests.foreign.apps import APPS
from tests.foreign.data import LAST_DAY, history, write_history

NIGHT = LAST_DAY + dt.timedelta(days=1)
NEWEST = pl.col("occurred_at").str.starts_with(str(LAST_DAY))
LESS = {
    "challenges": {"metrics": ["activities"]},
    "content": {"types": ["daily_challenge"]},
}  # what is asked is not judged
LOST = pl.int_range(pl.len()) % 2 == 0


@pytest.fixture(name="events", scope="module")
def _events():
    return history("study_log", people=160, days=36, seed=3)


def taken(home, events, *, name="events.csv"):
    """The app file, once the events are taken in."""
    app = home.parent / "learning.yaml"
    app.write_text(yaml.safe_dump(yaml.safe_load(APPS["study_log"]) | LESS), encoding="utf-8")
    status, _, err = run_command("ingest", app, write_history(home.parent, events, name), "--history", home=home)
    assert status == 0, err
    return app


def refused(app, home, *options) -> str:
    status, _, err = run_command("nightly", app, "--as-of", NIGHT, *options, home=home)
    assert status == 1, err
    assert not (home / "published" / "study_log").exists()
    assert "nothing is published" in err
    assert f"nightly {app} --as-of {NIGHT} --accept" in " ".join(err.split())
    return " ".join(err.split())


def test_half_of_a_days_events_lost_refuses_the_night_until_the_rest_is_delivered(new_home, events):
    app, home = taken(new_home, events.filter(~(NEWEST & LOST))), new_home
    assert "events for each of" in refused(app, home)
    taken(home, events.filter(NEWEST & LOST), name="events-rest.csv")
    status, out, err = run_command("nightly", app, "--as-of", NIGHT, "--json", home=home)
    assert status == 0, err
    assert json_of(out)[0]["figures"]["challenges"] > 0


def test_a_day_that_a_source_delivers_twice_refuses_the_night_until_a_person_vouches(new_home, events):
    again = events.filter(NEWEST).with_columns(event_id=pl.format("again-{}", "event_id"))
    app, home = taken(new_home, pl.concat([events, again])), new_home
    assert f"{again.height:,} of the {2 * again.height:,} newest events repeated" in refused(app, home)
    assert run_command("nightly", app, "--as-of", NIGHT, "--accept", home=home)[0] == 0
