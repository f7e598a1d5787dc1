import numpy as np
import pytest

from models.policies.bandit import FLOOR, Result, arm_propensities, effective_rows


def drawn(*posteriors) -> list[float]:
    """How often each arm has the highest of many draws."""
    best = np.argmax(np.stack(posteriors), axis=0)
    return [float((best == i).mean()) for i in range(len(posteriors))]


def test_propensities_are_the_chances_that_draws_from_the_posteriors_give():
    rng, n = np.random.default_rng(1), 400_000
    known = {"a": Result(0.30, 200), "b": Result(0.34, 150), "c": Result(0.25, 40)}
    expected = drawn(*(rng.beta(1 + r.rows * r.mean, 1 + r.rows * (1 - r.mean), n) for r in known.values()))
    found = arm_propensities(known, floor=0)
    assert list(found.values()) == pytest.approx(expected, abs=0.004)
    assert sum(found.values()) == pytest.approx(1)


def test_ratings_follow_the_normal_gamma_posterior():
    rng, n = np.random.default_rng(2), 400_000

    def means(rows: int, mean: float, spread: float):
        worth, shape = 1 + rows, 1 + rows / 2
        rate = 1 + rows * spread / 2 + rows * (mean - 3) ** 2 / (2 * worth)
        precision = rng.gamma(shape, 1 / rate, n)
        return rng.normal((3 + rows * mean) / worth, 1 / np.sqrt(worth * precision))

    expected = drawn(means(30, 3.8, 1.2), means(20, 4.1, 0.8), means(0, 0.0, 0.0))
    known = {"a": Result(3.8, 30, 1.2), "b": Result(4.1, 20, 0.8), "new": Result(float("nan"), 0)}
    assert list(arm_propensities(known, rating=True, floor=0).values()) == pytest.approx(expected, abs=0.004)


def test_without_results_every_arm_has_the_same_chance():
    nothing = Result(float("nan"), 0)
    for rating in (False, True):
        found = arm_propensities({"a": nothing, "b": nothing, "c": nothing}, rating=rating)
        assert list(found.values()) == pytest.approx([1 / 3] * 3)


def test_a_hopeless_arm_keeps_the_floor_and_the_sum_stays_one():
    found = arm_propensities({"good": Result(0.6, 1e6), "bad": Result(0.1, 1e6), "worse": Result(0.0, 1e6)})
    assert found["bad"] == pytest.approx(FLOOR)
    assert found["worse"] == pytest.approx(FLOOR)
    assert sum(found.values()) == pytest.approx(1)


def test_more_arms_than_the_floor_has_room_for_are_refused():
    with pytest.raises(ValueError, match="21 arms"):
        arm_propensities({str(i): Result(0.5, 1) for i in range(21)})


def test_the_same_results_give_the_same_chances():
    known = {"a": Result(0.31, 900), "b": Result(0.33, 850)}
    assert arm_propensities(known) == arm_propensities(known)


def test_clustered_rows_count_for_as_many_as_their_error_allows():
    assert effective_rows(0.5, 0.05, 1000, spread=0.25) == pytest.approx(100)
    assert effective_rows(1.0, 0.0, 40, spread=0.0) == 40


def test_the_better_arm_is_found_and_gets_most_of_the_players():
    shares, rng = [], np.random.default_rng(3)
    for _ in range(25):
        kept, shown, truth = np.zeros(2), np.zeros(2), np.array([0.30, 0.36])
        chance = np.array([0.5, 0.5])
        for _night in range(30):
            n = rng.multinomial(150, chance)
            kept += rng.binomial(n, truth)
            shown += n
            known = {str(i): Result(kept[i] / shown[i], shown[i]) for i in range(2)}
            chance = np.array(list(arm_propensities(known).values()))
        shares.append(chance[1])
    assert np.mean([share > 0.5 for share in shares]) >= 0.95
    assert np.mean(shares) > 0.85
