"""What only shows between processes: two at once on one app, a kill, a home out of reach."""

import os
import signal
import time

import pytest

from data.warehouse import open_warehouse
from flows.cli.main import run_command as run_here
from flows.nightly import nightly
from tests.flows.server.looks import processes_of
from tests.flows.world import LAST_NIGHT, bytes_under, counted, json_of, run_apart, start_command

pytestmark = pytest.mark.slow


def test_a_night_on_an_app_at_work_is_told_who_works_and_one_that_may_wait_gets_its_turn(puzzles):
    app, home = puzzles
    line = ("nightly", app, "--as-of", LAST_NIGHT, "--json")
    before = counted(home)
    with open_warehouse(home, "puzzles"):
        waits = start_command(*line, home=home, NIGHTQUEST_WAIT_FOR_LOCK_S="300")
        status, out, err = run_apart(*line, home=home)
        error = json_of(out)
        assert (status, error["exit_code"]) == (3, 3)
        assert f"Another process is working on 'puzzles': process {os.getpid()} " in error["error"]
        assert error["error"] in err
        assert waits.poll() is None
    assert before["nights"] == 0
    out, err = waits.communicate(timeout=900)
    assert waits.returncode == 0, err
    after = counted(home)
    assert (after["nights"], after["events"]) == (1, before["events"])
    assert after["challenges"] == json_of(out)[0]["figures"]["challenges"]
    assert processes_of(home) == []


def test_what_a_library_leaves_behind_is_not_told_at_the_end(published):
    app, home = published
    status, out, err = run_apart("models", app, home=home)
    assert (status, err) == (0, "")
    assert "No model of puzzles is registered yet" in out


def test_a_killed_night_leaves_no_process_and_ends_the_same_when_run_again(published, puzzles):
    app, home = puzzles
    process = start_command("nightly", app, "--as-of", LAST_NIGHT, "--verbose", home=home)
    for line in process.stderr:
        if "night: write" in line:  # the stage begins after the plan is made
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 300
    while processes_of(home) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_of(home) == []
    night = nightly(app=str(app), as_of=LAST_NIGHT)
    assert night.figures["challenges"] == counted(home)["challenges"]
    ours, theirs = (bytes_under(place / "published" / "puzzles" / str(LAST_NIGHT)) for place in (home, published[1]))
    assert set(ours) == set(theirs)
    assert ours["badges.parquet"] == theirs["badges.parquet"]


@pytest.mark.parametrize("line", ["ingest trading events.csv", "nightly trading", "status"])
def test_a_home_out_of_reach_is_a_sentence(tmp_path, capsys, monkeypatch, line):
    monkeypatch.setenv("NIGHTQUEST_HOME", "")  # commands set it: let it be as it was afterwards
    (tmp_path / "file").write_text("in the way")
    status = run_here([*line.split(), "--home", str(tmp_path / "file" / "home")])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    if line == "status":
        assert (status, "Nothing under" in out) == (0, True)
    else:
        assert status == 2
        assert "file/home" in err


def test_ctrl_c_ends_a_command_and_says_how_to_go_on(puzzles):
    app, home = puzzles
    process = start_command("nightly", app, "--as-of", LAST_NIGHT, "--verbose", home=home)
    for line in process.stderr:
        if "plan" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Stopped; what was done is kept. Run the same command again" in err
    assert processes_of(home) == []
