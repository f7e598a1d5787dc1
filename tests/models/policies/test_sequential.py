"""Rules of the statistics, and their error rates by simulation: made-up experiments, looked at after every night."""

import datetime as dt
from functools import cache

import numpy as np
import polars as pl
import pytest
from scipy.stats import chisquare, norm

from models.policies.sequential import (
    ALPHA,
    FEWEST_PLAYERS,
    always_valid_reach,
    clustered_mean,
    difference,
    log_evidence,
    look_by_look,
    sample_ratio,
)

START = dt.date(2024, 1, 1)
NIGHTS = 40


def panel(rng, players=600, effect=0.0, spread=1.0, chance=lambda _night: 0.5) -> pl.DataFrame:
    """Players who differ, come in one after another, play unevenly and keep their arm while the chances stay."""
    usual = 1 / (1 + np.exp(0.85 - rng.normal(0, spread, players)))
    entry, active, place = rng.integers(0, NIGHTS, players), rng.beta(0.5, 1.5, players), rng.random(players)
    nights = []
    for night in range(NIGHTS):
        chosen = place < chance(night)
        weight = 1 / np.where(chosen, chance(night), 1 - chance(night))
        shown = 3 * ((entry <= night) & (rng.random(players) < active))
        kept = rng.binomial(shown, np.clip(usual + effect * chosen, 0, 1))
        rows = {"arm": np.where(chosen, "b", "a"), "player_key": np.arange(players), "total": kept * weight}
        frame = pl.DataFrame({**rows, "weight": shown * weight}).filter(pl.col("weight") > 0)
        nights.append(frame.with_columns(known_on=pl.lit(START + dt.timedelta(days=night))))
    return pl.concat(nights)


@cache
def looked_at(name: str, experiments: int) -> tuple[float, float, float]:
    """Shares of experiments in which a difference is found: always valid, peeking at p < 0.05, and at the end only."""
    kinds = {
        "same": {},
        "same, chances that move": {"chance": lambda night: 0.5 + 0.4 * np.sin(night / 7)},
        "same, players who hardly differ": {"spread": 0.1},
        "better": {"players": 2000, "effect": 0.06},
    }
    always = peeked = ended = 0
    for seed in range(experiments):
        looks = look_by_look(panel(np.random.default_rng(seed), **kinds[name]), "a", "b", scale=0.05)
        wrong = ((looks["low"] > 0) | (looks["high"] < 0)).to_list()
        always += ((looks["always_low"] > 0) | (looks["always_high"] < 0)).any()
        peeked += any(wrong)
        ended += wrong[-1]
    return always / experiments, peeked / experiments, ended / experiments


@pytest.mark.parametrize("name", ["same", "same, chances that move", "same, players who hardly differ"])
def test_looking_every_night_finds_no_difference_that_is_not_there(name):
    always, peeked, _ = looked_at(name, 60)
    assert always <= ALPHA
    assert peeked > ALPHA  # what a fixed interval would have done


def test_a_real_difference_is_found_in_most_experiments():
    always, _, ended = looked_at("better", 25)
    assert always >= 0.6
    assert ended >= always


def test_the_always_valid_interval_ends_where_the_evidence_reaches_one_over_alpha():
    for se in (0.002, 0.02, 0.4):
        reach = always_valid_reach(se, 0.05, 0.01)
        assert log_evidence(reach, se, 0.05) == pytest.approx(np.log(100))
        assert reach > norm.ppf(0.995) * se


def test_the_evidence_is_the_likelihood_ratio_mixed_over_the_effects():
    estimate, se, scale = 0.031, 0.012, 0.05
    effects = np.linspace(-1, 1, 400_001)
    mixed = norm.pdf(estimate, effects, se) * norm.pdf(effects, 0, scale)
    ratio = mixed.sum() * (effects[1] - effects[0]) / norm.pdf(estimate, 0, se)
    assert log_evidence(estimate, se, scale) == pytest.approx(np.log(ratio))


def test_the_smallest_p_stays_and_too_few_players_are_not_judged():
    rows = panel(np.random.default_rng(5), players=400, effect=0.1)
    looks = look_by_look(rows, "a", "b", scale=0.05)
    assert looks["p"].to_list() == sorted(looks["p"], reverse=True)
    assert looks["known_on"].min() > START
    few = rows.filter(pl.col("player_key") < FEWEST_PLAYERS)
    assert look_by_look(few, "a", "b", scale=0.05).is_empty()
    assert look_by_look(rows.clear(), "a", "b", scale=0.05).is_empty()


