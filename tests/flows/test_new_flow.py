"""A flow is one new file: deployed with the schedule that it says, and found by a deployment's run, by its name."""

import logging
import sys

import pytest
from prefect.exceptions import MissingFlowError
from prefect.flows import load_flow_from_entrypoint

import flows
from configs.errors import NightquestError
from flows.deployments import deployments
from flows.registry import find_flows, flow_names
from flows.settings import read_settings
from tests.flows.greet import GREET
from tests.flows.world import write_app

SHIPPED = ["backfill", "collect", "compact", "deliver", "ingest", "nightly", "pull", "replay", "submit", "train"]


@pytest.fixture(name="folder")
def _folder(tmp_path, monkeypatch):
    """A folder whose files are among those of the flows."""
    (tmp_path / "flows").mkdir()
    monkeypatch.setattr(flows, "__path__", [*flows.__path__, str(tmp_path / "flows")])
    yield tmp_path / "flows"
    for path in (tmp_path / "flows").glob("*.py"):
        sys.modules.pop(f"flows.{path.stem}", None)


def deployed(*apps):
    return {(one.flow_name, one.name): one for one in deployments([str(app) for app in apps], 3.0)}


def test_a_new_file_is_deployed_for_each_app_with_its_schedule_and_found_by_its_name(folder, tmp_path):
    (folder / "greet.py").write_text(GREET)
    app = write_app(tmp_path, timezone="Europe/Berlin", day_starts_at="04:00")
    greet = deployed(app)["greet", "puzzles"]
    (when,) = greet.schedules
    assert (when.schedule.cron, when.schedule.timezone) == ("30 11 * * 1-5", "Europe/Berlin")
    assert (when.parameters, greet.parameters) == ({"loud": True}, {"app": str(app)})
    assert greet.entrypoint == "flows.recorded.greet"
    found = load_flow_from_entrypoint(greet.entrypoint)  # as a run of the deployment does
    assert (found.name, found.fn("Ann", loud=True)) == ("greet", "good morning, Ann!")
    assert set(found.parameters.properties) == {"app", "loud"}


def test_one_without_a_deployment_is_a_flow_and_not_deployed(folder, tmp_path):
    (folder / "greet.py").write_text(GREET.replace(", Deployed(_starts, each_app=True)", ""))
    assert "greet" in find_flows().by_name
    assert not [name for name, _ in deployed(write_app(tmp_path)) if name == "greet"]


@pytest.mark.parametrize(
    ("text", "why"),
    [("1 / 0", "ZeroDivisionError"), ("import nothing_there", "ModuleNotFoundError"), ("greet = 3", "holds no flow")],
)
def test_a_file_that_cannot_be_used_is_named_and_the_others_are_deployed(folder, tmp_path, caplog, text, why):
    (folder / "greet.py").write_text(text)
    with caplog.at_level(logging.WARNING):
        names = {name for name, _ in deployed(write_app(tmp_path))}
    assert names == {"backfill", "collect", "compact", "ingest", "nightly", "submit", "train"}
    (fault,) = find_flows().faults
    assert fault.startswith("The flow greet is not deployed")
    assert why in fault
    assert fault in caplog.text


def test_two_of_one_name_are_refused_with_both_their_places(folder, tmp_path):
    (folder / "train.py").write_text(GREET)
    with pytest.raises(NightquestError, match=r"Two files have the name train: .*train\.py and .*train\.py"):
        deployed(write_app(tmp_path))


def test_every_file_of_the_folder_is_a_flow_or_known_to_be_shared():
    assert flow_names() == SHIPPED
    assert find_flows().faults == ()


@pytest.mark.parametrize("name", ["nothing", "stages", "registry"])
def test_what_is_no_flow_is_not_found_as_one(name):
    with pytest.raises(MissingFlowError):
        load_flow_from_entrypoint(f"flows.recorded.{name}")


def test_settings_of_a_provider_that_there_is_none_of_are_refused_by_every_command(monkeypatch):
    monkeypatch.setenv("NIGHTQUEST_OPENIA_API_KEY", "sk-1")
    with pytest.raises(
        NightquestError, match="NIGHTQUEST_OPENIA_API_KEY is not a setting: there is no provider openia"
    ):
        read_settings()
