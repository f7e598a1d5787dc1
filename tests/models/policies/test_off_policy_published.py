"""A published figure, met: the worth of a state of blackjack in Sutton and Barto, from games played otherwise."""

import numpy as np
import pytest

from models.policies.off_policy import Choices, ips, snips

# Sutton and Barto 2018, Reinforcement Learning, Example 5.4: the dealer shows a two and the player holds 13 with an
# ace that may count as 11. Whoever sticks on 20 and 21 alone loses 0.27726 a game on average.
PUBLISHED = -0.27726
GAMES = 200_000


def play(rng: np.random.Generator, games: int) -> tuple[np.ndarray, np.ndarray]:
    """What even chances to hit or stick bring from the state, with how often the book's player would do the same."""
    total, usable = np.full(games, 13), np.ones(games, dtype=bool)
    open_, ratio = np.ones(games, dtype=bool), np.ones(games)
    while open_.any():
        hits = rng.random(games) < 0.5
        ratio = np.where(open_, np.where(hits == (total < 20), 2 * ratio, 0.0), ratio)
        drawn = np.minimum(rng.integers(1, 14, games), 10)
        total, usable = draw(total, usable, drawn, open_ & hits)
        open_ &= hits & (total <= 21)
    dealer, theirs = np.full(games, 2), np.zeros(games, dtype=bool)
    while (on := (dealer < 17) & (total <= 21)).any():
        dealer, theirs = draw(dealer, theirs, np.minimum(rng.integers(1, 14, games), 10), on)
    stands = np.where(dealer > 21, 0, dealer)
    return np.where(total > 21, -1.0, np.sign(total - stands)), ratio


def draw(total: np.ndarray, usable: np.ndarray, card: np.ndarray, who: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A card more for some; an ace counts as 11 where that fits, and as 1 again where it would be too much."""
    eleven = (card == 1) & (total + 11 <= 21)
    total, usable = np.where(who, total + card + 10 * eleven, total), usable | (who & eleven)
    back = usable & (total > 21)
    return total - 10 * back, usable & ~back


def test_blackjack_is_worth_what_the_book_says_from_games_played_by_even_chances():
    reward, ratio = play(np.random.default_rng(5), GAMES)
    # A game is one choice: the chance of all that was done in it, of which the book's player would do as much more.
    made = Choices(reward, np.full(GAMES, 1 / ratio.max()), np.arange(GAMES))
    would = ratio / ratio.max()
    for told in (ips(made, would), snips(made, would)):
        low, high = told.interval(0.999)
        assert low < PUBLISHED < high
        assert told.se < 0.012
    assert reward.mean() == pytest.approx(-0.35, abs=0.15)  # whoever played so, did otherwise


def test_who_normalises_is_the_surer_after_few_games_as_the_book_shows():
    """Figure 5.3: over the first ten games weighted importance sampling errs far less than ordinary."""
    reward, ratio = play(np.random.default_rng(6), 10 * 2_000)
    errors: dict[str, list[float]] = {"ips": [], "snips": []}
    for first in range(0, len(reward), 10):
        of_ten = slice(first, first + 10)
        if not ratio[of_ten].any():
            continue
        made = Choices(reward[of_ten], np.full(10, 1 / ratio.max()), np.arange(10))
        for name, estimate in (("ips", ips), ("snips", snips)):
            errors[name].append((estimate(made, ratio[of_ten] / ratio.max()).mean - PUBLISHED) ** 2)
    assert np.mean(errors["snips"]) < 0.6 * np.mean(errors["ips"])
