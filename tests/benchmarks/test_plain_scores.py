"""What the table of rivals rests on: weighted figures are those of repeated rows, and rivals say what they should."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.tasks.engagement import macro_f1
from tests.benchmarks.plain_scores import concordance, macro_f1_of
from tests.benchmarks.straight.scores import regressed_each, stays_as_it_is
from tests.benchmarks.straight.silent import AT_FIRST, FIRST_DAYS, RISK, stays_silent


def test_a_weight_counts_as_so_many_rows() -> None:
    rng = np.random.default_rng(2)
    truth, said, times = rng.integers(0, 4, 80), rng.integers(0, 4, 80), rng.integers(0, 3, 80)
    weighted = macro_f1_of(truth, said, times.astype(float))
    assert weighted == pytest.approx(macro_f1(np.repeat(truth, times), np.repeat(said, times)))


def test_concordance_counts_pairs_of_which_it_is_known_who_left_first() -> None:
    time, gone = np.array([0.0, 1.0, 2.0, 5.0]), np.array([True, True, False, False])
    one = np.ones(4)
    assert concordance(time, gone, np.array([4.0, 3.0, 2.0, 1.0]), one) == 1
    assert concordance(time, gone, np.array([4.0, 1.0, 2.0, 1.0]), one) == pytest.approx((3 + 0 + 0.5) / 5)


def test_a_badge_that_nobody_earned_is_answered_by_its_share_and_a_new_one_by_that_of_all() -> None:
    x, y = np.arange(6.0)[:, None], np.array([0.0, 0, 0, 0, 1, 1])
    of = pl.Series(["never"] * 3 + ["some"] * 3)
    said = regressed_each(x, y, np.array([[9.0], [9.0], [3.0]]), of, pl.Series(["never", "new", "some"]))
    assert said[:2].tolist() == [0.0, pytest.approx(1 / 3)]
    assert said[2] < 0.6


def test_persistence_says_how_often_each_level_followed() -> None:
    last, level = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    assert stays_as_it_is(last, level, np.array([0]), 2)[0] == pytest.approx([3 / 5, 2 / 5])


def test_who_knows_habits_weighs_that_a_silent_player_may_be_away() -> None:
    wednesday, sure = dt.date(2026, 3, 4), [-40.0] * 2 + [0.0] * 5  # who never plays on Mondays and Tuesdays
    players = pl.DataFrame(
        {
            "base_day": [wednesday] * 2,
            "recency_days": [1, 1],
            "tenure_days": [1000, 1],
            "play_probability": [0.5, 0.5],
            "weekday_log_odds": [sure, [0.0] * 7],
        }
    )
    old, new = stays_silent(players, 1)
    assert old == pytest.approx(RISK + (1 - RISK) * 0.5)
    risk = RISK * (1 + AT_FIRST * np.exp(0 / FIRST_DAYS))
    assert new == pytest.approx(risk + (1 - risk) * 0.5)
    silent = stays_silent(players.with_columns(recency_days=pl.lit(3)), 1)
    assert silent[0] < silent[1]  # whose silence lasted two days on which they might have come
