"""How Prefect shows a run: its name, its log, and the state in which one ends that Nightquest refuses."""

import datetime as dt
import json
import subprocess
import sys
from uuid import uuid4

import pytest
from mlflow import MlflowClient
from prefect import tags
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags, LogFilter, LogFilterFlowRunId
from prefect.client.schemas.sorting import FlowRunSort

from configs.errors import BusyError, NightquestError
from configs.settings import load_settings
from flows.nightly import nightly
from flows.recording import flow, recording, task
from pipelines.publish.published import read_latest
from tests.flows.world import DAYS, LAST_NIGHT, START

pytestmark = pytest.mark.slow
SILENT = START + dt.timedelta(days=DAYS)
STALE = LAST_NIGHT + dt.timedelta(days=2)


@pytest.fixture(name="newest_run")
def _newest_run(prefect):
    """Finds, of the runs of its test, the one that was started last, and the lines of its log."""
    mine = uuid4().hex

    def newest():
        ours = FlowRunFilter(tags=FlowRunFilterTags(all_=[mine]))
        with get_client(sync_client=True) as client:
            (run,) = client.read_flow_runs(flow_run_filter=ours, sort=FlowRunSort.START_TIME_DESC, limit=1)
            chosen = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
            return run, [log.message for log in client.read_logs(chosen, limit=200, offset=0)]

    with tags(mine):
        yield newest


def newest_artifact(key):
    with get_client(sync_client=True) as client:
        return client.request("GET", "/artifacts/{key}/latest", path_params={"key": key}).json()


@task
def refuse(error: Exception) -> None:
    raise error


@flow("refusing")
def refusing(error: Exception) -> None:
    refuse(error)


@pytest.mark.parametrize(
    ("error", "state", "kind"),
    [
        (NightquestError("No such app.", "Name another."), "Refused", "FAILED"),
        (BusyError("Another process works on it.", "Wait."), "Busy", "CANCELLED"),
        (NightquestError("The disk is full.", exit_code=1), "Failed", "FAILED"),
    ],
)
def test_what_is_refused_ends_in_a_state_with_its_sentence_and_is_raised_as_it_was(newest_run, error, state, kind):
    with recording(), pytest.raises(type(error)) as raised:
        refusing(error)
    assert raised.value is error
    run, _ = newest_run()
    assert (run.state.name, run.state.type.value, run.state.message) == (state, kind, str(error))


def test_a_night_of_a_busy_app_is_busy_and_a_wrong_day_is_refused_without_a_traceback(newest_run, puzzles, monkeypatch):
    app, home = puzzles
    monkeypatch.setenv("NIGHTQUEST_WAIT_FOR_LOCK_S", "0")
    hold = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    line = [sys.executable, "-c", hold, str(home / "warehouse" / "puzzles.duckdb")]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        with recording(), pytest.raises(BusyError):
            nightly(app=str(app), as_of=LAST_NIGHT)
        holder.stdin.close()
    run, _ = newest_run()
    assert (run.state.name, run.state.type.value, run.name) == ("Busy", "CANCELLED", f"nightly puzzles {LAST_NIGHT}")
    with recording(), pytest.raises(NightquestError, match="cannot be served"):
        nightly(app=str(app), as_of=dt.date(2999, 1, 1))
    run, log = newest_run()
    assert (run.state.name, run.state.type.value, run.name) == ("Refused", "FAILED", "nightly puzzles")
    assert not any("Traceback" in line for line in log)


def test_a_night_leaves_its_figures_with_prefect_and_mlflow(prefect, puzzles):
    app, home = puzzles
    with recording():
        report = nightly(app=str(app), as_of=LAST_NIGHT)
    artifact = newest_artifact("puzzles-night")
    assert artifact["type"] == "table"
    assert str(LAST_NIGHT) in artifact["description"]
    table = {row["figure"]: row["value"] for row in json.loads(artifact["data"])}
    assert table["challenges"] == report.figures["challenges"]
    client = MlflowClient(load_settings(home).tracking_uri)
    experiment = client.get_experiment_by_name("puzzles/nightly")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == str(LAST_NIGHT)
    assert run.data.metrics["challenges"] == report.figures["challenges"]
    assert run.data.tags["published"] == f"published/puzzles/{LAST_NIGHT}"
    assert "/flow-run/" in run.data.tags["prefect_run"]


def test_a_night_on_stale_input_is_done_in_prefect_and_not_plainly_green(puzzles, prefect):
    app, home = puzzles
    state = nightly.recorded(app=str(app), as_of=STALE, return_state=True)
    assert (state.is_completed(), state.name) == (True, "Stale")
    assert "The input is stale" in state.message
    report = state.result()
    assert report.as_of == STALE
    assert read_latest(home, "puzzles").manifest.silent_from == SILENT
