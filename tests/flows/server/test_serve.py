"""`nightquest serve` as a person starts it: servers, schedules, runs, and nothing left behind."""

import datetime as dt
import signal

import psutil
import pytest

from flows.server.processes import answers
from tests.flows.browser import browser, find_programs
from tests.flows.server.looks import deployment, night_under_way, post, processes_of, state_of, wait_for
from tests.flows.ui_run import see_through, start_night
from tests.flows.world import LAST_NIGHT, PLAYERS, json_of, run_command, start_command
from tests.ports import free_port

pytestmark = pytest.mark.slow
ENDED = {"CRASHED", "CANCELLED", "COMPLETED"}


def test_both_uis_answer_and_every_flow_has_a_deployment(served):
    _, _, _, (prefect, mlflow) = served
    assert answers(prefect)
    assert answers(mlflow)
    assert len(post(prefect, "deployments/filter", {})) == 7
    for flow in ("nightly", "train", "compact", "submit", "collect", "ingest", "backfill"):
        parameters = deployment(prefect, flow)["parameter_openapi_schema"]["properties"]
        assert all(parameter["description"] for parameter in parameters.values())  # the form explains itself


def test_prefect_schedules_runs_of_the_cron_deployments(served):
    prefect = served[3][0]
    nightly = deployment(prefect, "nightly")
    (schedule,) = nightly["schedules"]
    assert (schedule["active"], schedule["schedule"]["cron"]) == (True, "0 2 * * *")
    assert schedule["schedule"]["timezone"] == "UTC"  # the app's own zone
    assert (schedule["parameters"], "scheduled" in nightly["parameters"]) == ({"scheduled": True}, False)
    only = {"deployments": {"id": {"any_": [nightly["id"]]}}}
    runs = wait_for(lambda: [run for run in post(prefect, "flow_runs/filter", only) if run["auto_scheduled"]])
    later = str(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    assert {run["state"]["type"] for run in runs if run["expected_start_time"] > later} == {"SCHEDULED"}
    assert {run["expected_start_time"][11:16] for run in runs} == {"02:00"}


def test_a_second_serve_and_other_commands_find_the_first(served):
    app, home, process, (prefect, _) = served
    status, out, _ = run_command("status", "--json", home=home)
    assert (status, json_of(out)["serving"]["prefect_url"]) == (0, prefect)
    status, _, err = run_command("serve", app, home=home)
    assert status == 3
    assert f"process {process.pid}" in err


@pytest.mark.skipif(find_programs() is None, reason="chromium and chromedriver are not installed")
def test_a_night_started_from_prefects_form_is_seen_through_to_its_table(served):
    _, home, _, (prefect, _) = served
    with browser() as page:
        run = start_night(page, prefect, "puzzles", LAST_NIGHT, save=None)
        state, figures = see_through(page, run, save=None)
    assert state == "Completed"
    assert (figures["as_of"], figures["players_challenged"]) == (str(LAST_NIGHT), PLAYERS)
    assert (home / "published" / "puzzles" / str(LAST_NIGHT) / "manifest.json").exists()


def child(process, words):
    """The child of a `serve` whose command line has these words."""
    children = psutil.Process(process.pid).children()
    (found,) = [one for one in children if words in " ".join(one.cmdline())]
    return found


def kill_and_see_back(served, words):
    """Kill the child with these words, and wait until it is told and has come back; the old and the new one."""
    process = served[2]
    killed = child(process, words)
    killed.kill()
    wait_for(lambda: "was ended by SIGKILL; starting it again" in process.stdout.readline())
    wait_for(lambda: "is back." in process.stdout.readline(), 240)
    return killed, child(process, words)


def test_a_killed_child_is_told_and_comes_back_with_the_others_and_the_schedule(served):
    _, _, _, (prefect, mlflow) = served
    killed, back = kill_and_see_back(served, "flows.server.runner")
    assert back.pid != killed.pid
    assert back.is_running()
    assert answers(mlflow)
    assert answers(f"{prefect}/api/health")
    assert deployment(prefect, "nightly")["schedules"][0]["active"]


def test_a_run_that_was_under_way_when_prefect_was_killed_is_not_said_to_run_for_good(served):
    app, home, _, (prefect, _) = served
    with night_under_way(prefect, app, home) as run:
        _, back = kill_and_see_back(served, "prefect server")
    assert back.is_running()
    assert state_of(prefect, run) in ENDED


def test_told_to_stop_twice_while_it_starts_a_serve_ends_quietly_with_its_children(puzzles):
    app, home = puzzles
    ports = {"NIGHTQUEST_PREFECT_PORT": str(free_port()), "NIGHTQUEST_MLFLOW_PORT": str(free_port())}
    process = start_command("serve", app, home=home, **ports)
    assert "Starting" in process.stdout.readline()
    wait_for(lambda: len(psutil.Process(process.pid).children()) == 2)
    process.send_signal(signal.SIGINT)
    assert "Stopping" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out, err) == (0, "Stopped.\n", "")
    assert processes_of(home) == []
