"""What another way to choose brings: worked by hand, known in closed form, and right in simulated logs."""

import numpy as np
import pytest

from models.policies.off_policy import Choices, doubly_robust, effective, ips, snips, snips_clipped

# Four contexts of one thing each, worked by hand below.
REWARD = np.array([1.0, 0.0, 2.0, 1.0])
CHANCE = np.array([0.5, 0.25, 0.25, 0.5])
WOULD = np.array([0.25, 0.5, 1.0, 0.0])  # weights 0.5, 2, 4, 0
PLAYERS = np.arange(4)


def log(rng, players=250, per_player=4, things=3):
    """Choices by a known policy among things whose reward differs by thing and player; and what is true of them."""
    n = players * per_player
    who = np.repeat(np.arange(players), per_player)
    strength = rng.normal(0, 0.5, players)[who]
    base = np.array([-0.5, 0.0, 0.8])[:things]
    p_true = 1 / (1 + np.exp(-(base[None, :] + strength[:, None])))
    taste = rng.dirichlet(np.array([3.0, 2.0, 2.0]), n)
    behave = 0.85 * taste + 0.05
    would = np.zeros((n, things))
    would[:, 2], would[:, 0] = 0.8, 0.2
    chosen = (behave.cumsum(axis=1) > rng.random(n)[:, None]).argmax(axis=1)
    at = (np.arange(n), chosen)
    reward = (rng.random(n) < p_true[at]).astype(float)
    foretold = np.clip(p_true + np.array([0.1, -0.1, 0.05]), 0, 1)  # a model that is wrong
    choices = Choices(reward, behave[at], who, foretold[at])
    return choices, would[at], (would * foretold).sum(axis=1)


def value() -> float:
    """The other way's worth in `log`, by quadrature over the players' strength."""
    z, w = np.polynomial.hermite_e.hermegauss(60)
    p = [float((w / w.sum()) @ (1 / (1 + np.exp(-(b + 0.5 * z))))) for b in (-0.5, 0.8)]
    return 0.2 * p[0] + 0.8 * p[1]


def test_estimates_are_what_their_formulas_give_by_hand():
    made = Choices(REWARD, CHANCE, PLAYERS, foretold=np.array([0.5, 0.5, 1.0, 1.0]))
    assert ips(made, WOULD).mean == pytest.approx((0.5 * 1 + 4 * 2) / 4)
    assert snips(made, WOULD).mean == pytest.approx(8.5 / 6.5)
    assert snips_clipped(made, WOULD, 2.0).mean == pytest.approx((0.5 + 2 * 2) / (0.5 + 2 + 2))
    expected = np.array([0.5, 0.6, 0.9, 1.0])
    told = doubly_robust(made, WOULD, expected)
    assert told.mean == pytest.approx((3.0 + 0.5 * 0.5 - 2 * 0.5 + 4 * 1.0) / 4)
    assert effective(made, WOULD) == pytest.approx(6.5**2 / (0.25 + 4 + 16))
    assert ips(made, WOULD).se == pytest.approx(np.std([0.5, 0, 8, 0], ddof=1) / 2)
    # A ratio's error: of the residuals w (r - mean), over the sum of the weights.
    residuals = np.array([0.5, 2, 4, 0]) * (REWARD - 8.5 / 6.5)
    assert snips(made, WOULD).se == pytest.approx(np.sqrt((residuals**2).sum() * 4 / 3) / 6.5)


def test_the_way_that_chose_is_told_by_the_mean_of_what_came_of_it():
    made = Choices(REWARD, CHANCE, PLAYERS, foretold=np.full(4, 0.7))
    for told in (ips(made, CHANCE), snips(made, CHANCE), snips_clipped(made, CHANCE)):
        assert told.mean == pytest.approx(REWARD.mean())
    assert doubly_robust(made, CHANCE, np.full(4, 0.7)).mean == pytest.approx(REWARD.mean())
    assert effective(made, CHANCE) == pytest.approx(4)


