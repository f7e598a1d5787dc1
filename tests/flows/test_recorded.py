"""How Prefect shows a run: its name, its log, and the state in which one ends that Nightquest refuses."""

import datetime as dt
import subprocess
import sys

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.sorting import FlowRunSort

from configs.errors import BusyError, NightquestError
from flows.nightly import nightly
from flows.recording import flow, recording, task
from tests.flows.world import LAST_NIGHT


def newest_run():
    """The run that was started last, and the lines of its log."""
    with get_client(sync_client=True) as client:
        (run,) = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)
        chosen = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
        return run, [log.message for log in client.read_logs(chosen, limit=200, offset=0)]


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
def test_what_is_refused_ends_in_a_state_with_its_sentence_and_is_raised_as_it_was(prefect, error, state, kind):
    with recording(), pytest.raises(type(error)) as raised:
        refusing(error)
    assert raised.value is error
    run, _ = newest_run()
    assert (run.state.name, run.state.type.value, run.state.message) == (state, kind, str(error))


def test_a_night_of_a_busy_app_is_busy_and_a_wrong_day_is_refused_without_a_traceback(prefect, puzzles, monkeypatch):
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


def test_a_night_tells_each_stage_and_every_fallback_in_its_log(puzzles, caplog):
    app, _ = puzzles
    with caplog.at_level("INFO", logger="nightquest"):
        nightly(app=str(app), as_of=LAST_NIGHT)
    told = [record.message for record in caplog.records]
    assert any(line.startswith("settle: still open 0 (") for line in told)
    assert any(line.startswith("load champions: plays fallback") for line in told)
    assert any(line.startswith("issue and audit: challenges ") and line.endswith(" s)") for line in told)
    assert any(
        "No trained model serves yet" in record.message for record in caplog.records if record.levelname == "WARNING"
    )
