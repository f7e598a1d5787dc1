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
from tests.pipelines.nights import now, serve_night
from tests.pipelines.trained import FIRST, NEXT

TASKS = {
    "returns": '''
"""Will the player be there on at least two days of the window?"""

import polars as pl

from models.given import SNAPSHOT
from models.task import BinaryTask


class Returns(BinaryTask):
    """Two days at least."""

    name = "returns"
    question = "Will the player be there on at least two days of the window?"
    doing = "who will return"
    label = "returned"
    asks_of_days = 14
    inputs = {
        "active_days_28": pl.Float64(), "recency_days": pl.Float64(), "window_days": pl.Int32(),
        **{f"day_{ago}": pl.Float64() for ago in range(1, 15)},
    }
    features = ("active_days_28", "recency")
    settings = {"lightgbm": {"trees": 5}}
    limits = ("Which days they are is not asked.",)

    def horizons(self, app):
        return tuple(days for days in app.challenges.windows if days > 1)

    def labels(self, known, samples):
        spans = samples.labels.filter(pl.col("window_days") > 1)
        spans = spans.select(*SNAPSHOT, "lead_days", "window_days", "start_day", "end_day").unique()
        with known.lend(spans=spans):
            return known.frame(
                """SELECT s.*, count(d.day) >= 2 AS returned FROM spans s LEFT JOIN known_active_days d
                   ON d.player_key = s.player_key AND d.day BETWEEN s.start_day AND s.end_day
                   GROUP BY ALL ORDER BY ALL"""
            )

    def rows(self, app, samples, encoding, *, seed):
        rows = samples.labels.join(samples.features, on=list(SNAPSHOT), maintain_order="left")
        return rows.join(samples.days, on=list(SNAPSHOT), maintain_order="left")

    def ask(self, app, asked):
        windows = asked.windows.filter(pl.col("window_days") > 1).select(*SNAPSHOT, "window_days").unique()
        return windows.join(asked.features, on=list(SNAPSHOT)).join(asked.days, on=list(SNAPSHOT))

    def encode(self, rows, encoding):
        return rows.with_columns(recency=pl.col("recency_days").fill_null(90).log1p())
''',
    "boastful": '''
"""Surer than sure, once it serves."""

import polars as pl

from models.tasks.returns import Returns


class Boastful(Returns):
    """It learns well."""

    name = "boastful"
    doing = "who boasts"
    only = frozenset({"logistic"})

    def scores(self, model, app, asked):
        return super().scores(model, app, asked).with_columns(probability=pl.lit(2.0))
''',
    "stumbling": '''
"""It fails where it is learned."""

from models.tasks.returns import Returns


class Stumbling(Returns):
    """It stumbles."""

    name = "stumbling"
    doing = "who stumbles"

    def rows(self, app, samples, encoding, *, seed):
        return super().rows(app, samples, encoding, seed=seed).drop("returned")
''',
    "undecided": '''
"""It fails once its contest is over."""

from models.tasks.returns import Returns


class Undecided(Returns):
    """It cannot decide."""

    name = "undecided"
    doing = "who dithers"
    only = frozenset({"logistic"})

    def decide(self, gain, against):
        raise KeyError("gain")
''',
    "unkept": '''
"""Its model cannot be written."""

from models.tasks.returns import Returns


class Unkept(Returns):
    """Nobody keeps it."""

    name = "unkept"
    doing = "what nobody keeps"
    only = frozenset({"fleeting"})
''',
    "raising": "1 / 0",
    "twin": "from models.task import Task\n\n\nclass Other(Task):\n    name = 'plays'\n",
}
LEARNERS = {
    "boosted": '''
"""Gradient-boosted trees by XGBoost."""

import numpy as np
import xgboost as xgb

from models.learner import Learner, shares


class Boosted(Learner):
    """Its own format is JSON."""

    name = "boosted"
    suits = frozenset({"binary"})
    requires = ("xgboost-cpu",)
    optional = True
    flexible = True

    def fit(self, sheet, y, weights):
        data = xgb.DMatrix(sheet.personal().to_numpy(), y, weight=weights)
        settings = {"objective": "binary:logistic", "max_depth": 3, "nthread": 1, "seed": self.seed}
        self.names, self.booster = sheet.personal().columns, xgb.train(settings, data, 20)
        return self

    def predict(self, sheet):
        return self.booster.predict(xgb.DMatrix(sheet.personal().to_numpy())).astype(float)

    def importance(self):
        gain = self.booster.get_score(importance_type="total_gain")
        return shares(self.names, np.array([gain.get(f"f{i}", 0.0) for i in range(len(self.names))]))

    def to_files(self, folder):
        self.booster.save_model(folder / "booster.json")

    def from_files(self, folder):
        self.booster = xgb.Booster(model_file=folder / "booster.json")
        return self
''',
    "reservoir": '''
"""A recurrent network: it reads what a player did day by day, oldest first; only how it is read out is learned."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.learner import Learner, shares
from models.portable import load_arrays, save_arrays

UNITS = 20


class Reservoir(Learner):
    """An echo state network."""

    name = "reservoir"
    suits = frozenset({"returns"})

    def _states(self, sheet):
        days = [f"day_{ago}" for ago in range(14, 0, -1)]
        acted = np.log1p(sheet.rows.select(days).to_numpy())
        luck = np.random.default_rng(self.seed)
        into, back = luck.normal(size=UNITS), luck.normal(size=(UNITS, UNITS)) / UNITS**0.5 * 0.8
        state = np.zeros((len(acted), UNITS))
        for day in acted.T:
            state = np.tanh(np.outer(day, into) + state @ back)
        return np.column_stack([state, sheet.windows])

    def fit(self, sheet, y, weights):
        line = LogisticRegression(max_iter=1000).fit(self._states(sheet), y, sample_weight=weights)
        self.line = np.append(line.coef_[0], line.intercept_)
        return self

    def predict(self, sheet):
        return 1 / (1 + np.exp(-(self._states(sheet) @ self.line[:-1] + self.line[-1])))

    def importance(self):
        return shares([*(f"unit {n}" for n in range(UNITS)), "window_days"], np.abs(self.line[:-1]))

    def to_files(self, folder):
        save_arrays(folder / "line.npz", line=self.line)

    def from_files(self, folder):
        self.line = load_arrays(folder / "line.npz")["line"]
        return self
''',
    "failing": '''
"""It fails where it is fitted."""

from models.learners.logistic import Logistic


class Failing(Logistic):
    """It fails."""

    name = "failing"

    def fit(self, sheet, y, weights):
        raise RuntimeError("no patience")
''',
    "fleeting": '''
"""It has no files."""

from models.learners.logistic import Logistic


class Fleeting(Logistic):
    """It passes."""

    name = "fleeting"
    suits = frozenset({"unkept"})

    def to_files(self, folder):
        raise RuntimeError("no files")
''',
    "absent": '''
"""Its library is not installed."""

from models.learners.logistic import Logistic


class Absent(Logistic):
    """It is absent."""

    name = "absent"
    requires = ("no-such-library",)
    optional = True
''',
    "unlearned": "import no_such_library",
}


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
