"""A feature that is made of the answer is caught before anybody learns from it."""

import numpy as np
import polars as pl
import pytest

from configs.errors import NightquestError
from models.contest.hold import hold_contest
from models.contest.leaks import refuse_leaks
from models.given import Samples
from models.tasks.plays import Plays
from tests.factories import make_app
from tests.models.rows import play_rows


class Told(Plays):
    """Its rows carry a feature more."""

    features = (*Plays.features, "canary")

    def __init__(self, canary) -> None:
        self.canary = canary

    def rows(self, app, samples, encoding, *, seed):
        return samples.labels

    def encode(self, rows, encoding):
        return super().encode(rows, encoding).with_columns(canary=self.canary)


def held(canary):
    rows = play_rows(4000).with_columns(luck=pl.Series(np.random.default_rng(0).random(4000)))
    return hold_contest(Told(canary), make_app(), Samples(rows, rows, rows), seed=7)


@pytest.mark.parametrize(
    "canary",
    [pl.col("played"), ~pl.col("played"), pl.col("played") * 0.9 + 0.5 * pl.col("luck"), 5 - 3 * pl.col("played")],
)
def test_a_feature_made_of_the_answer_is_caught_and_named(canary):
    with pytest.raises(NightquestError, match="The label of plays leaks: canary alone tells"):
        held(canary.cast(pl.Float64))


@pytest.mark.parametrize("canary", [pl.col("luck"), pl.col("active_days_28"), pl.lit(1.0)])
def test_luck_a_strong_habit_and_a_constant_are_no_leaks(canary):
    assert held(canary).chosen


def test_few_outcomes_prove_nothing():
    y = pl.Series([1.0] * 5 + [0.0] * 500)
    refuse_leaks("plays", pl.DataFrame({"canary": y}), y)
    with pytest.raises(NightquestError, match="leaks"):
        refuse_leaks("plays", pl.DataFrame({"canary": [1.0] * 50 + [0.0] * 500}), pl.Series([1.0] * 50 + [0.0] * 500))


def test_a_kind_of_question_that_always_or_never_comes_true_proves_nothing():
    kinds = pl.DataFrame({"item": ["runs"] * 200 + ["swims"] * 200 + ["rides"] * 200})
    luck = np.random.default_rng(0).random(600).round()
    done = np.concatenate([np.ones(200), np.zeros(200), luck[400:]])
    amount = pl.DataFrame({"amount": np.concatenate([np.ones(200), np.zeros(200), np.full(200, 0.5)])})
    refuse_leaks("recommendations", amount, pl.Series(done), kinds)
    with pytest.raises(NightquestError, match="amount alone tells"):
        refuse_leaks("recommendations", pl.DataFrame({"amount": done}), pl.Series(done), kinds)
