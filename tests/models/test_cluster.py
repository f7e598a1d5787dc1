"""Learners fitted by the workers of a real cluster: close to those fitted here, in the same files."""

import numpy as np
import polars as pl
import pytest

from models import cluster as room
from models.cluster import Cluster
from models.contest import hold as contest
from models.contest.hold import hold_contest
from models.contest.scores import log_losses
from models.given import Samples
from models.learner import Sheet
from models.learners import learner_of, learners
from tests.factories import make_app
from tests.models.rows import Played, play_rows, sheet

# Rows and features are drawn otherwise where they are spread, so that trees differ: of two fits on the same rows,
# answers are no further apart on average than this, in probability, and the log-loss no higher, in nats.
APART, WORSE = 0.02, 0.005
ANSWERS = {"monotone": {"strong": 1}, "unknown": 0.1}


def test_the_learners_that_spread_are_those_that_can_be_fitted_there():
    assert {name for name, each in learners().by_name.items() if each.spreads} == {"lightgbm", "xgboost"}
    rows, y = sheet()
    with pytest.raises(TypeError, match="logistic cannot be fitted on a cluster"):
        learner_of("logistic")(seed=7).fit_on(None, rows, y, np.ones(len(y)))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_a_learner_fitted_on_the_cluster_answers_like_one_fitted_here(name, cluster, tmp_path):
    (rows, y), (later, happened) = sheet(8000, **ANSWERS), sheet(4000, seed=1, **ANSWERS)
    here, there = learner_of(name)(seed=7), learner_of(name)(seed=7)
    on = Cluster(cluster.scheduler_address, least_rows=1)
    assert on.fits(there, rows, y, np.ones(len(y))), on.notes
    assert not on.notes
    here.fit(rows, y, np.ones(len(y)))
    one, other = here.predict(later), there.predict(later)
    assert np.abs(one - other).mean() < APART
    assert log_losses(happened, other).mean() < log_losses(happened, one).mean() + WORSE
    there.to_files(tmp_path)
    assert np.array_equal(learner_of(name)(seed=7).from_files(tmp_path).predict(later), other)
    upward = later.x.with_columns(pl.col("strong") + 0.5)
    assert (there.predict(Sheet(upward, upward, later.windows, monotone=later.monotone)) >= other).all()


@pytest.mark.slow
def test_a_contest_is_held_there_for_who_can_and_here_for_the_rest(cluster, monkeypatch):
    monkeypatch.setattr(contest, "candidates", lambda _: [learner_of(name) for name in ("habit", "lightgbm")])
    rows = play_rows(4000).with_columns(base_day=pl.col("base_day").sort())
    on = Cluster(cluster.scheduler_address, least_rows=1)
    held = hold_contest(Played(), make_app(), Samples(rows, rows, rows), seed=7, cluster=on)
    assert {each.name for each in held.entrants} == {"base_rate", "habit", "lightgbm"}
    assert set(on.fitted) == {"lightgbm"}
    assert not on.notes


@pytest.mark.parametrize(("rows_there", "notes"), [(1, 1), (10_000, 0)], ids=["nobody answers", "few rows"])
def test_what_is_not_fitted_there_is_fitted_here(monkeypatch, rows_there, notes):
    monkeypatch.setattr(room, "ANSWERS_S", 1)
    rows, y = sheet(2000)
    on = Cluster("tcp://127.0.0.1:9", least_rows=rows_there)
    for _ in range(2):
        assert not on.fits(learner_of("lightgbm")(seed=7), rows, y, np.ones(len(y)))
    assert len(on.notes) == notes
    assert all("does not answer at tcp://127.0.0.1:9" in each and "fitted here" in each for each in on.notes)
