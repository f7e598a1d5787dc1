import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import log_loss as reference_log_loss

from models.contest.scores import (
    auc,
    auc_gain,
    auc_interval,
    average_precision,
    calibration_error,
    calibration_floor,
    clustered_floor,
    clustered_interval,
    differs,
    equal_mass_bins,
    log_loss,
    log_losses,
    reliability_table,
    share_interval,
)


def forecasts(n: int = 4000, seed: int = 1):
    rng = np.random.default_rng(seed)
    p = np.round(rng.beta(2, 3, n), 2)
    return (rng.random(n) < p).astype(float), p


def test_losses_agree_with_scikit_learn():
    y, p = forecasts()
    p = p.clip(0.01, 0.99)
    assert log_loss(y, p) == pytest.approx(reference_log_loss(y, p))
    assert auc(y, p) == pytest.approx(roc_auc_score(y, p))
    often = np.random.default_rng(3).integers(3, size=len(y)).astype(float)
    assert average_precision(y, p)(often) == pytest.approx(average_precision_score(y, p, sample_weight=often))
    assert np.isnan(average_precision(np.zeros(5), p[:5])(np.ones(5)))


def test_certain_and_wrong_costs_much_but_not_infinitely():
    assert 10 < log_loss(np.array([1.0]), np.array([0.0])) < 20


def test_auc_with_one_outcome_only_is_unknown():
    assert np.isnan(auc(np.ones(5), np.linspace(0, 1, 5)))
    assert np.isnan(auc_interval(np.ones(5), np.linspace(0, 1, 5), np.arange(5))).all()


def test_the_interval_of_auc_is_as_wide_as_that_of_drawing_players_anew():
    rng = np.random.default_rng(5)
    players = rng.integers(120, size=1500)
    p = np.clip(0.3 + 0.3 * rng.normal(size=120)[players] + 0.1 * rng.normal(size=1500), 0.02, 0.98)
    y = (rng.random(1500) < np.clip(p + 0.2 * rng.normal(size=120)[players], 0, 1)).astype(float)
    rows = [np.flatnonzero(players == each) for each in range(120)]
    drawn = [np.concatenate([rows[each] for each in rng.integers(120, size=120)]) for _ in range(300)]
    area, low, high = auc_interval(y, p, players)
    assert area == auc(y, p)
    assert high - low == pytest.approx(2 * 1.96 * np.std([auc(y[here], p[here]) for here in drawn]), rel=0.15)
    other = p + 0.1 * rng.normal(size=1500)
    ahead, low, high = auc_gain(y, p, other, players)
    assert ahead == auc(y, p) - auc(y, other)
    apart = [auc(y[here], p[here]) - auc(y[here], other[here]) for here in drawn]
    assert high - low == pytest.approx(2 * 1.96 * np.std(apart), rel=0.15)
    assert auc_gain(y, p, p, players) == (0.0, 0.0, 0.0)


def test_without_rows_every_score_is_unknown():
    none = np.array([])
    assert all(np.isnan(score(none, none)) for score in (log_loss, auc, calibration_error))
    assert np.isnan(calibration_floor(none))
    assert np.isnan(clustered_floor(none, none, none.astype(int)))
    assert reliability_table(none, none).is_empty()


def test_what_differs_from_promises_is_told_though_promises_differ_and_what_holds_is_named_in_one_case_of_20():
    rng, players = np.random.default_rng(6), np.repeat(np.arange(200), 5)
    named = {"held": 0, "promised too much": 0, "hardly ever": 0}
    for _ in range(200):
        p = np.repeat(rng.choice([0.05, 0.9], 200), 5)
        y = (rng.random(1000) < p).astype(float)
        named["held"] += differs(y, p, players)
        named["promised too much"] += differs(y, np.where(p > 0.5, 0.99, p), players)
        named["hardly ever"] += differs((rng.random(1000) < 0.001).astype(float), np.full(1000, 0.001), players)
    assert 2 <= named["held"] <= 20
    assert named["promised too much"] == 200  # by 0.045 on average, where the share's own interval reaches 0.06
    assert named["hardly ever"] <= 20


def test_bins_hold_equal_mass_when_probabilities_differ():
    p = np.random.default_rng(2).random(1003)
    assert set(np.bincount(equal_mass_bins(p, 10))) == {100, 101}


@given(st.lists(st.sampled_from([0.1, 0.3, 0.5, 0.9]), min_size=1, max_size=60), st.randoms())
@settings(max_examples=60, deadline=None)
def test_calibration_error_does_not_depend_on_the_order_of_rows(values, random):
    p = np.array(values)
    y = (np.arange(len(p)) % 3 == 0).astype(float)
    order = np.array(random.sample(range(len(p)), len(p)))
    assert calibration_error(y[order], p[order]) == pytest.approx(calibration_error(y, p))


def test_calibration_error_of_a_constant_shift_is_the_shift():
    p = np.repeat(np.linspace(0.1, 0.8, 10), 1000)
    y = np.concatenate([np.arange(1000) < round(1000 * (q + 0.1)) for q in np.linspace(0.1, 0.8, 10)]).astype(float)
    assert calibration_error(y, p) == pytest.approx(0.1, abs=0.001)


