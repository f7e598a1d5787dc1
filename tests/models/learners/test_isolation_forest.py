"""The isolation forest as plain arrays sets rows apart as scikit-learn's does."""

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import IsolationForest

from models.learner import Sheet
from models.learners import learner_of
from models.learners.isolation_forest import Isolation
from models.portable import OutdatedModelError


def sheet(n=600, seed=0):
    x = pl.DataFrame(np.random.default_rng(seed).normal(size=(n, 3)), schema=["a", "b", "c"])
    return Sheet(x, x, np.full(n, 7))


def fitted():
    rows = sheet()
    happened = (np.arange(600) % 3 == 0).astype(float)
    return Isolation(seed=7).fit(rows, happened, np.ones(600)), rows.only(happened == 0)


def test_depths_are_those_of_scikit_learn():
    learner, usual = fitted()
    theirs = IsolationForest(n_estimators=100, max_samples=256, random_state=7)
    theirs.fit(usual.x.to_numpy().astype(np.float32), sample_weight=np.ones(usual.x.height))
    later = sheet(seed=1)
    depth = -np.log2(-theirs.score_samples(later.x.to_numpy().astype(np.float32)))
    assert np.allclose(-learner._scores(later), depth, atol=1e-6)


def test_what_is_far_from_all_that_is_usual_gets_the_highest_chance():
    learner, _ = fitted()
    far = pl.DataFrame({"a": [0.0, 6.0], "b": [0.0, -6.0], "c": [0.0, 6.0]})
    p = learner.predict(Sheet(far, far, np.array([7, 7])))
    assert p[0] < 0.5
    assert p[1] > 0.9


def test_it_comes_back_from_its_files_and_nodes_that_lead_nowhere_are_refused(tmp_path):
    learner, _ = fitted()
    learner.to_files(tmp_path)
    assert np.array_equal(
        learner_of("isolation_forest")(seed=7).from_files(tmp_path).predict(sheet()), learner.predict(sheet())
    )
    nodes = dict(np.load(tmp_path / "nodes.npz"))
    nodes["roots"][0] = 10**9
    np.savez(tmp_path / "nodes.npz", **nodes)
    with pytest.raises(OutdatedModelError, match="no forest"):
        learner_of("isolation_forest")(seed=7).from_files(tmp_path)
