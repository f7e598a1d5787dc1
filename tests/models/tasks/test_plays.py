"""Who plays: learners that know habits, promise what happens, and survive a trip through files."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from models.contest.scores import calibration_error, log_loss
from models.learned import LearnedModel
from models.learner import Sheet
from models.learners import learner_of
from models.portable import load_model, save_model
from models.task import Encoding
from models.tasks.plays import FEATURES, Plays, plays_matrix
from tests.models.rows import play_rows


def plays(learner: str = "logistic", windows: tuple[int, ...] = (1,)) -> LearnedModel:
    return LearnedModel(Plays(), Encoding(windows), learner_of(learner)())


def habit(rows: pl.DataFrame) -> NDArray[np.float64]:
    return learner_of("habit")().predict(Sheet(rows, pl.DataFrame(), rows["window_days"].to_numpy()))


@pytest.mark.parametrize("kind", ["habit", "logistic", "lightgbm"])
def test_each_learner_beats_the_base_rate_and_is_calibrated(kind: str) -> None:
    model = plays(kind).fit(play_rows(6000)).calibrate(play_rows(3000, seed=1))
    test = play_rows(6000, seed=2)
    y, p = test["played"].to_numpy().astype(float), model.predict(test)
    assert log_loss(y, p) < log_loss(y, np.full(len(y), y.mean())) - 0.02
    assert calibration_error(y, p) < 0.03


@pytest.mark.parametrize("kind", ["habit", "logistic", "lightgbm"])
def test_a_model_read_back_from_files_promises_the_same(kind: str, tmp_path: Path) -> None:
    model = plays(kind, (1, 7)).fit(pl.concat([play_rows(2000), play_rows(2000, window=7)]))
    model.calibrate(play_rows(1000, seed=1))
    save_model(tmp_path / "plays", model)
    rows = play_rows(500, seed=3)
    assert np.array_equal(load_model(tmp_path / "plays").predict(rows), model.predict(rows))


@pytest.mark.parametrize("there", [1, 28])
@pytest.mark.parametrize("window", [1, 7, 28])
def test_habit_is_no_surer_of_a_long_window_than_a_few_days_of_play_allow(there: int, window: int) -> None:
    rng, n = np.random.default_rng(11), 20_000
    chance = rng.beta(0.5, 4.5, n)
    played = rng.random(n) < 1 - (1 - chance) ** window
    rows = pl.DataFrame({"active_days_28": rng.binomial(there, chance)}).with_columns(
        tenure_days=there, window_days=pl.lit(window, pl.Int32), ended=0.0
    )
    promised = habit(rows)
    for days in range(min(there, 3) + 1):
        of_these = (rows["active_days_28"] == days).to_numpy()
        assert promised[of_these].mean() == pytest.approx(played[of_these].mean(), abs=0.03)


def test_the_label_and_the_player_are_not_among_the_features() -> None:
    assert not {"played", "player_key", "base_day"} & set(FEATURES)
    rows = play_rows(200)
    assert plays_matrix(rows).equals(plays_matrix(rows.with_columns(~pl.col("played"), pl.col("player_key") * 7)))


def test_a_longer_window_is_likelier_to_see_play() -> None:
    model = plays(windows=(1, 7)).fit(pl.concat([play_rows(4000), play_rows(4000, window=7)]))
    rows = play_rows(500, seed=5)
    longer = rows.with_columns(window_days=pl.lit(7, dtype=pl.Int32))
    assert model.predict(longer).mean() > model.predict(rows).mean() + 0.2


def test_who_has_come_to_the_end_is_promised_no_play_however_lively_they_were() -> None:
    ended = (np.arange(4000) % 2).astype(float)
    rows = play_rows(4000).with_columns(ended=pl.Series(ended), played=pl.col("played") & pl.Series(ended == 0))
    asked = play_rows(400, seed=4).with_columns(ended=pl.lit(1.0))
    assert plays().fit(rows).predict(asked).max() < 0.05
    assert habit(asked).max() < 0.05


def test_newer_outcomes_move_a_copy_and_leave_the_champion_alone() -> None:
    model = plays().fit(play_rows(4000))
    rows = play_rows(4000, seed=6)
    before = model.predict(rows)
    one = np.ones(len(before))
    tuned = model.adjusted(rows, 0 * one, before, weights=one, strength=6.0)
    assert tuned.predict(rows).mean() < before.mean() / 2
    assert np.array_equal(model.predict(rows), before)


@pytest.mark.parametrize(("kind", "surer"), [("habit", True), ("logistic", False)])
def test_outcomes_that_a_learner_was_fitted_on_make_it_no_surer(kind: str, surer: bool) -> None:
    model = plays(kind).fit(play_rows(1000))
    rows = play_rows(4000, seed=6)
    p = model.predict(rows)
    extreme = (p > np.median(p)).astype(float)
    tuned = model.adjusted(rows, extreme, p, weights=np.ones(len(p)), strength=6.0)
    assert (tuned.adjustment.slope > 1) == surer


def test_a_model_fitted_on_other_inputs_says_so_when_it_is_read_back(tmp_path: Path) -> None:
    model = plays().fit(play_rows(2000))
    model.to_files(tmp_path)
    assert not LearnedModel.from_files(tmp_path).outdated
    told = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps(told | {"features": told["features"][1:]}))
    assert LearnedModel.from_files(tmp_path).outdated


def monthly(n: int, *, seed: int = 0) -> pl.DataFrame:
    """Players who come back every four weeks, give or take two days, seen at any day of their pause."""
    rng = np.random.default_rng(seed)
    pause, recency, came = rng.integers(26, 31, n), rng.integers(1, 26, n), rng.integers(2, 6, n)
    none = {f"active_days_{k}": np.zeros(n) for k in (1, 3, 7, 14, 28)}
    return play_rows(n, seed=seed, window=14).with_columns(
        **{name: pl.Series(values) for name, values in none.items()},
        recency_days=pl.Series(recency.astype(float)),
        active_days_life=pl.Series(came.astype(float)),
        tenure_days=pl.Series(recency + 28.0 * (came - 1)),
        gap_mean_28=pl.lit(None, dtype=pl.Float64),
        played=pl.Series(pause < recency + 14),
    )


def test_the_usual_pause_is_that_of_the_whole_record_and_of_a_newcomer_the_pause_so_far() -> None:
    first = pl.int_range(pl.len()) < 100
    rows = monthly(200).with_columns(active_days_life=pl.when(first).then(1.0).otherwise("active_days_life"))
    told = plays_matrix(rows)
    usual = told["log_usual"].exp().to_numpy()
    assert usual[100:] == pytest.approx(np.full(100, 28.0))
    assert usual[:100] == pytest.approx(rows["recency_days"].to_numpy()[:100])


@pytest.mark.parametrize("kind", ["logistic", "lightgbm"])
def test_who_comes_once_a_month_is_expected_when_the_month_is_over_and_not_before(kind: str) -> None:
    model = plays(kind, (14,)).fit(monthly(4000))
    later = monthly(1000, seed=1)
    p, due = model.predict(later), later["recency_days"].to_numpy() > 17
    early = later["recency_days"].to_numpy() < 10
    assert p[due].mean() > 0.8
    assert p[early].mean() < 0.1


def test_the_level_of_days_that_a_learner_was_fitted_on_is_not_taken_for_that_of_the_days_to_come() -> None:
    model, rows = plays().fit(play_rows(2000)), play_rows(2000, seed=4)
    before = model.predict(rows)
    nobody = rows.with_columns(played=pl.lit(value=False))
    assert np.array_equal(model.calibrate(nobody, seen=True).predict(rows), before)
    assert model.calibrate(nobody).predict(rows).mean() > before.mean() / 2  # one stretch of days tells little
