"""The runner's start, with the Prefect of a `serve`; the runs that it would then wait for are nobody's here."""

import shutil
import sys
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client

import flows
from flows.server import runner
from tests.flows.greet import GREET
from tests.flows.server.looks import post
from tests.flows.world import write_app

pytestmark = pytest.mark.slow


async def nothing(_runner):
    """A runner that has nothing to wait for."""


@pytest.fixture(name="riddles")
def _riddles(prefect, published, tmp_path, monkeypatch):
    """The file of an app with a night out in a home of its own; its deployments are taken away again."""
    shutil.copytree(published[1] / "published" / "puzzles", tmp_path / "published" / "riddles")
    monkeypatch.setenv("NIGHTQUEST_HOME", str(tmp_path))
    yield write_app(tmp_path, app="riddles")
    with get_client(sync_client=True) as client:
        for one in deployments_of("riddles", prefect):
            client.delete_deployment(UUID(one))


def deployments_of(app, prefect):
    """The ids of an app's deployments."""
    return [one["id"] for one in post(prefect, "deployments/filter", {}) if one["name"] == app]


def test_a_night_that_was_due_while_nothing_served_is_started_as_its_schedule_would(
    prefect, riddles, tmp_path, monkeypatch
):
    monkeypatch.setattr(runner.OrderlyRunner, "start", nothing)
    runner.run(tmp_path / "sign", [str(riddles)])
    assert "The night of riddles is overdue and starts now." in (tmp_path / "sign").read_text()
    ours = {"deployments": {"id": {"any_": deployments_of("riddles", prefect)}}}
    started = [run["parameters"] for run in post(prefect, "flow_runs/filter", ours) if not run["auto_scheduled"]]
    assert started == [{"app": str(riddles), "scheduled": True}]


def test_a_new_flow_file_is_deployed_on_the_server_with_its_schedule_and_a_broken_one_is_named(
    prefect, riddles, tmp_path, monkeypatch
):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "greet.py").write_text(GREET)
    (tmp_path / "new" / "grumble.py").write_text("1 / 0")
    monkeypatch.setattr(flows, "__path__", [*flows.__path__, str(tmp_path / "new")])
    monkeypatch.setattr(runner.OrderlyRunner, "start", nothing)
    runner.run(tmp_path / "sign", [str(riddles)])
    sys.modules.pop("flows.greet")
    ours = [one for one in post(prefect, "deployments/filter", {}) if one["entrypoint"] == "flows.recorded.greet"]
    assert [one["name"] for one in ours] == ["riddles"]
    assert [when["schedule"]["cron"] for when in ours[0]["schedules"]] == ["30 7 * * 1-5"]
    assert "  greet/riddles  (30 7 * * 1-5 UTC)" in (tmp_path / "sign").read_text()
    assert "The flow grumble is not deployed: ZeroDivisionError" in (tmp_path / "sign").read_text()
