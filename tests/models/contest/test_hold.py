"""A contest keeps to its budget, and says who could not compete."""

import time
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

import models.contest.budget
import models.contest.hold
from configs.errors import NightquestError
from models.contest.budget import Budget
from models.contest.choice import choose_winner
from models.contest.hold import hold_contest
from models.contest.search import Tuning
from models.contest.split import HALF_LIFE_DAYS, Split, recency
from models.given import Samples
from models.learned import LearnedModel
from models.learners.habit import Habit
from models.learners.logistic import Logistic
from tests.factories import make_app
from tests.models.rows import Played, play_rows


class Clock(SimpleNamespace):
    """On which nothing takes time but what says so, however slow the machine is."""

    def __init__(self):
        super().__init__(at=0.0, process_time=time.process_time)

    def monotonic(self):
        return self.at


class Slow(Logistic):
    """Fits in proportion to its rows."""

    name = "slow"
    rank = 4
    takes_s = 8.0  # on all that train
    clock = None

    def fit(self, sheet, y, weights):
        self.clock.at += self.takes_s * len(y) / 2400
        return super().fit(sheet, y, weights)


@pytest.fixture(name="candidates")
def _candidates(monkeypatch):
    monkeypatch.setattr(models.contest.hold, "candidates", lambda task: [Habit, Logistic, Slow])
    monkeypatch.setattr(Slow, "clock", Clock())


@pytest.fixture(name="clock")
def _clock(candidates, monkeypatch):
    for module in (models.contest.hold, models.contest.budget):
        monkeypatch.setattr(module, "time", Slow.clock)
    return Slow.clock


def held(seconds):
    rows = play_rows(4000).with_columns(base_day=pl.col("base_day").sort())
    return hold_contest(Played(), make_app(), Samples(rows, rows, rows), seed=7, budget=Budget(seconds))


def test_who_would_take_longer_than_is_left_does_not_compete_and_the_budget_holds(clock):
    contest = held(20)
    assert 0 < clock.at < 20
    assert {each.name for each in contest.entrants} == {"base_rate", "habit", "logistic"}
    assert contest.faults == ("The learner slow does not compete for plays: the budget is too short.",)


def test_answers_that_are_all_alike_are_nothing_to_learn_from(candidates):
    rows = play_rows(400).with_columns(base_day=pl.col("base_day").sort(), played=pl.lit(value=True))
    with pytest.raises(NightquestError, match=r"All past answers of plays are alike\. Wait for days that differ"):
        hold_contest(Played(), make_app(), Samples(rows, rows, rows), seed=7)


def test_with_time_enough_or_no_budget_all_compete(clock):
    assert {each.name for each in held(40).entrants} == {"base_rate", "habit", "logistic", "slow"}
    assert held(None).faults == ()


def test_a_budget_for_the_simplest_alone_makes_no_model(candidates):
    with pytest.raises(NightquestError, match="too short to fit logistic or slow") as told:
        held(0)
    assert "longer --budget" in told.value.remedy


class Heavy(Logistic):
    """Enters only where there is time."""

    name = "heavy"
    heavy = True


def test_a_heavy_learner_enters_only_a_training_that_takes_its_time(monkeypatch):
    monkeypatch.setattr(models.contest.hold, "candidates", lambda task: [Habit, Heavy])
    rows = play_rows(2000).with_columns(base_day=pl.col("base_day").sort())
    for tuning, entered in ((None, False), (Tuning(0), False), (Tuning(0.2), True)):
        contest = hold_contest(Played(), make_app(), Samples(rows, rows, rows), seed=7, tuning=tuning)
        assert ("heavy" in {each.name for each in contest.entrants}) == entered


class Twin(Logistic):
    """As good as the simpler one."""

    name = "twin"
    rank = 4


@pytest.mark.parametrize(("prefers", "winner"), [("", "logistic"), ("twin", "twin"), ("habit", "logistic")])
def test_the_learner_that_a_task_prefers_stays_unless_another_is_clearly_better(monkeypatch, prefers, winner):
    monkeypatch.setattr(models.contest.hold, "candidates", lambda task: [Habit, Logistic, Twin])
    monkeypatch.setattr(Played, "prefers", prefers)
    apart = pl.col("base_day").min() + 5 * (pl.col("base_day") - pl.col("base_day").min())  # several stretches of days
    rows = play_rows(2000).with_columns(base_day=apart.sort())
    assert hold_contest(Played(), make_app(), Samples(rows, rows, rows), seed=7).chosen == winner


