"""A stack learns its weights from players and days that its bases had not seen."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.learner import Sheet
from models.learners.stack import BASES, FEWEST, FOLDS, Stack, folds, weigh

DAYS = 60


def sheet(n=4000, *, window=7, seed=0):
    """Rows of 200 players over 60 days; what happens is bent, so that neither a line nor few trees have all of it."""
    rng = np.random.default_rng(seed)
    day = rng.integers(0, DAYS, n)
    a, b = rng.normal(size=(2, n))
    y = (rng.random(n) < 1 / (1 + np.exp(-(a + 1.5 * (np.abs(b) - 0.8))))).astype(float)
    rows = pl.DataFrame(
        {
            "player_key": rng.integers(0, 200, n),
            "base_day": [dt.date(2024, 1, 1) + dt.timedelta(days=int(d)) for d in day],
            "window_days": np.full(n, window),
            "a": a,
            "b": b,
        }
    ).with_columns(start_day="base_day")
    return Sheet(rows, rows.select("a", "b"), np.full(n, window)), y


@pytest.mark.parametrize("window", [1, 7, 14])
def test_no_player_crosses_a_fold_and_what_judges_begins_after_all_that_was_fitted_on_had_ended(window):
    rows = sheet(window=window)[0].rows
    seen = list(folds(sheet(window=window)[0]))
    assert len(seen) == FOLDS
    for fitted, judged in seen:
        known, asked = rows.filter(pl.Series(fitted)), rows.filter(pl.Series(judged))
        assert min(known.height, asked.height) >= FEWEST
        assert not set(known["player_key"]) & set(asked["player_key"])
        ended = known.select((pl.col("start_day") + pl.duration(days=pl.col("window_days") - 1)).max()).item()
        assert ended < asked["base_day"].min()
    judged_once = np.sum([judged for _, judged in seen], axis=0)
    assert judged_once.max() == 1


def test_where_windows_are_too_long_to_end_before_others_begin_folds_are_of_players_alone():
    rows = sheet(window=200)[0].rows
    seen = list(folds(sheet(window=200)[0]))
    assert len(seen) == FOLDS
    assert all(
        not set(rows.filter(pl.Series(f))["player_key"]) & set(rows.filter(pl.Series(j))["player_key"]) for f, j in seen
    )
    assert np.sum([judged for _, judged in seen], axis=0).min() == 1


def test_bases_that_learn_the_weights_are_never_fitted_on_whom_they_judge(monkeypatch):
    rows, y = sheet()
    fitted, judged = [], []
    for base in BASES:
        fit, predict = base.fit, base.predict

        def watched_fit(self, sheet, y, weights, fit=fit):
            self.seen = set(sheet.rows["player_key"])
            fitted.append(self.seen)
            return fit(self, sheet, y, weights)

        def watched_predict(self, sheet, predict=predict):
            judged.append(len(self.seen & set(sheet.rows["player_key"])))
            return predict(self, sheet)

        monkeypatch.setattr(base, "fit", watched_fit)
        monkeypatch.setattr(base, "predict", watched_predict)
    Stack(seed=7).fit(rows, y, np.ones(len(y)))
    assert judged == [0] * len(BASES) * FOLDS
    assert [len(seen) for seen in fitted[-len(BASES) :]] == [200] * len(BASES)  # in the end all have a part


def test_it_is_about_as_good_as_the_better_of_its_bases_and_weighs_that_one_more():
    (rows, y), (later, happened) = sheet(8000), sheet(4000, seed=1)
    ones = np.ones(len(y))

    def loss(learner):
        p = learner.fit(rows, y, ones).predict(later)
        return -np.mean(happened * np.log(p) + (1 - happened) * np.log(1 - p))

    stack = Stack(seed=7)
    stacked, alone = loss(stack), [loss(base(seed=7)) for base in BASES]
    assert stacked < min(alone) + 0.003
    assert alone[1] < alone[0]  # a line sees nothing of what is bent
    assert stack._weights[1] > stack._weights[0] >= 0
    assert sum(stack.importance().values()) == pytest.approx(1)


def test_weights_without_anything_to_learn_them_from_are_equal():
    assert weigh(np.zeros((0, 2)), np.zeros(0), np.zeros(0))[0].tolist() == [0.5, 0.5]
    assert weigh(np.ones((5, 2)), np.ones(5), np.ones(5))[1] == 0.0
