"""What tests of a `serve` look at: Prefect's API, and the processes on a home."""

import contextlib
import json
import time
import urllib.error
import urllib.request

import psutil

from data.warehouse import open_warehouse
from tests.flows.world import START, days

CUT_OFF = days(START, 26)[-1]  # the night that is cut off; no test looks at what became of it


def post(prefect, path, body):
    """What Prefect's API answers; while it is too busy to (503) it is asked again, as its own clients do."""
    request = urllib.request.Request(  # noqa: S310  # our own server
        f"{prefect}/api/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def answered():
        try:
            with opener.open(request, timeout=120) as answer:
                return [json.load(answer)]
        except urllib.error.HTTPError as error:
            if error.code != 503:
                raise
            return None

    return wait_for(answered)[0]


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


def deployment(prefect, flow):
    """The deployment of a flow that has one."""
    (found,) = [d for d in post(prefect, "deployments/filter", {}) if d["entrypoint"] == f"flows.recorded.{flow}"]
    return found


def state_of(prefect, run):
    """The state of a run, as Prefect calls its kind."""
    (found,) = post(prefect, "flow_runs/filter", {"flow_runs": {"id": {"any_": [run]}}})
    return found["state"]["type"]


@contextlib.contextmanager
def night_under_way(prefect, app, home):
    """The id of a nightly run that the runner has begun, and that waits for this process's hold on its warehouse."""
    body = {"parameters": {"app": str(app), "as_of": str(CUT_OFF)}}
    with open_warehouse(home, "puzzles"):
        run = post(prefect, f"deployments/{deployment(prefect, 'nightly')['id']}/create_flow_run", body)["id"]
        wait_for(lambda: state_of(prefect, run) == "RUNNING")
        yield run
