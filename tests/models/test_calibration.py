"""Recalibration moves promises towards outcomes, and only as far as the outcomes carry."""

import numpy as np
import pytest

from models.calibration import Recalibration


def test_without_outcomes_nothing_moves() -> None:
    p = np.array([0.1, 0.5, 0.9])
    assert Recalibration.fit(np.array([]), np.array([])).apply(p) == pytest.approx(p, abs=1e-6)


def test_overconfident_promises_come_down_to_what_happens() -> None:
    rng = np.random.default_rng(1)
    p = rng.uniform(0.2, 0.8, 20_000)
    y = (rng.random(20_000) < p * 0.7).astype(float)
    moved = Recalibration.fit(y, p).apply(p)
    assert moved.mean() == pytest.approx(y.mean(), abs=0.005)


def test_a_few_outcomes_move_a_promise_less_than_many() -> None:
    p = np.full(5, 0.5)
    few = Recalibration.fit(np.ones(5), p).apply(np.array([0.5]))[0]
    many = Recalibration.fit(np.ones(500), np.full(500, 0.5)).apply(np.array([0.5]))[0]
    assert 0.5 < few < many


def test_groups_get_their_own_shift_and_an_unknown_group_the_mean() -> None:
    p = np.full(4000, 0.5)
    group = np.repeat([0, 1], 2000)
    y = np.concatenate([np.arange(2000) % 10 < 8, np.arange(2000) % 10 < 2]).astype(float)
    fitted = Recalibration.fit(y, p, group)
    high, low, unknown = fitted.apply(np.full(3, 0.5), np.array([0, 1, 9]))
    assert high == pytest.approx(0.8, abs=0.02)
    assert low == pytest.approx(0.2, abs=0.02)
    assert low < unknown < high


def test_order_is_kept() -> None:
    rng = np.random.default_rng(2)
    p = np.sort(rng.random(500))
    moved = Recalibration.fit((rng.random(500) < 0.3).astype(float), p).apply(p)
    assert np.all(np.diff(moved) >= 0)


def test_outcomes_of_no_group_of_their_own_teach_what_all_share_and_break_nothing() -> None:
    p, y = np.full(400, 0.5), np.repeat([1.0, 1.0, 1.0, 0.0], 100)
    alone = Recalibration.fit(y, p, np.full(400, -1))
    assert len(alone.intercepts) == 1
    assert alone.apply(p[:1])[0] == pytest.approx(0.75, abs=0.03)
    group = np.where(np.arange(400) % 2, 1, -1)
    mixed = Recalibration.fit(y, p, group)
    assert len(mixed.intercepts) == 2
    assert np.all(np.isfinite(mixed.apply(p, group)))


def test_answers_lean_on_the_chance_of_their_condition_and_keep_their_order() -> None:
    rng = np.random.default_rng(3)
    p, beside = np.full(20_000, 0.55), rng.uniform(0.05, 0.95, 20_000)
    kept = 0.4 + 0.2 * beside
    fitted = Recalibration.fit((rng.random(20_000) < kept).astype(float), p, beside=beside)
    assert np.abs(fitted.apply(p, beside=beside) - kept).max() < 0.03
    rising = fitted.apply(np.linspace(0.1, 0.9, 50), beside=np.full(50, 0.3))
    assert np.all(np.diff(rising) > 0)
    assert fitted.apply(p[:1], beside=np.array([1e-9]))[0] == fitted.apply(p[:1], beside=np.array([0.02]))[0]
