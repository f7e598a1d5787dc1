"""A learned question and an algorithm are one new file each: learned, registered, promoted, served and published.

Beside them lie files that do everything wrong: each is named and costs its own part alone.
"""

import re
from importlib.metadata import PackageNotFoundError

import polars as pl
import pytest
from mlflow import MlflowClient

import models.learners
import models.tasks
from configs.errors import NightquestError
from models.learners import learners_left_out
from models.tasks import task_names, tasks
from pipelines.learning.job import run_train
from pipelines.learning.steps import training_steps
from pipelines.publish.health import registry_fault
from pipelines.publish.published import read_manifest
from pipelines.stores import open_registry
from tests.pipelines.learning.new_files import LEARNERS, TASKS
from tests.pipelines.nights import now, serve_night
from tests.pipelines.trained import FIRST, NEXT

LEARNED = ("plays", "attainment", "segments", "returns", "boastful", "stumbling", "undecided", "unkept")


@pytest.fixture(scope="module")
def world(trained, tmp_path_factory):
    """(settings, the training's report, the report of the night after it), with the new files among the others."""
    folder = tmp_path_factory.mktemp("new")
    with pytest.MonkeyPatch.context() as patch:
        for package, files in ((models.tasks, TASKS), (models.learners, LEARNERS)):
            room = folder / package.__name__
            room.mkdir()
            for name, text in files.items():
                (room / f"{name}.py").write_text(text)
            patch.setattr(package, "__path__", [*package.__path__, str(room)])
        settings, steps = trained.copy(folder), []
        report = run_train(
            *(settings, trained.loaded),
            as_of=FIRST,
            now=now(),
            progress=lambda *step: steps.append(step[0]),
            only=LEARNED,
        )
        assert steps == [*(f"training: {step}" for step in training_steps(LEARNED)), "training"]
        yield settings, report, serve_night(settings, trained.loaded, NEXT)


def test_a_new_question_is_learned_in_a_contest_in_which_a_new_algorithm_competes(world):
    _, report, _ = world
    entrants = report.contests.filter(task="returns")
    assert set(entrants["learner"]) == {"base_rate", "logistic", "lightgbm", "boosted", "reservoir"}
    assert entrants["chosen"].sum() == 1
    losses = dict(entrants.select("learner", "log_loss").iter_rows())
    assert losses["reservoir"] < losses["base_rate"]  # what it was given is what players did
    assert "boosted" in set(report.contests.filter(task="plays")["learner"])
    assert "boosted" not in set(report.contests.filter(task="attainment")["learner"])  # it keeps no order
    assert "who will return" in training_steps()


def test_its_model_is_registered_promoted_and_explained(world):
    settings, report, _ = world
    client = MlflowClient(settings.tracking_uri)
    version = client.get_model_version_by_alias("puzzles.returns", "champion")
    assert int(version.version) == report.versions["returns"] == 1
    assert "at least two days of the window?" in version.description
    assert "Which days they are is not asked." in version.description
    assert registry_fault(settings.home, "puzzles") is None


def test_its_model_read_back_says_the_same_whoever_won(world):
    settings, _, _ = world
    loaded = open_registry(settings).load("puzzles", "returns")
    assert loaded.model.task.name == "returns"
    assert loaded.model.encoding.windows == (3, 7)


def test_a_night_publishes_its_scores_and_names_its_version(world):
    _, _, night = world
    scores = pl.read_parquet(night.path / "scores.parquet").filter(task="returns")
    assert set(scores["horizon_days"]) == {3, 7}
    assert scores["probability"].is_between(0, 1).all()
    assert scores["probability"].n_unique() > 5
    assert set(scores["model_version"]) == {"puzzles.returns/1"}
    assert set(scores["user_id"]) == set(pl.read_parquet(night.path / "scores.parquet").filter(task="plays")["user_id"])
    assert read_manifest(night.path).models["returns"] == "puzzles.returns/1"
    assert "returns" in read_manifest(night.path).models["recalibration"]