def test_floor_is_what_a_perfect_forecaster_shows_and_shrinks_with_rows():
    errors = [calibration_error(*forecasts(2000, seed)) for seed in range(60)]
    assert calibration_floor(forecasts(2000)[1]) == pytest.approx(np.mean(errors), rel=0.1)
    assert calibration_floor(forecasts(32_000)[1]) == pytest.approx(np.mean(errors) / 4, rel=0.15)


def test_floor_is_the_same_again_with_the_same_seed():
    p = forecasts()[1]
    assert calibration_floor(p, seed=3) == calibration_floor(p, seed=3) != calibration_floor(p, seed=4)


def promises_kept_together(seed: int):
    """Players with eight promises each, all of one chance, which they mostly keep or break together."""
    rng = np.random.default_rng(seed)
    players = np.repeat(np.arange(150), 8)
    chance, luck = rng.beta(2, 3, 150)[players], rng.random(150)[players]
    alone = rng.random(len(players)) < 0.3
    return (np.where(alone, rng.random(len(players)), luck) < chance).astype(float), chance, players


def test_clustered_floor_is_what_a_perfect_forecaster_shows_where_a_players_outcomes_go_together():
    drawn = [promises_kept_together(seed) for seed in range(60)]
    shown = np.mean([calibration_error(y, p) for y, p, _ in drawn])
    told = [clustered_floor(y, p, players) for y, p, players in drawn]
    alone = np.mean([calibration_floor(p) for _, p, _ in drawn])
    assert np.mean(told) == pytest.approx(shown, rel=0.15)
    assert alone < 0.6 * shown


def test_clustered_floor_of_rows_that_stand_alone_is_that_of_independent_rows_and_no_wider_for_a_bias():
    y, p = forecasts()
    assert clustered_floor(y, p, np.arange(len(y))) == pytest.approx(calibration_floor(p), rel=0.1)
    assert clustered_floor(y, p - 0.1, np.arange(len(y))) == pytest.approx(clustered_floor(y, p, np.arange(len(y))))
    assert np.isnan(clustered_floor(y, p, np.zeros(len(y), dtype=int)))


def test_clustered_interval_covers_the_truth_where_players_differ():
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        players = np.repeat(np.arange(60), rng.integers(1, 30, 60))
        values = rng.normal(0, 1, 60)[players] + rng.normal(0, 0.3, len(players))
        low, high = clustered_interval(values, players, draws=400, seed=seed)
        covered += low <= 0 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_clustered_interval_is_wider_than_one_that_takes_rows_for_independent():
    rng = np.random.default_rng(5)
    players = np.repeat(np.arange(50), 40)
    values = rng.normal(0, 1, 50)[players]
    low, high = clustered_interval(values, players)
    alone_low, alone_high = clustered_interval(values, np.arange(len(values)))
    assert high - low > 4 * (alone_high - alone_low)


def test_one_player_alone_tells_nothing():
    assert clustered_interval(np.ones(10), np.zeros(10, dtype=int)) == (float("-inf"), float("inf"))


def test_many_clusters_give_the_same_interval_as_the_bootstrap(monkeypatch):
    rng = np.random.default_rng(6)
    players = rng.integers(0, 3000, 9000)
    values = log_losses(*forecasts(9000)) * (1 + players / 3000)
    drawn = clustered_interval(values, players)
    monkeypatch.setattr("models.contest.scores._MANY_CLUSTERS", 100)
    limit = clustered_interval(values, players)
    assert limit == pytest.approx(drawn, abs=0.1 * (drawn[1] - drawn[0]))


def test_share_interval_has_width_at_nought_and_counts_players_not_rows():
    y, players = np.zeros(400), np.repeat(np.arange(4), 100)
    assert share_interval(y)[1] < 0.02
    assert share_interval(y, players)[1] > 0.4
    assert share_interval(np.array([])) == (0.0, 1.0)


def test_share_interval_widens_when_players_agree_with_themselves():
    y, players = np.tile([0.0, 0.0, 1.0, 1.0], 50), np.tile([1, 2, 3, 4], 50)
    alone, clustered = share_interval(y), share_interval(y, players)
    assert clustered[1] - clustered[0] > 3 * (alone[1] - alone[0])


def test_reliability_table_accounts_for_every_row_and_agrees_with_the_error():
    y, p = forecasts()
    table = reliability_table(y, p, np.arange(len(y)) // 5)
    assert table["n"].sum() == len(y)
    assert table["promised"].is_sorted()
    gap = (pl.col("promised") - pl.col("kept")).abs() * pl.col("n")
    assert table.select(gap.sum() / pl.col("n").sum()).item() == pytest.approx(calibration_error(y, p))
    assert table.filter((pl.col("low") > pl.col("kept")) | (pl.col("kept") > pl.col("high"))).is_empty()


def test_half_a_million_rows_are_scored_in_seconds_of_cpu():
    y, p = forecasts(500_000)
    players = np.random.default_rng(0).integers(0, 20_000, len(y))
    started = time.process_time()
    calibration_floor(p)
    clustered_interval(log_losses(y, p), players)
    reliability_table(y, p, players)
    assert time.process_time() - started < 60  # of this process: what else the machine does not count
