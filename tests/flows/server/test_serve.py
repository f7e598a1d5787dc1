"""`nightquest serve` as a person starts it: servers, schedules, runs, and nothing left behind."""

import contextlib
import json
import shutil
import signal
import time
import urllib.request

import psutil
import pytest

from flows.server.processes import answers, free_port
from tests.flows.browser import browser, find_programs
from tests.flows.ui_run import see_through, serving, start_night
from tests.flows.world import LAST_NIGHT, PLAYERS, json_of, run_command, start_command

pytestmark = pytest.mark.slow


def post(prefect, path, body):
    request = urllib.request.Request(  # noqa: S310  # our own server
        f"{prefect}/api/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=120) as answer:
        return json.load(answer)


def wait_for(found, timeout_s=300):
    """The first truth that `found` returns."""
    deadline = time.monotonic() + timeout_s
    while not (result := found()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.5)
    return result


def processes_of(home):
    """Every process that works on a home, whoever started it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline()), process.environ().get("NIGHTQUEST_HOME", "")
            if process.pid != psutil.Process().pid and any(str(home) in word for word in words):
                found.append(process)
    return found


@pytest.fixture(name="served", scope="module")
def _served(history, tmp_path_factory):
    """(app file, home, process, addresses) of a `serve`, which Ctrl-C then stops without a trace."""
    app, shared = history
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(shared, home)
    with serving(home, str(app), stop=signal.SIGINT) as (process, (prefect, mlflow)):
        yield app, home, process, (prefect, mlflow)
    assert process.returncode == 0
    assert processes_of(home) == []
    assert not answers(f"{prefect}/api/health")


def deployment(prefect, flow):
    (found,) = [d for d in post(prefect, "deployments/filter", {}) if d["entrypoint"] == f"flows.recorded.{flow}"]
    return found


def test_both_uis_answer_and_every_flow_has_a_deployment(served):
    _, _, _, (prefect, mlflow) = served
    assert answers(prefect)
    assert answers(mlflow)
    assert len(post(prefect, "deployments/filter", {})) == 6
    for flow in ("nightly", "train", "submit", "collect", "ingest", "backfill"):
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
    runs = wait_for(lambda: post(prefect, "flow_runs/filter", only))
    assert all(run["state"]["type"] == "SCHEDULED" for run in runs)
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


@pytest.mark.parametrize("words", ["mlflow server", "prefect server", "flows.server.runner"])
def test_a_killed_child_is_told_and_comes_back(served, words):
    _, _, process, (prefect, mlflow) = served
    killed = child(process, words)
    killed.kill()
    wait_for(lambda: "was ended by SIGKILL; starting it again" in process.stdout.readline())
    wait_for(lambda: "is back." in process.stdout.readline(), 240)
    assert child(process, words).pid != killed.pid
    assert child(process, "flows.server.runner").is_running()
    assert answers(mlflow)
    assert answers(f"{prefect}/api/health")
    assert deployment(prefect, "nightly")["schedules"][0]["active"]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_told_to_stop_twice_while_it_starts_a_serve_ends_quietly_with_its_children(puzzles, sign):
    app, home = puzzles
    ports = {"NIGHTQUEST_PREFECT_PORT": str(free_port()), "NIGHTQUEST_MLFLOW_PORT": str(free_port())}
    process = start_command("serve", app, home=home, **ports)
    assert "Starting" in process.stdout.readline()
    wait_for(lambda: len(psutil.Process(process.pid).children()) == 2)
    process.send_signal(sign)
    assert "Stopping" in process.stdout.readline()
    process.send_signal(sign)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "Stopped.\n", "")
    assert processes_of(home) == []


def test_sigterm_ends_a_serve_with_a_run_under_way_and_the_next_one_clears_up(puzzles):
    app, home = puzzles
    with serving(home, str(app), stop=signal.SIGTERM) as (process, (prefect, _)):
        nightly = deployment(prefect, "nightly")
        create = f"deployments/{nightly['id']}/create_flow_run"
        run = post(prefect, create, {"parameters": {"app": str(app), "as_of": str(LAST_NIGHT)}})
        mine = {"flow_runs": {"id": {"any_": [run["id"]]}}}
        wait_for(lambda: post(prefect, "flow_runs/filter", mine)[0]["state"]["type"] == "RUNNING")
    assert process.returncode == 0
    assert processes_of(home) == []
    with serving(home, str(app)) as (_, (prefect, _)):
        state = post(prefect, "flow_runs/filter", mine)[0]["state"]["type"]
        assert state in {"CRASHED", "CANCELLED", "COMPLETED"}  # whatever became of it, it does not say RUNNING for good
        (schedule,) = deployment(prefect, "nightly")["schedules"]
        assert schedule["active"]
    assert processes_of(home) == []


def test_a_night_that_was_due_while_nothing_served_is_started_when_serve_is_ready(published, tmp_path):
    app, shared = published
    home = tmp_path / "home"
    shutil.copytree(shared, home)
    with serving(home, str(app)) as (_, (prefect, _)):
        only = {"deployments": {"id": {"any_": [deployment(prefect, "nightly")["id"]]}}}
        started = [run for run in post(prefect, "flow_runs/filter", only) if not run["auto_scheduled"]]
        assert [run["parameters"] for run in started] == [{"app": str(app), "scheduled": True}]
    assert processes_of(home) == []
