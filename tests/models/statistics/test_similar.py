"""Neighbours: what goes together in the rows is told to go together."""

import numpy as np
import pytest

from models.statistics.similar import als_factors, als_scores, cosine, ease


@pytest.fixture(name="x")
def _x():
    """400 rows: items 0 and 1 are done together, 2 and 3 are done together, 4 by anybody."""
    rng = np.random.default_rng(3)
    first = rng.random(400) < 0.5
    pair = np.where(first[:, None], [1, 1, 0, 0], [0, 0, 1, 1]) * (rng.random((400, 4)) < 0.8)
    return np.column_stack([pair, rng.random(400) < 0.5]).astype(float)


def test_cosines_are_those_of_the_columns_and_none_with_itself(x):
    alike = cosine(x)
    assert alike[0, 1] == pytest.approx(x[:, 0] @ x[:, 1] / np.linalg.norm(x[:, 0]) / np.linalg.norm(x[:, 1]))
    assert (np.diag(alike) == 0).all()
    assert alike[0, 1] > 0.7 > alike[0, 2]


def test_ease_is_the_best_linear_guess_of_each_column_from_the_others(x):
    weights = ease(x, ridge=5.0)
    assert (np.diag(weights) == 0).all()
    for item in range(5):
        others = np.delete(x, item, axis=1)
        guess = np.linalg.solve(others.T @ others + 5.0 * np.eye(4), others.T @ x[:, item])
        assert np.delete(weights[:, item], item) == pytest.approx(guess)


def test_als_tells_the_other_of_a_pair_from_one(x):
    factors = als_factors(x)
    one = np.array([[1.0, 0, 0, 0, 0], [0, 0, 0, 1.0, 0]])
    scores = als_scores(one, factors)
    assert scores[0, 1] > 3 * abs(scores[0, 2])
    assert scores[1, 2] > 3 * abs(scores[1, 0])
    assert np.array_equal(als_factors(x), factors), "the same rows, the same factors"


@pytest.mark.parametrize("shape", [(0, 4), (5, 1), (3, 0)])
def test_few_rows_and_items_do_no_harm(shape):
    x = np.ones(shape)
    assert cosine(x).shape == ease(x).shape == (shape[1], shape[1])
    if shape[1]:
        assert np.isfinite(als_scores(x, als_factors(x))).all()
