"""`nightquest experiment`, from a warehouse to what a person and a machine read."""

import json
import shutil

import pytest
import yaml

from data.warehouse import open_warehouse
from flows.cli.main import run_command
from pipelines.activity.parts import sync_metrics
from tests.pipelines.experiments.trials import DAY, FIRST, play_experiment
from tests.pipelines.publish.night_rows import APP


@pytest.fixture(name="tried", scope="module")
def _tried(tmp_path_factory):
    """(app file, home): three nights of an experiment for 500 players."""
    folder = tmp_path_factory.mktemp("tried")
    path = folder / "toy.yaml"
    path.write_text(yaml.safe_dump(APP.model_dump(mode="json", exclude_none=True)), encoding="utf-8")
    with open_warehouse(folder / "home", APP.app) as warehouse:
        sync_metrics(warehouse, APP)
        play_experiment(warehouse, players=500, nights=3, effect=0.3)
    return path, folder / "home"


@pytest.fixture(name="run")
def _run(capsys):
    def run(*arguments: object) -> tuple[int, str, str]:
        status = run_command([str(argument) for argument in arguments])
        return status, *capsys.readouterr()

    return run


def test_a_person_reads_the_verdict_the_arms_and_where_the_picture_lies(run, tried):
    app, home = tried
    status, out, err = run("experiment", app, "--home", home)
    assert status == 0, err
    assert "A difference is shown" in out
    for word in ("plain", "models", "at every look", "completion *", "own words"):
        assert word in out
    picture = home / "experiments" / "toy" / "spring.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "spring.png" in out


def test_a_machine_reads_the_same_as_json(run, tried):
    app, home = tried
    status, out, err = run("experiment", app, "--home", home, "--json")
    assert status == 0, err
    told = json.loads(out)["report"]
    assert (told["experiment"], told["valid"], told["nights"]) == ("spring", True, 3)
    assert [arm["arm"] for arm in told["arms"]] == ["plain", "models"]
    assert told["ratios"]["assigned"]["sound"] is True
    assert {row["metric"] for row in told["results"]} == {"completion", "rating", "return"}


def test_an_earlier_day_is_seen_as_its_night_knew_it(run, tried):
    app, home = tried
    day = FIRST + DAY
    status, out, _ = run("experiment", app, "--as-of", day, "--home", home, "--json")
    told = json.loads(out)["report"]
    assert (status, told["as_of"], told["nights"]) == (0, str(day), 1)


def test_looking_twice_changes_nothing(run, tried, tmp_path):
    app, home = tried
    shutil.copytree(home, tmp_path / "home")
    outs = [run("experiment", app, "--home", tmp_path / "home", "--json")[1] for _ in range(2)]
    assert outs[0] == outs[1]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--name", "autumn"), "'autumn' has not been tried"),
        (("--as-of", FIRST - DAY), "No night of 'toy' is out by 2024-01-09"),
    ],
)
def test_what_is_not_there_is_said_with_what_to_do(run, tried, more, said):
    app, home = tried
    status, _, err = run("experiment", app, *more, "--home", home)
    assert status == 2
    assert said in err
    assert f"nightquest nightly {app}" in err
