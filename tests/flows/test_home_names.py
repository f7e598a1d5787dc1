"""A home lies where people put it, whatever the folder is called; nothing is written beside it."""

import datetime as dt
import shutil

import pytest

from tests.flows.world import LAST_NIGHT, json_of, run_command, write_events

# What SQLite, DuckDB, MLflow's addresses, globs and shells read as something else.
ODD = 'it\'s "a" [b] *{c,d} #e%20%f &=+;:$HOME~é雪'


def test_a_home_of_any_name_is_fed_served_and_looked_at_and_nothing_lies_beside_it(published, tmp_path):
    app, shared = published
    place = tmp_path / "place"
    home = place / ODD / "home"
    shutil.copytree(shared, home)
    assert run_command("show", app, "player-3", home=home)[0] == 0
    more = write_events(tmp_path, first_day=40, days=41)
    tomorrow = LAST_NIGHT + dt.timedelta(days=1)
    for line in (("ingest", app, more, "--history"), ("nightly", app, "--as-of", tomorrow), ("doctor",)):
        status, _, err = run_command(*line, home=home)
        assert status == 0, err
    shown = json_of(run_command("show", app, "player-3", "--json", home=home)[1])
    assert shown["as_of"] == str(tomorrow)
    assert [path.name for path in place.iterdir()] == [ODD]
    assert [path.name for path in (place / ODD).iterdir()] == ["home"]


@pytest.mark.parametrize("sign", ["?", "\\"])
@pytest.mark.parametrize("line", ["status", "ingest APP FILE", "nightly APP"])
def test_a_home_that_databases_would_look_for_elsewhere_is_refused_and_not_made(published, tmp_path, line, sign):
    app, _ = published
    words = {"APP": app, "FILE": write_events(tmp_path)}
    home = tmp_path / f"what{sign}" / "home"
    status, _, err = run_command(*(words.get(word, word) for word in line.split()), home=home)
    assert status == 2
    assert f"has a '{sign}' in its path" in err
    assert not home.parent.exists()
    assert not list(tmp_path.glob("what*"))
