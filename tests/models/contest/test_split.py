"""What outcomes count when a level is told from them: alone in full, together with those of the same days less."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from models.calibration import Recalibration
from models.contest.split import evidence, recency

ONE = dt.date(2025, 6, 2)


def windows(days: list[int], length: int) -> pl.DataFrame:
    start = [ONE + dt.timedelta(days=day) for day in days]
    return pl.DataFrame(
        {"start_day": start, "window_days": [length] * len(days)}, {"start_day": pl.Date, "window_days": pl.Int32}
    )


def test_outcomes_of_one_stretch_are_worth_no_more_than_a_few_however_many_there_are() -> None:
    worth = [evidence(windows([0, 1] * n, 14), np.ones(2 * n), 0.2).sum() for n in (1, 50, 5000)]
    assert worth[0] == pytest.approx(2 / 1.2)
    assert worth[0] < worth[1] < worth[2] < 1 / 0.2


def test_as_many_outcomes_of_many_stretches_are_worth_more() -> None:
    days = [day % 28 for day in range(280)]
    short, long = (evidence(windows(days, length), np.ones(280), 0.2).sum() for length in (1, 28))
    assert short > 15 * long


def test_lengths_are_counted_apart_and_a_weight_below_one_is_none_the_larger() -> None:
    both = pl.concat([windows([0], 7), windows([0], 28)])
    assert evidence(both, np.array([0.4, 1.0]), 0.5) == pytest.approx([0.4, 1.0])


def test_outcomes_that_have_nothing_in_common_count_in_full() -> None:
    given = np.linspace(0.1, 1, 30)
    assert evidence(windows(list(range(30)), 7), given, 0.0) == pytest.approx(given)


def test_what_one_player_does_in_overlapping_windows_is_one_outcome_and_what_others_do_another():
    rows = pl.concat([windows([0, 1, 2, 3], 7)] * 3).with_columns(player_key=pl.Series([1] * 4 + [2] * 4 + [3] * 4))
    worth = rows.with_columns(worth=pl.Series(evidence(rows, np.ones(12), 1.0, of=("player_key",))))
    assert worth.group_by("player_key").agg(pl.col("worth").sum())["worth"].to_list() == pytest.approx([1, 1, 1])
    apart = windows([0, 7, 14], 7).with_columns(player_key=1)
    assert evidence(apart, np.ones(3), 1.0, of=("player_key",)) == pytest.approx([1, 1, 1])


def test_a_wave_that_is_over_does_not_take_the_level_of_the_next_with_it() -> None:
    rows, p, nobody = windows([0, 1, 2] * 500, 28), np.full(1500, 0.5), np.zeros(1500)
    alone = Recalibration.fit(nobody, p).apply(p[:1])[0]
    together = Recalibration.fit(nobody, p, weights=evidence(rows, np.ones(1500), 0.2)).apply(p[:1])[0]
    assert alone < 0.05
    assert together > 0.25


def test_each_row_halves_with_its_own_half_life_counted_from_the_newest_day() -> None:
    rows = pl.DataFrame({"base_day": [ONE, ONE, ONE + dt.timedelta(days=14)]})
    assert recency(rows, 7.0) == pytest.approx([0.25, 0.25, 1.0])
    assert recency(rows, np.array([7.0, 28.0, 7.0])) == pytest.approx([0.25, 2**-0.5, 1.0])