def test_more_for_everybody_moves_the_self_normalised_and_the_robust_by_as_much_and_ips_by_the_weights():
    """Equivariance, the property for which Swaminathan and Joachims (2015, section 4) normalise."""
    made, more = Choices(REWARD, CHANCE, PLAYERS, REWARD * 0), Choices(REWARD + 10, CHANCE, PLAYERS, REWARD * 0 + 10)
    assert snips(more, WOULD).mean - snips(made, WOULD).mean == pytest.approx(10)
    zero = np.zeros(4)
    assert doubly_robust(more, WOULD, zero + 10).mean - doubly_robust(made, WOULD, zero).mean == pytest.approx(10)
    assert ips(more, WOULD).mean - ips(made, WOULD).mean == pytest.approx(10 * 6.5 / 4)


def test_rows_of_one_player_tell_as_much_as_one_row():
    once = Choices(REWARD, CHANCE, PLAYERS, REWARD)
    often = Choices(*(np.tile(part, 25) for part in (REWARD, CHANCE, PLAYERS, REWARD)))
    for way in (ips, snips, snips_clipped):
        assert way(often, np.tile(WOULD, 25)).se == pytest.approx(way(once, WOULD).se)


def test_intervals_hold_the_truth_as_often_as_they_say_and_the_robust_is_the_surest():
    truth, draws = value(), 300
    held, errors = dict.fromkeys(("ips", "snips", "dr"), 0), {name: [] for name in ("ips", "snips", "dr")}
    told_se = {name: [] for name in errors}
    for seed in range(draws):
        made, would, expected = log(np.random.default_rng(seed))
        for name, one in (
            ("ips", ips(made, would)),
            ("snips", snips(made, would)),
            ("dr", doubly_robust(made, would, expected)),
        ):
            low, high = one.interval()
            held[name] += low <= truth <= high
            errors[name].append(one.mean - truth)
            told_se[name].append(one.se)
    for name, count in held.items():
        assert 0.92 <= count / draws <= 0.98, name
        assert abs(np.mean(errors[name])) < 3.5 * np.std(errors[name]) / np.sqrt(draws), name
        assert np.mean(told_se[name]) == pytest.approx(np.std(errors[name]), rel=0.12), name
    assert np.std(errors["dr"]) < np.std(errors["ips"])


def test_ips_varies_as_its_variance_says():
    """One thing of two, chance e, always chosen by the other way, reward 1: Var(IPS) = (1 / e - 1) / n."""
    e, n, rng = 0.2, 4_000, np.random.default_rng(3)
    chosen = rng.random(n) < e
    made = Choices(np.ones(n), np.where(chosen, e, 1 - e), np.arange(n))
    assert ips(made, chosen.astype(float)).se == pytest.approx(np.sqrt((1 / e - 1) / n), rel=0.05)
    assert snips(made, chosen.astype(float)).se == 0  # every reward is 1, and so is what lies among them


def test_a_difference_told_from_the_same_choices_is_surer_than_either():
    made, would, _ = log(np.random.default_rng(1))
    near = 0.9 * would + 0.1 * made.chance
    one, other = snips(made, would), snips(made, near)
    assert one.less(other).se < 0.5 * one.se
    assert one.less(other).mean == pytest.approx(one.mean - other.mean)
    assert one.less(one).se == 0


def test_what_cannot_be_is_refused_and_what_would_never_be_chosen_is_unknown():
    with pytest.raises(ValueError, match="above 0"):
        Choices(REWARD, np.zeros(4), PLAYERS)
    with pytest.raises(ValueError, match="expected"):
        doubly_robust(Choices(REWARD, CHANCE, PLAYERS), WOULD, WOULD)
    made = Choices(REWARD, CHANCE, PLAYERS)
    assert np.isnan(snips(made, np.zeros(4)).mean)
    assert effective(made, np.zeros(4)) == 0
    none = Choices(*(np.zeros(0),) * 2, np.zeros(0, dtype=int))
    assert np.isnan(ips(none, np.zeros(0)).mean)
