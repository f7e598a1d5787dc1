"""What features add to boosted trees' answers is the library's own, though it is asked of one row of each kind."""

import numpy as np
import polars as pl
import pytest

from models.learner import Sheet
from models.learners import learner_of, lightgbm, xgboost

ROWS = xgboost.FEWEST + 500
SOME = np.arange(ROWS) % 20 == 0


def sheet(categories: tuple[str, ...] = ()) -> tuple[Sheet, np.ndarray]:
    """Counts, unknown values and names in numbers that move the answer together."""
    rng = np.random.default_rng(3)
    x = pl.DataFrame(
        {"count": rng.poisson(3, ROWS), "part": rng.normal(size=ROWS).round(2), "name": rng.integers(0, 5, ROWS)}
    )
    x = x.with_columns(pl.when(pl.Series(rng.random(ROWS) > 0.3)).then("part").alias("part")).cast(pl.Float64)
    moved = x["count"] * x["part"].fill_null(0.5) + (x["name"] == 3)
    y = (rng.random(ROWS) < 1 / (1 + np.exp(1 - moved.to_numpy()))).astype(np.float64)
    return Sheet(x, x, np.full(ROWS, 7), categories=categories), y


@pytest.mark.parametrize(
    ("learner", "off", "named"), [(lightgbm, 1e-12, False), (lightgbm, 0, True), (xgboost, 1e-5, False)]
)
def test_of_many_rows_each_is_told_what_it_would_be_told_among_few(learner, off, named):
    given, y = sheet(("name",) if named else ())
    kind = learner_of(learner.__name__.rpartition(".")[2])
    model = kind(trees=25, learning_rate=0.3).fit(given, y, np.ones(ROWS))
    many, few = model.contributions(given), model.contributions(given.only(SOME))
    assert len(few) < learner.FEWEST < len(many)
    assert few["part"].abs().mean() > 0.1
    assert np.abs(many.filter(pl.Series(SOME)).to_numpy() - few.to_numpy()).max() <= off


def test_a_tree_with_more_splits_than_a_number_has_bits_tells_rows_apart_all_the_same():
    given, y = sheet()
    model = learner_of("lightgbm")(trees=3, leaves=90, min_leaf=1, rows=1.0, ridge=0.0).fit(given, y, np.ones(ROWS))
    assert max(len(tree.features) for tree in model._splits) > 62
    few = model.contributions(given.only(SOME))
    assert np.allclose(model.contributions(given).filter(pl.Series(SOME)).to_numpy(), few.to_numpy(), atol=1e-12)
