"""What breaks the usual ties between figures is set apart, though each figure alone is usual."""

import numpy as np
import polars as pl
import pytest
from scipy.special import logit
from sklearn.decomposition import PCA

from models.learner import Sheet
from models.learners import learner_of
from models.learners.reconstruction import Reconstruction


def sheet(n=600, seed=0):
    luck = np.random.default_rng(seed).normal(size=(n, 3))
    x = pl.DataFrame({"a": luck[:, 0], "b": luck[:, 0] + 0.1 * luck[:, 1], "c": luck[:, 2]})
    return Sheet(x, x, np.full(n, 7))


@pytest.fixture
def learner():
    rows = sheet()
    happened = (np.arange(600) % 3 == 0).astype(float)
    return Reconstruction(seed=7).fit(rows, happened, np.ones(600))


def test_errors_are_those_of_scikit_learn(learner):
    usual = sheet().only(np.arange(600) % 3 != 0).x.to_numpy()
    scaled = (usual - usual.mean(axis=0)) / usual.std(axis=0)
    theirs = PCA(n_components=2).fit(scaled)
    later = (sheet(seed=1).x.to_numpy() - usual.mean(axis=0)) / usual.std(axis=0)
    left = later - theirs.inverse_transform(theirs.transform(later))
    assert np.allclose(learner._parts(sheet(seed=1)).sum(axis=1), np.linalg.norm(left, axis=1))


def test_what_breaks_a_tie_is_unusual_and_it_is_told_by_which_figures(learner):
    x = pl.DataFrame({"a": [2.0, 2.0], "b": [2.0, 1.5], "c": [3.0, 0.0]})
    rows = Sheet(x, x, np.array([7, 7]))
    p, told = learner.predict(rows), learner.contributions(rows)
    assert p[0] < 0.5
    assert p[1] > 0.99
    assert told["a"][1] > 10 * told["c"][1]
    moved = told.sum_horizontal().to_numpy()
    assert moved[1] - moved[0] == pytest.approx(np.diff(logit(p))[0], rel=1e-3)


def test_it_comes_back_from_its_files(learner, tmp_path):
    learner.to_files(tmp_path)
    again = learner_of("reconstruction")(seed=7).from_files(tmp_path)
    assert np.array_equal(again.predict(sheet()), learner.predict(sheet()))
    assert again.contributions(sheet()).equals(learner.contributions(sheet()))
    assert again.importance() == learner.importance()
