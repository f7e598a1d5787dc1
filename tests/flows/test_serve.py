"""`nightquest serve` as a person starts it: servers, schedules, runs, and nothing left behind."""

import contextlib
import json
import signal
import time
import urllib.request

import psutil
import pytest

from flows.servers import answers
from tests.flows.ui_run import serving
from tests.flows.world import LAST_NIGHT, json_of, run_command

pytestmark = pytest.mark.slow


def post(prefect, path, body):
    request = urllib.request.Request(  # noqa: S310  # our own server
        f"{prefect}/api/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return json.load(answer)


def wait_for(found, timeout_s=90):
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


def test_served_deployments_are_scheduled_run_and_stopped_without_a_trace(puzzles):
    app, home = puzzles
    with serving(home, str(app), stop=signal.SIGINT) as (process, (prefect, mlflow)):
        assert answers(f"{prefect}/api/health")
        assert answers(mlflow)
        assert answers(prefect)  # the UI
        by_flow = {d["entrypoint"].rsplit(".", 1)[1]: d for d in post(prefect, "deployments/filter", {})}
        assert set(by_flow) == {"nightly", "train", "ingest", "backfill"}
        (schedule,) = by_flow["nightly"]["schedules"]
        assert (schedule["active"], schedule["schedule"]["cron"]) == (True, "0 6 * * *")
        assert schedule["schedule"]["timezone"] == "UTC"  # the app's own zone

        only = {"deployments": {"id": {"any_": [by_flow["nightly"]["id"]]}}}
        scheduled = wait_for(lambda: post(prefect, "flow_runs/filter", only))  # Prefect's scheduler really works
        assert all(run["state"]["type"] == "SCHEDULED" for run in scheduled)
        assert {run["expected_start_time"][11:16] for run in scheduled} == {"06:00"}

        parameters = {"app": str(app), "as_of": str(LAST_NIGHT)}
        run = post(prefect, f"deployments/{by_flow['nightly']['id']}/create_flow_run", {"parameters": parameters})
        mine = {"flow_runs": {"id": {"any_": [run["id"]]}}}
        ended = wait_for(lambda: next((r for r in post(prefect, "flow_runs/filter", mine) if r["end_time"]), None), 180)
        assert ended["state"]["type"] == "COMPLETED", ended["state"]["message"]
        assert (home / "published" / "puzzles" / str(LAST_NIGHT) / "manifest.json").exists()

        status, out, _ = run_command("status", "--json", home=home)
        assert (status, json_of(out)["serving"]["prefect_url"]) == (0, prefect)
        status, _, err = run_command("serve", app, home=home)
        assert status == 3
        assert f"process {process.pid}" in err
    assert process.returncode == 0
    assert processes_of(home) == []
    assert not answers(f"{prefect}/api/health")


def test_sigterm_ends_a_serve_with_a_run_under_way_and_the_next_one_clears_up(puzzles):
    app, home = puzzles
    with serving(home, str(app), stop=signal.SIGTERM) as (process, (prefect, _)):
        nightly = next(d for d in post(prefect, "deployments/filter", {}) if d["entrypoint"].endswith("nightly"))
        create = f"deployments/{nightly['id']}/create_flow_run"
        run = post(prefect, create, {"parameters": {"app": str(app), "as_of": str(LAST_NIGHT)}})
        mine = {"flow_runs": {"id": {"any_": [run["id"]]}}}
        wait_for(lambda: post(prefect, "flow_runs/filter", mine)[0]["state"]["type"] == "RUNNING")
    assert process.returncode == 0
    assert processes_of(home) == []
    with serving(home, str(app)) as (_, (prefect, _)):
        state = post(prefect, "flow_runs/filter", mine)[0]["state"]["type"]
        assert state in {"CRASHED", "CANCELLED", "COMPLETED"}  # whatever became of it, it does not say RUNNING for good
        (schedule,) = next(d for d in post(prefect, "deployments/filter", {}) if d["id"] == nightly["id"])["schedules"]
        assert schedule["active"]
    assert processes_of(home) == []