def test_time_that_is_left_over_is_shared_by_those_who_follow():
    assert Budget(None).left == Budget(None).share(3).left == float("inf")
    assert 1900 < Budget(6000).share(3).left <= 2000
    assert Budget(-1).left == 0


@pytest.mark.parametrize(("lead", "winner"), [(0.5, "simple"), (1.5, "complex"), (-1.5, "simple")])
def test_a_simpler_learner_stays_unless_another_is_better_by_more_than_a_standard_error(lead, winner):
    apart = np.tile([1.0, -1.0], 200)  # 400 players with a row each: the mean's standard error is 1 / 20
    losses = {"simple": 5 + apart + lead / 20, "complex": np.full(400, 5.0)}
    assert choose_winner(["simple", "complex"], losses, np.arange(400)) == winner


def test_many_rows_of_few_players_make_no_learner_surer_of_its_lead():
    apart = np.repeat(np.tile([1.0, -1.0], 8), 100)  # 16 players with 100 rows each: 1 / 4
    losses = {"simple": 5 + apart + 0.2, "complex": np.full(1600, 5.0)}
    players = np.repeat(np.arange(16), 100)
    assert choose_winner(["simple", "complex"], losses, players) == "simple"
    assert choose_winner(["simple", "complex"], losses, np.arange(1600)) == "complex"


@pytest.mark.parametrize(("better", "winner"), [((0.3, 0.2), "complex"), ((0.6, -0.1), "preferred")])
def test_what_is_preferred_stays_unless_another_is_better_in_more_than_one_stretch_of_days(better, winner):
    stretches, players = np.repeat(np.arange(len(better)), 400), np.tile(np.arange(400), len(better))
    losses = {"preferred": np.repeat(better, 400), "complex": np.zeros(400 * len(better))}
    assert choose_winner(["preferred", "complex"], losses, players, stretches) == winner
    assert choose_winner(["preferred", "complex"], losses, players) == "complex"


@pytest.mark.parametrize(("lead", "winner"), [(1.5, "preferred"), (2.5, "complex")])
def test_within_one_stretch_of_days_what_is_preferred_gives_way_beyond_the_interval_by_player_alone(lead, winner):
    apart = np.tile([1.0, -1.0], 200)  # 400 players with a row each: the mean's standard error is 1 / 20
    losses = {"preferred": 5 + apart + lead / 20, "complex": np.full(400, 5.0)}
    assert choose_winner(["preferred", "complex"], losses, np.arange(400), np.zeros(400, dtype=int)) == winner


def test_a_winner_that_is_not_recalibrated_is_told_as_it_would_have_served_whether_it_competed_so_or_not(monkeypatch):
    monkeypatch.setattr(models.contest.hold, "candidates", lambda task: [Logistic])
    monkeypatch.setattr(Played, "relevels", False)
    rows = play_rows(2000)
    samples, split = Samples(rows, rows, rows), Split.of(rows["base_day"])
    over = split.over(rows)
    told = {}
    for as_it_serves in (False, True):
        monkeypatch.setattr(Played, "as_it_serves", as_it_serves)
        told[as_it_serves] = hold_contest(Played(), make_app(), samples, seed=7)
    served = LearnedModel(
        Played(), Played().encoding(make_app(), samples, split.calibrate_from, seed=7), Logistic(seed=7)
    )
    served.fit(over, weights=recency(over, HALF_LIFE_DAYS))
    holdout = told[True].holdout
    assert np.array_equal(holdout["p"].to_numpy(), served.predict(holdout))
    assert np.array_equal(told[False].holdout["p"].to_numpy(), served.predict(holdout))  # who competed is recalibrated
    won = next(each for each in told[False].entrants if each.name == "logistic")
    assert told[False].loss == told[True].loss != (won.log_loss, won.low, won.high)
    assert told[False].rows["served"] == over.height
    assert told[True].rows["train"] == over.height > told[False].rows["train"]
    assert told[True].data_window["over_before"] == told[False].data_window["test_from"]
