"""A destination that is down never stops a night: it is told everywhere, tried again, and delivered to once."""

import json

import pytest

from tests.flows.world import LAST_NIGHT, bytes_under, json_of, run_command


def told(folder):
    return {"NIGHTQUEST_SINKS": json.dumps({"folder": {"to": str(folder)}})}


def state_of(home, folder):
    status, out, err = run_command("status", "--json", home=home, **told(folder))
    assert status == 0, err
    return json_of(out)["apps"][0]


@pytest.mark.slow
def test_a_night_goes_out_though_its_destination_is_down_and_is_delivered_by_the_next_run(puzzles, tmp_path):
    app, home = puzzles
    there = tmp_path / "mnt"
    status, out, err = run_command("nightly", app, "--as-of", LAST_NIGHT, "--json", home=home, **told(there))
    assert status == 4, err
    (report,) = json_of(out)
    assert "is not there" in report["undelivered"][0]
    assert report["undelivered"][0] in report["notes"]
    (lacking,) = state_of(home, there)["undelivered"]
    assert f"folder lacks 1 night since {LAST_NIGHT}" in lacking
    assert "nightquest deliver" in lacking
    there.mkdir()
    status, out, err = run_command("nightly", app, "--as-of", LAST_NIGHT, "--json", home=home, **told(there))
    assert status == 0, err
    (report,) = json_of(out)
    assert report["unchanged"]
    assert report["undelivered"] == []
    assert bytes_under(there / "puzzles") == bytes_under(home / "published" / "puzzles")
    assert state_of(home, there)["undelivered"] == []


def test_deliver_brings_the_newest_night_to_a_new_destination_once(published, tmp_path):
    app, home = published
    there = tmp_path / "second"
    status, out, err = run_command("deliver", app, "--json", home=home, **told(there))
    assert status == 4, err
    assert json_of(out)["done"] == []
    there.mkdir()
    for count in (1, 0):
        status, out, err = run_command("deliver", app, "--json", home=home, **told(there))
        assert status == 0, err
        assert len(json_of(out)["done"]) == count
    assert (there / "puzzles" / str(LAST_NIGHT) / "manifest.json").is_file()
    status, out, _ = run_command("deliver", app, home=home, **told(there))
    assert (status, "No destination lacks a night of puzzles." in out) == (0, True)


@pytest.mark.parametrize("command", ["check", "deliver"])
def test_an_unknown_destination_is_named_with_those_there_are(published, command):
    app, home = published
    status, _, err = run_command(command, app, home=home, NIGHTQUEST_SINKS='{"s3": {}, "folder": {}}')
    assert status == 2
    assert "the destination s3 is not known; there are folder" in err
    assert "the destination folder is not told 'to'" in err


def test_a_setting_that_is_no_json_is_told_with_an_example(published):
    app, home = published
    status, _, err = run_command("check", app, home=home, NIGHTQUEST_SINKS="folder")
    assert status == 2
    assert "NIGHTQUEST_SINKS is not JSON" in err
    assert '{"folder": {"to":' in err


def test_a_night_goes_into_a_postgres_and_its_password_stands_nowhere(published, postgres):
    app, home = published
    for dsn, status in ((postgres.of("locked", password="hunter3"), 4), (postgres.dsn, 0)):  # noqa: S106
        told = {"NIGHTQUEST_SINKS": json.dumps({"postgres": {"dsn": dsn}})}
        ended, out, err = run_command("deliver", app, home=home, **told)
        assert (ended, "hunter3" in out + err) == (status, False)
        assert run_command("doctor", home=home, **told)[0] == bool(status)
    assert postgres.run("SELECT app, as_of FROM nightquest.nights") == [("puzzles", LAST_NIGHT)]
