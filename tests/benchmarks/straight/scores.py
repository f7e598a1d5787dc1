"""What a competent engineer would write in an afternoon to say who is engaged, who leaves and who earns which badge.

Each is given the rows and features of the model that serves, and answers the later rows.
"""

import lightgbm as lgb
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.benchmarks.straight.train import ROUNDS, SETTINGS

Array = NDArray[np.float64]


def boosted(x: Array, y: Array, asked: Array) -> Array:
    """One LightGBM over all rows: P(y = 1), shape (n,)."""
    model = lgb.train(dict(SETTINGS), lgb.Dataset(x, y), num_boost_round=ROUNDS)
    return np.asarray(model.predict(asked), dtype=np.float64)


def regressed_each(x: Array, y: Array, asked: Array, of: pl.Series, of_asked: pl.Series) -> Array:
    """A logistic regression for each badge; the badge's share where its answers were all alike, that of all if new."""
    said = np.full(len(asked), y.mean())
    for badge in of_asked.unique():
        mine, theirs = (of == badge).to_numpy(), (of_asked == badge).to_numpy()
        if not mine.any():
            continue
        if len(set(y[mine])) < 2:
            said[theirs] = y[mine].mean()
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x[mine], y[mine])
        said[theirs] = model.predict_proba(asked[theirs])[:, 1]
    return said


def forest(x: Array, level: NDArray[np.int64], asked: Array, levels: int) -> Array:
    """A random forest as it comes, with 300 trees: P(level is 0, 1, ...), shape (n, levels)."""
    model = RandomForestClassifier(300, min_samples_leaf=5, random_state=7, n_jobs=1).fit(x, level)
    said = np.zeros((len(asked), levels))
    said[:, model.classes_] = model.predict_proba(asked)
    return said


def stays_as_it_is(last: NDArray[np.int64], level: NDArray[np.int64], asked: NDArray[np.int64], levels: int) -> Array:
    """How often each level followed each: P(level is 0, 1, ...), shape (n, levels)."""
    seen = np.ones((levels, levels))
    np.add.at(seen, (last, level), 1.0)
    share: Array = (seen / seen.sum(axis=1, keepdims=True))[asked]
    return share
