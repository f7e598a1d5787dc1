"""Files of questions and algorithms that nobody has seen: some that are right, and some that do everything wrong."""

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
