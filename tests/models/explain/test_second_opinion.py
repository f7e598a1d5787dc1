"""A line around a player is the model where that is a line, says how closely it follows where not, and what differs."""

import numpy as np
import polars as pl
import pytest

from configs.errors import NightquestError
from models.explain.reasons import told_by
from models.explain.second_opinion import SecondOpinion, disagreements, line_around
from models.learned import LearnedModel
from models.learners import learner_of
from models.task import Encoding
from models.tasks.plays import Plays
from tests.factories import make_app
from tests.models.rows import play_rows

RNG = np.random.default_rng(3)
OTHERS = RNG.normal([1.0, 0.0, 5.0], [2.0, 1.0, 0.0], (400, 3))  # the last is alike for all
OWN = np.array([3.0, -1.0, 5.0])
NEARBY = OWN + RNG.random((1500, 1)) * (OTHERS[RNG.integers(0, 400, 1500)] - OWN)


def test_a_line_is_told_as_it_is():
    line = line_around(OWN, NEARBY, 0.7 * NEARBY[:, 0] - 2.0 * NEARBY[:, 1] + 3, OTHERS)
    middle = OTHERS.mean(axis=0)
    assert line.adds == pytest.approx([0.7 * (3 - middle[0]), -2.0 * (-1 - middle[1]), 0.0], rel=0.02)
    assert line.fidelity > 0.999


def test_what_no_line_follows_has_little_fidelity():
    around = OWN + RNG.normal(size=(1500, 3)) * OTHERS.std(axis=0)
    line = line_around(OWN, around, np.abs(around[:, 0] - OWN[0]), OTHERS)
    assert line.fidelity < 0.2
    assert abs(line.adds[0]) < 0.2


def test_an_unknown_value_is_left_as_it_is():
    own = np.array([3.0, np.nan, 5.0])
    x = np.where(np.isfinite(own), NEARBY, np.nan)
    line = line_around(own, x, 0.7 * x[:, 0], OTHERS)
    assert line.adds[1] == 0
    assert line.fidelity > 0.999


@pytest.fixture(scope="module")
def rows():
    return play_rows(1200)


def asked(name: str, rows: pl.DataFrame, player: int = 5):
    """(the model, its opinion of a player, the second one)."""
    app, task = make_app(), Plays()
    model = LearnedModel(task, Encoding([1]), learner_of(name)()).fit(rows)
    second = SecondOpinion(model, task.kinds(app), player)
    assert np.array_equal(second.predict(rows), model.predict(rows))
    mine = rows.filter(player_key=player)
    return model, second, second.contributions(mine), mine


def test_a_linear_model_gets_the_reasons_that_it_gives_itself(rows):
    model, second, told, mine = asked("logistic", rows)
    kinds = Plays().kinds(make_app())
    usual = model.contributions(rows.filter(pl.col("player_key") != 5)).mean()
    own = told_by(model.contributions(mine) - pl.concat([usual] * mine.height), kinds)
    assert second.fidelity > 0.98
    assert np.abs(told_by(told, kinds).to_numpy() - own.to_numpy()).max() < 0.15
    assert np.abs(own.to_numpy()).max() > 0.4


def test_asked_twice_it_says_the_same_and_nothing_of_others(rows):
    _, second, told, mine = asked("lightgbm", rows)
    assert told.equals(second.contributions(mine))
    assert 0.3 < second.fidelity < 1
    others = rows.filter(pl.col("player_key") != 5).head(3)
    assert second.contributions(others).to_numpy().tolist() == np.zeros((3, told.width)).tolist()


def test_who_answers_without_features_or_has_no_others_gets_no_second_opinion(rows):
    with pytest.raises(NightquestError, match="what habit says does not move with the features"):
        asked("habit", rows)
    with pytest.raises(NightquestError, match="too few other players"):
        asked("logistic", rows.filter(pl.col("player_key").is_in([5, 6])))


def test_what_differs_is_a_fact_that_is_missing_or_pulls_the_other_way():
    first = ["quiet for 9 days (raises it)", "plays a lot (lowers it)", "new (raises it)"]
    second = ["plays a lot (lowers it)", "quiet for 9 days (lowers it)", "at weekends (raises it)"]
    assert disagreements(first, second) == [
        "it says (lowers it): quiet for 9 days",
        "not among its first three: new",
    ]
    assert disagreements(first, first) == []
    assert disagreements(first[2:], second, {"new"}) == ["alike for all tonight, so not weighed: new"]


def test_a_fact_that_is_the_same_for_all_is_not_weighed(rows):
    same = rows.with_columns(next_calendar_days=pl.lit(3, pl.Int64), last_calendar_days=pl.lit(40, pl.Int64))
    _, second, told, _ = asked("logistic", same)
    assert "3 days to the next date of the calendar" in second.alike
    assert told["next_calendar"].abs().max() == 0
