"""Who has left: labels of past days by hand, a curve that only falls, reasons that hold, and what a model page says."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.contest.hold import hold_contest
from models.given import Asked
from models.learned import LearnedModel
from models.learners import learner_of
from models.portable import load_model, save_model
from models.tasks.churn import WEEKS, Churn, Quiet, quiet_days
from pipelines.known import Known
from pipelines.learning.samples import draw_samples
from pipelines.learning.training import past_days
from pipelines.pins import day_start, make_night
from tests.academy import SETTINGS, academy
from tests.factories import START, event, known_at, make_app, warehouse_with

DAY = START.date()
SHORT = {"engagement": {"gone_after_days": 7}}
SOON = make_app(**SHORT).engagement


def at(day: int) -> dt.date:
    return DAY + dt.timedelta(days=day)


def labels(known: Known, *days: int) -> list[tuple[int, int, int, bool]]:
    """(player, day of the snapshot, week, left) of every label."""
    samples = draw_samples(known, [at(day) for day in days], most=100, seed=1)
    told = Churn().labels(known, samples).sort("player_key", "base_day", "week")
    rows = told.select("player_key", (pl.col("base_day") - DAY).dt.total_days(), "week", "left").rows()
    return [tuple(row) for row in rows]


def test_a_player_leaves_on_the_first_of_many_days_without_play():
    app = make_app(**SHORT)
    plays = {1: range(60), 2: range(10), 3: [*range(10), 16, 17, *range(25, 60)], 4: [*range(13), 19, 20]}
    with warehouse_with(app, [event(player, day) for player, days in plays.items() for day in days]) as warehouse:
        told = labels(known_at(warehouse, app, at(60)), 10)
    stays = [(week, False) for week in range(WEEKS + 1)]
    by_player = {player: [(week, left) for p, _, week, left in told if p == player] for player in plays}
    assert by_player[1] == stays
    assert by_player[2] == [(0, True)]  # and is asked no more
    assert by_player[3] == [
        (0, False),
        (1, False),
        (2, True),
    ]  # six days without, then seven
    assert by_player[4] == [(0, False), (1, False), (2, True)]


def test_a_label_exists_once_the_silence_after_its_week_is_over():
    app = make_app(**SHORT)
    with warehouse_with(app, [event(1, day) for day in range(40)]) as warehouse:
        known = known_at(warehouse, app, at(31), dt.datetime.combine(at(31), dt.time(), dt.UTC))
        told = labels(known, 10, 20, 26)
    assert [(day, week) for _, day, week, _ in told] == [(10, 0), (10, 1), (10, 2), (20, 0)]


def test_what_becomes_known_later_changes_no_label():
    app = make_app(**SHORT)
    rows = [event(player, day) for player in (1, 2) for day in range(0, 30, player)]
    late = event(1, 41, available_at=START + dt.timedelta(days=90))
    cut = dt.datetime.combine(at(60), dt.time(), dt.UTC)
    with warehouse_with(app, rows) as warehouse, warehouse_with(app, [*rows, late]) as later:
        days = (10, 20, 30, 40)
        assert labels(known_at(warehouse, app, at(60), cut), *days) == labels(known_at(later, app, at(60), cut), *days)


@pytest.mark.parametrize(("every", "days"), [(1, 7), (5, 7), (9, 14), (20, 21), (40, 28)])
def test_without_the_app_file_as_many_days_as_few_pauses_last_in_whole_weeks(every, days):
    app = make_app()
    with warehouse_with(app, [event(1, day) for day in range(0, 160, every)]) as warehouse:
        known = known_at(warehouse, app, at(160))
        assert quiet_days(known) == days
        said = make_app(engagement={"gone_after_days": 45})
        assert quiet_days(known_at(warehouse, said, at(160))) == 45


class Sure:
    """A model that gives every week the same hazard."""

    encoding = Quiet(14)
    untold, usual = (), {}

    def __init__(self, hazard: float) -> None:
        self.hazard = hazard

    def predict(self, rows):
        return np.full(rows.height, self.hazard)

    def contributions(self, rows):
        quiet = pl.Series(0.5 * rows["recency_days"].log1p())
        return rows.select(log_recency=quiet, week=pl.lit(9.0), active_28=pl.lit(-0.3), log_minutes=pl.lit(0.01))


@pytest.fixture(scope="module")
def asked() -> Asked:
    app = make_app()
    rows = [event(player, day) for player in (1, 2) for day in range(0, 30, 2 * player)]
    with warehouse_with(app, rows) as warehouse:
        features = draw_samples(known_at(warehouse, app, at(30)), [at(30)], most=10, seed=1).features
    none = pl.DataFrame()
    return Asked(features, none, none, none)


@pytest.mark.parametrize(
    ("hazard", "days", "band"), [(0.6, 0, "high"), (0.3, 7, "medium"), (0.15, 23, "low"), (0.05, None, "low")]
)
def test_the_chance_of_having_left_rises_week_by_week_and_says_when_it_is_half(asked, hazard, days, band):
    scores = Churn().scores(Sure(hazard), make_app(), asked).filter(player_key=1)
    assert scores["horizon_days"].to_list() == [14, 21, 28, 35, 42]
    assert np.allclose(scores["probability"], 1 - (1 - hazard) ** np.arange(1, 6))
    assert set(scores["band"]) == {band}
    assert set(scores["days"]) == {days}


def test_reasons_are_facts_of_the_player_and_leave_out_what_is_asked_and_what_is_nothing(asked):
    scores = Churn().explained(Sure(0.3), make_app(), asked)
    told = dict(scores.filter(horizon_days=14).select("player_key", "reasons").rows())
    assert told[1] == (
        "last played 2 days ago, before that every 2 days on average (raises it); "
        "played on 14 of the last 28 days, 14 visits (lowers it)"
    )
    assert told[2].startswith("last played 2 days ago, before that every 4 days on average (raises it); ")
    assert scores.filter(pl.col("horizon_days") > 14)["reasons"].null_count() == scores.height - 2


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """(app, samples with labels of the academy, its night)."""
    with academy(tmp_path_factory) as (warehouse, loaded):
        app, as_of = (
            loaded.app.model_copy(update={"engagement": SOON}),
            SETTINGS.start + dt.timedelta(days=SETTINGS.days),
        )
        known = Known(warehouse, make_night(warehouse, app, as_of, day_start(app, as_of)))
        samples = draw_samples(known, past_days(known, known.base_day), most=4000, seed=7)
        return app, replace(samples, labels=Churn().labels(known, samples)), known.night


@pytest.fixture(scope="module")
def contest(world):
    return hold_contest(Churn(), world[0], world[1], seed=7)


def test_recency_alone_and_survival_curves_compete_with_boosting(contest):
    assert {each.name for each in contest.entrants} == {
        *("base_rate", "cloglog", "kaplan_meier", "lightgbm", "logistic", "recency", "trees_and_lines", "xgboost")
    }
    assert contest.faults == ()
    assert contest.gain[1] > 0
    told = Churn().figures(contest.holdout)
    ranked, ahead = told["auc_left_already"], told["auc_left_already_ahead_of_recency"]
    assert ahead[1] < ahead[0] < ahead[2]
    assert 0.5 < ranked[0] - ahead[0] < 1
    assert ahead[0] > -0.05
    assert told["quiet_days"] == 7


def test_a_model_read_back_says_the_same_and_knows_which_app_file_it_suits(world, tmp_path):
    app, samples, _ = world
    task = Churn()
    rows = task.rows(app, samples, Quiet(7), seed=7)
    for name in ("recency", "kaplan_meier", "cloglog", "xgboost"):
        model = LearnedModel(task, Quiet(7), learner_of(name)()).fit(rows)
        save_model(tmp_path / name, model)
        again = load_model(tmp_path / name)
        assert np.array_equal(again.predict(rows), model.predict(rows))
        assert again.encoding.days == 7
    assert task.lacks(app, again.encoding) == task.lacks(make_app(), again.encoding) == ""
    other = make_app(engagement={"gone_after_days": 30})
    assert "quiet for 30 days" in task.lacks(other, again.encoding)


def test_a_learner_that_knows_the_newest_rows_stays_as_it_is_and_counted_rates_follow_them(world):
    app, samples, _ = world
    rows = Churn().rows(app, samples, Quiet(7), seed=7)
    nobody = rows.with_columns(left=pl.lit(value=False))
    for name, stays in (("logistic", True), ("lightgbm", True), ("recency", False)):
        model = LearnedModel(Churn(), Quiet(7), learner_of(name)()).fit(rows)
        before = model.predict(rows)
        assert np.array_equal(model.calibrate(nobody, seen=True).predict(rows), before) == stays
        assert model.calibrate(nobody).predict(rows).mean() < before.mean() / 2  # rows that nobody knew move all


def test_who_was_not_active_lately_is_not_judged(world):
    _, samples, _ = world
    assert samples.features["recency_days"].max() <= 28


def test_rows_carry_the_features_that_are_asked_for_and_no_others():
    features = pl.DataFrame({"player_key": [1], "base_day": [DAY], "recency_days": [3.0], "solved__28": [7.0]})
    assert Churn().needed(features).columns == ["player_key", "base_day", "recency_days"]
    assert Churn().needed(features, "solved__28").equals(features)