def test_the_last_look_is_the_difference_of_the_clustered_means():
    rows = panel(np.random.default_rng(6), players=800, chance=lambda night: 0.3 + night / 100)
    last = look_by_look(rows, "a", "b", scale=0.05).row(-1, named=True)
    sums = {arm: rows.filter(arm=arm).group_by("player_key").agg(pl.col("total", "weight").sum()) for arm in "ab"}
    means = {a: clustered_mean(f["total"].to_numpy(), f["weight"].to_numpy(), share=True).mean for a, f in sums.items()}
    assert last["difference"] == pytest.approx(means["b"] - means["a"])


def test_a_player_in_both_arms_is_one_player():
    rng = np.random.default_rng(7)
    mood = rng.random(500)
    ones = np.ones(500)
    _, together = difference((mood, ones), (mood, ones))
    _, apart = difference(
        (np.r_[mood, 0 * ones], np.r_[ones, 0 * ones]), (np.r_[0 * ones, mood], np.r_[0 * ones, ones])
    )
    assert together == pytest.approx(0, abs=1e-12)
    assert apart > 0.01


def test_rows_of_one_player_do_not_narrow_the_interval():
    rng = np.random.default_rng(8)
    kept = rng.binomial(1, 0.4, 300).astype(float)
    once = clustered_mean(kept, np.ones(300), share=True)
    often = clustered_mean(kept * 10, np.full(300, 10.0), share=True)
    assert (often.mean, often.low, often.high) == pytest.approx((once.mean, once.low, once.high))


def test_inverse_propensities_undo_that_an_arm_was_favoured_on_good_days():
    kept = np.r_[np.full(900, 0.8), np.full(100, 0.2)]  # 90 % of a good day, 10 % of a bad one
    weight = np.r_[np.full(900, 1 / 0.9), np.full(100, 1 / 0.1)]
    assert clustered_mean(kept, np.ones(1000), share=False).mean == pytest.approx(0.74)
    assert clustered_mean(kept * weight, weight, share=False).mean == pytest.approx(0.5)


def test_the_interval_of_a_mean_covers_it_as_often_as_it_says():
    covered = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        shown = rng.integers(1, 20, 300).astype(float)
        kept = rng.binomial(shown.astype(int), rng.beta(1, 3, 300))
        found = clustered_mean(kept.astype(float), shown, share=True)
        covered += found.low <= 0.25 <= found.high
    assert covered / 400 == pytest.approx(0.95, abs=0.03)


def test_an_arm_that_nobody_saw_has_no_mean_and_all_kept_has_an_honest_interval():
    nobody = clustered_mean(np.zeros(5), np.zeros(5), share=True)
    assert nobody.players == 0
    assert np.isnan(nobody.mean)
    everyone = clustered_mean(np.ones(20), np.ones(20), share=True)
    assert (everyone.mean, everyone.high) == (1.0, 1.0)
    assert 0.8 < everyone.low < 0.9


def counted(*nights: dict[str, tuple[float, int]]) -> pl.DataFrame:
    rows = [(i, arm, chance, n) for i, night in enumerate(nights) for arm, (chance, n) in night.items()]
    return pl.DataFrame(rows, ["night", "arm", "propensity", "players"], orient="row")


def test_with_one_set_of_weights_the_ratio_is_pearsons_chi_square():
    ratio = sample_ratio(counted({"a": (0.5, 520), "b": (0.3, 290), "c": (0.2, 190)}))
    assert ratio.p == pytest.approx(chisquare([520, 290, 190], [500, 300, 200]).pvalue)
    assert ratio.expected == {"a": 500, "b": 300, "c": 200}
    assert ratio.sound


def test_players_that_are_missing_from_an_arm_are_noticed_over_nights_of_different_weights():
    fine = sample_ratio(counted({"a": (0.5, 1010), "b": (0.5, 990)}, {"a": (0.9, 1805), "b": (0.1, 195)}))
    lost = sample_ratio(counted({"a": (0.5, 1010), "b": (0.5, 890)}, {"a": (0.9, 1805), "b": (0.1, 150)}))
    assert fine.sound
    assert fine.counts == {"a": 2815, "b": 1185}
    assert not lost.sound


def test_the_ratio_is_refused_about_as_seldom_as_it_says():
    rng, refused = np.random.default_rng(9), 0
    for _ in range(1000):
        nights = [(c, rng.multinomial(500, [c, 1 - c])) for c in (0.5, 0.2, 0.8)]
        refused += sample_ratio(counted(*({"a": (c, n[0]), "b": (1 - c, n[1])} for c, n in nights))).p < 0.05
    assert refused / 1000 == pytest.approx(0.05, abs=0.02)


def test_no_players_are_no_fault():
    assert sample_ratio(counted({"a": (0.5, 0), "b": (0.5, 0)})).p == 1
