"""Proportional hazards: a planted hazard ratio and baseline are found, however weeks were censored."""

import numpy as np
import polars as pl
import pytest

from models.learner import Sheet
from models.learners.cloglog import Cloglog

RATIO = {"risk": 2.0, "shield": 0.5, "idle": 1.0}
BASELINE = np.array([0.2, 0.05, 0.1, 0.15])  # of a player at the mean, week by week


def weeks(n=6000, *, seed=0, slope=1.0):
    """(rows, who left, hazards): continuous lifetimes under Cox's model, seen at the ends of weeks, some lost early."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, [1.0, 2.0, 5.0], (n, 3))
    line = slope * x @ np.log(list(RATIO.values()))
    steps = -np.log1p(-BASELINE)
    until = np.concatenate([[0.0], np.cumsum(steps)])
    left_in = np.searchsorted(until[1:], rng.exponential(size=n) * np.exp(-line))
    lost = rng.integers(1, 9, n)  # weeks after which nobody looked
    player, week = np.divmod(np.arange(4 * n), 4)
    at_risk = (week <= left_in[player]) & (week < lost[player])
    player, week = player[at_risk], week[at_risk]
    frame = pl.DataFrame(x[player], schema=list(RATIO))
    y = (left_in[player] == week).astype(float)
    return Sheet(frame, frame, 7 + 7 * week), y, -np.expm1(-steps[week] * np.exp(line[player]))


@pytest.fixture(scope="module")
def fitted():
    rows, y, _ = weeks()
    return Cloglog(ridge=0.1).fit(rows, y, np.ones(len(y)))


def test_planted_hazard_ratios_and_the_baseline_are_found(fitted):
    assert fitted.hazard_ratios() == pytest.approx(RATIO, rel=0.06)
    at_mean = pl.DataFrame(np.zeros((4, 3)), schema=list(RATIO))
    assert fitted.predict(Sheet(at_mean, at_mean, 7 + 7 * np.arange(4))) == pytest.approx(BASELINE, rel=0.1)


def test_hazards_of_other_players_are_foreseen(fitted):
    rows, _, truth = weeks(seed=1)
    p = fitted.predict(rows)
    assert np.abs(p - truth).mean() < 0.01
    longer = Sheet(rows.rows, rows.x, np.full(len(p), 70))
    assert np.array_equal(fitted.predict(longer), fitted.predict(Sheet(rows.rows, rows.x, np.full(len(p), 28))))


def test_a_ridge_that_outweighs_all_leaves_the_share_of_each_week():
    rows, y, _ = weeks(500)
    p = Cloglog(ridge=1e9).fit(rows, y, np.ones(len(y))).predict(rows)
    for days in (7, 14, 21, 28):
        here = rows.windows == days
        assert np.ptp(p[here]) < 1e-6
        assert p[here].mean() == pytest.approx(y[here].mean(), rel=0.03)


def test_rows_that_count_twice_count_like_two():
    rows, y, _ = weeks(300)
    twice = np.where(np.arange(len(y)) % 3, 1.0, 2.0)
    more = np.concatenate([np.arange(len(y)), np.flatnonzero(twice == 2)])
    copied = Sheet(rows.rows[more], rows.x[more], rows.windows[more])
    one, other = Cloglog(ridge=1e-3), Cloglog(ridge=1e-3)
    one.fit(rows, y, twice), other.fit(copied, y[more], np.ones(len(more)))
    assert one.hazard_ratios() == pytest.approx(other.hazard_ratios(), rel=1e-2)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_week_in_which_all_did_alike_and_separated_rows_stay_finite(share):
    rows, y, _ = weeks(300)
    y = np.where(rows.windows == 7, share, (rows.x["risk"].to_numpy() > 0).astype(float))
    learner = Cloglog().fit(rows, y, np.ones(len(y)))
    p = learner.predict(rows)
    assert np.isfinite(p).all()
    assert np.isfinite(learner.contributions(rows).to_numpy()).all()
    assert abs(p[rows.windows == 7].mean() - share) < 0.2