@pytest.mark.parametrize(
    "told",
    [
        "The task raising is not learned and does not serve: ZeroDivisionError: division by zero.",
        "The task twin is not learned and does not serve: ValueError: its file holds plays, and nothing of",
        "The learner unlearned does not compete: ModuleNotFoundError",
        "The learner absent does not compete: no-such-library is not installed. Install it: pip install",
        "The learner failing does not compete for plays: RuntimeError: no patience.",
        "No model of stumbling is learned: the task stumbling fails with ValueError: its rows lack returned.",
        "No model of undecided is registered: the task undecided fails with KeyError: 'gain'.",
        "No model of unkept is registered: A model of kind 'learned' cannot be kept: RuntimeError: no files.",
    ],
)
def test_a_file_that_fails_is_named_and_the_others_are_learned(world, told):
    _, report, _ = world
    assert any(told in note for note in report.notes), report.notes
    assert set(report.versions) >= {"plays", "attainment", "segments", "returns", "boastful"}
    assert not set(report.versions) & {"stumbling", "undecided", "unkept", "raising", "twin"}


def test_who_could_not_compete_is_on_the_page_of_the_model(world):
    settings, report, _ = world
    page = MlflowClient(settings.tracking_uri).get_model_version("puzzles.plays", str(report.versions["plays"]))
    assert "- The learner failing does not compete for plays: RuntimeError: no patience." in page.description


def test_a_heavy_learner_whose_library_is_missing_is_told_only_of_a_training_in_which_it_would_compete(
    world, monkeypatch
):
    _, report, _ = world
    monkeypatch.setattr("models.learner.version", lambda _: raise_missing())
    missing = "The learner catboost does not compete: catboost is not installed. Install it: pip install catboost"
    assert missing not in report.notes  # it is not tuned
    assert missing in learners_left_out()
    assert missing not in learners_left_out(heavy=False)
    assert any("learner lightgbm does not" in told for told in learners_left_out(heavy=False))


def raise_missing():
    raise PackageNotFoundError


def test_scores_that_break_the_contract_cost_themselves_alone(world):
    _, _, night = world
    tasks = set(pl.read_parquet(night.path / "scores.parquet")["task"])
    assert tasks >= {"plays", "returns"}
    assert not tasks & {"boastful", "stumbling"}
    told = "The scores of boastful are left out: ValueError: a probability is not between 0 and 1."
    assert told in night.notes
    assert any(
        re.match("No model of .*stumbling.* serves, since .* made none: .*so this night has no scores", note)
        for note in night.notes
    )


def test_without_its_file_a_night_goes_on_without_it(world, trained, monkeypatch):
    settings, _, _ = world
    for package in (models.tasks, models.learners):
        monkeypatch.setattr(package, "__path__", package.__path__[:1])
    night = serve_night(settings, trained.loaded, NEXT, refresh=True)
    tasks = set(pl.read_parquet(night.path / "scores.parquet")["task"])
    assert "plays" in tasks
    assert not tasks & {"returns", "boastful", "stumbling"}
    assert "returns" not in read_manifest(night.path).models


@pytest.mark.parametrize(("package", "find"), [(models.tasks, tasks), (models.learners, learners_left_out)])
def test_two_files_of_one_name_are_refused(package, find, tmp_path, monkeypatch):
    name = "plays" if package is models.tasks else "habit"
    (tmp_path / f"{name}.py").write_text("")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    with pytest.raises(NightquestError, match=f"Two files have the name {name}: .*{tmp_path}"):
        find()


def test_names_of_tasks_are_told_without_loading_them(tmp_path, monkeypatch):
    (tmp_path / "idle.py").write_text("1 / 0")
    monkeypatch.setattr(models.tasks, "__path__", [*models.tasks.__path__, str(tmp_path)])
    assert set(task_names()) >= {"attainment", "idle", "plays", "segments"}
