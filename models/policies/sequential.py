"""Comparing arms whose players repeat and whose chances may move, by intervals that hold however often one looks."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtri

Array = NDArray[np.float64]
ALPHA = 0.05
# Fewer players in an arm and the normal limit, which every interval here rests on, may not hold.
FEWEST_PLAYERS = 100
# A ratio this unlikely is a fault of assignment or logging, not chance (Fabijan et al. 2019, KDD, 2156).
RATIO_ALPHA = 0.001
LOOKS = {
    "known_on": pl.Date,
    "difference": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "always_low": pl.Float64,
    "always_high": pl.Float64,
    "p": pl.Float64,
}


@dataclass(frozen=True)
class Estimate:
    """A weighted mean over rows, its standard error by player, and its interval."""

    mean: float
    se: float
    low: float
    high: float
    players: int


@dataclass(frozen=True)
class Ratio:
    """Whether the arms have the players that their chances say.

    Attributes:
        p: Chance of counts as uneven as these, or more, when all is right; 1 without players.
        sound: Whether chance explains the counts.
    """

    counts: dict[str, int]
    expected: dict[str, float]
    p: float
    sound: bool


def clustered_mean(total: Array, weight: Array, *, share: bool, level: float = 1 - ALPHA) -> Estimate:
    """The mean sum(total) / sum(weight) with an interval that knows which rows are one player's.

    With weights 1 / propensity it is Hajek's estimator (1971, in Foundations of Statistical Inference, 236). Its
    standard error is that of a ratio of sums over players (Cochran 1977, Sampling Techniques, chapter 6).

    Args:
        total: Each player's weighted sum of outcomes, shape (players,).
        weight: Each player's sum of weights, shape (players,); players without any do not count.
        share: Outcomes are 0 or 1: Wilson's interval for as many independent rows as have this standard error.
        level: Coverage.

    Returns:
        All NaN without rows.
    """
    there = weight > 0
    total, weight = total[there], weight[there]
    if not len(weight):
        none = float("nan")
        return Estimate(none, none, none, none, 0)
    mean = float(total.sum() / weight.sum())
    se = _error((total - mean * weight) / weight.sum())
    z = float(ndtri((1 + level) / 2))
    if not share:
        return Estimate(mean, se, mean - z * se, mean + z * se, len(weight))
    spread = mean * (1 - mean)
    n = spread / se**2 if se > 0 and spread > 0 else float(len(weight))
    centre = (mean + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * np.sqrt(spread / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return Estimate(mean, se, float(max(0.0, centre - reach)), float(min(1.0, centre + reach)), len(weight))


def difference(first: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[float, float]:
    """Other arm's mean less the first one's, and its standard error, by player; a player may be in both.

    Args:
        first: Each player's weighted total and weight, shapes (players,); players in the same order in both arms.
        other: The same of the other arm.
    """
    (total_0, weight_0), (total_1, weight_1) = first, other
    mean_0, mean_1 = total_0.sum() / weight_0.sum(), total_1.sum() / weight_1.sum()
    influence = (total_1 - mean_1 * weight_1) / weight_1.sum() - (total_0 - mean_0 * weight_0) / weight_0.sum()
    return float(mean_1 - mean_0), _error(influence[(weight_0 > 0) | (weight_1 > 0)])


def log_evidence(estimate: float, se: float, scale: float) -> float:
    """Logarithm of the mixture likelihood ratio of a difference against none, with effects of N(0, scale^2) mixed.

    log L = -log(1 + I s^2) / 2 + z^2 I s^2 / (2 (1 + I s^2)) with z = estimate / se, s = scale and the information
    I = 1 / se^2 as time (Robbins 1970, Ann. Math. Stat. 41, 1397; Johari, Koomen, Pekelis and Walsh 2022, Operations
    Research 70, 1806). Without a difference it ever exceeds 1 / alpha with probability alpha at most, in the limit of
    many players (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, Ann. Statist. 52, 2613).
    """
    grown = (scale / se) ** 2
    return float(-np.log1p(grown) / 2 + (estimate / se) ** 2 * grown / (2 * (1 + grown)))


def always_valid_reach(se: float, scale: float, alpha: float = ALPHA) -> float:
    """Half the width of the interval that covers the difference at every look at once with probability 1 - alpha.

    The differences against which `log_evidence` stays below log(1 / alpha).
    """
    grown = (scale / se) ** 2
    return float(se * np.sqrt((2 * np.log(1 / alpha) + np.log1p(grown)) * (1 + grown) / grown))


def look_by_look(rows: pl.DataFrame, first: str, other: str, *, scale: float, alpha: float = ALPHA) -> pl.DataFrame:
    """The difference between two arms as it stood on each day on which an outcome became known.

    Days on which an arm had fewer than FEWEST_PLAYERS players are left out: there the intervals may not hold.

    Args:
        rows: arm, player_key, known_on, total (weighted sum of outcomes), weight.
        first: The arm compared with.
        other: The arm compared.
        scale: Standard deviation of the effects thought possible before the data.
        alpha: Chance, at most, that some day's always-valid interval misses the truth.

    Returns:
        LOOKS, by known_on: the difference; low and high, which hold for a single look planned ahead; always_low and
        always_high; p, the smallest always-valid p-value up to that day.
    """
    rows = rows.filter(pl.col("arm").is_in([first, other])).sort("known_on")
    found, place = np.unique(rows["player_key"].to_numpy(), return_inverse=True)
    place += (rows["arm"] == other).to_numpy() * len(found)
    days = rows["known_on"].to_numpy()
    ends = np.append(np.flatnonzero(days[1:] != days[:-1]) + 1, len(days)) if len(days) else np.array([], dtype=int)
    total, weight = rows["total"].to_numpy(), rows["weight"].to_numpy()
    sums, weights = np.zeros(2 * len(found)), np.zeros(2 * len(found))
    z, p, told, start = float(ndtri(1 - alpha / 2)), 1.0, [], 0
    for end in ends:
        now = slice(start, end)
        sums += np.bincount(place[now], total[now], len(sums))
        weights += np.bincount(place[now], weight[now], len(sums))
        start = end
        arms = [(sums[half], weights[half]) for half in (slice(len(found)), slice(len(found), None))]
        if min(int((arm[1] > 0).sum()) for arm in arms) < FEWEST_PLAYERS:
            continue
        estimate, se = difference(*arms)
        if se > 0:
            reach = always_valid_reach(se, scale, alpha)
            p = min(p, float(np.exp(-log_evidence(estimate, se, scale))))
            ends_of = (estimate - z * se, estimate + z * se, estimate - reach, estimate + reach)
            told.append((rows["known_on"][int(end) - 1], estimate, *ends_of, p))
    return pl.DataFrame(told, schema=LOOKS, orient="row")


def sample_ratio(counts: pl.DataFrame) -> Ratio:
    """Compare how many players each arm has with the logged chances: a chi-square test over nights of any weights.

    The statistic is (O - E)' V^-1 (O - E), with E and V the sums over nights of the multinomial's mean and covariance;
    with one set of weights it is Pearson's (1900, Phil. Mag. 50, 157).

    Args:
        counts: night (any label), arm, propensity, players: each player once; every arm of a night has a row.
    """
    arms = counts["arm"].unique(maintain_order=True).to_list()
    observed, expected, covariance = np.zeros(len(arms)), np.zeros(len(arms)), np.zeros((len(arms), len(arms)))
    for night in counts.partition_by("night"):
        at = [arms.index(arm) for arm in night["arm"]]
        chance, players = np.zeros(len(arms)), night["players"].to_numpy()
        chance[at] = night["propensity"].to_numpy()
        observed[at] += players
        expected += players.sum() * chance
        covariance += players.sum() * (np.diag(chance) - np.outer(chance, chance))
    gap, p = observed - expected, 1.0
    if observed.sum() > 0 and len(arms) > 1:
        p = float(chdtrc(len(arms) - 1, gap @ np.linalg.pinv(covariance, hermitian=True) @ gap))
    told = {arm: int(n) for arm, n in zip(arms, observed, strict=True)}
    return Ratio(told, dict(zip(arms, expected.tolist(), strict=True)), p, p >= RATIO_ALPHA)


def _error(influence: Array) -> float:
    """Standard error of a sum of players' influences."""
    n = len(influence)
    return float(np.sqrt(float((influence**2).sum()) * n / max(n - 1, 1)))
