"""How good probabilities are: losses, calibration and its floor, and intervals that respect that players repeat."""

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

Array = NDArray[np.float64]
Clusters = NDArray[np.int64]
Measured = float | tuple[float, float, float]  # a value, or a value with the low and high of its 95 % interval
AHEAD_OF = "_ahead_of_"  # in the name of a figure: how much better it is than another's, and whose
_CELLS = 4_000_000  # random numbers held at once while simulating
_MANY_CLUSTERS = 50_000


def log_losses(y: Array, p: Array, least: float = 1e-6) -> Array:
    """Each row's log loss, in nats: -y ln p - (1 - y) ln(1 - p) (Good 1952, J. R. Stat. Soc. B 14, 107).

    Args:
        y: Outcomes, 0 or 1, shape (n,).
        p: Probabilities given, shape (n,).
        least: Probabilities are kept this far from 0 and 1.
    """
    y, p = np.asarray(y, dtype=float), np.clip(np.asarray(p, dtype=float), least, 1 - least)
    losses: Array = -(y * np.log(p) + (1 - y) * np.log1p(-p))
    return losses


def log_loss(y: Array, p: Array) -> float:
    """Mean log loss, in nats; NaN without rows."""
    return _mean(log_losses(y, p))


def auc(y: Array, p: Array) -> float:
    """Chance that a row with outcome 1 has the higher probability, ties counting half; NaN with one outcome only.

    The Mann-Whitney statistic over its maximum (Hanley and McNeil 1982, Radiology 143, 29).
    """
    happened = np.asarray(y) == 1
    ones, zeros = int(happened.sum()), int((~happened).sum())
    if not ones or not zeros:
        return float("nan")
    return float((_ranks(p)[happened].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def average_precision(y: Array, p: Array) -> Callable[[Array], float]:
    """Area under precision and recall, of how often each row counts, shape (n,); NaN where nothing happened.

    The mean precision at each threshold, weighed by the recall that it adds, without interpolation (Manning, Raghavan
    and Schuetze 2008, Introduction to Information Retrieval, section 8.4).
    """
    order = np.argsort(-p, kind="stable")
    ends = np.flatnonzero(np.diff(p[order], append=-np.inf))  # equal probabilities are told together

    def area(weights: Array) -> float:
        counted = weights[order]
        hits, told = np.cumsum(counted * y[order])[ends], np.cumsum(counted)[ends]
        if not len(hits) or not hits[-1]:
            return float("nan")
        return float(np.sum(np.diff(hits, prepend=0.0) * hits / np.maximum(told, 1e-12)) / hits[-1])

    return area


def auc_interval(y: Array, p: Array, clusters: Clusters) -> tuple[float, float, float]:
    """`auc` with the low and high of its 95 % interval where a cluster's rows go together.

    Each row's placement is the share of rows of the other outcome that it stands on the right side of; their sums over
    clusters have the variance (Obuchowski 1997, Biometrics 53, 567, whose method is that of DeLong for rows alone).

    Returns:
        All NaN with one outcome only; low and high infinite with fewer than two clusters.
    """
    area, low, high = _of_areas(auc(y, p), _placements(y, p), clusters)
    return (area, max(0.0, low), min(1.0, high)) if np.isfinite(low) else (area, low, high)


def auc_gain(y: Array, p: Array, other: Array, clusters: Clusters) -> tuple[float, float, float]:
    """How much larger `auc` is by p than by another's answers to the same rows, as `auc_interval`.

    What both rank alike falls out of the difference (DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, 837).
    """
    return _of_areas(auc(y, p) - auc(y, other), _placements(y, p) - _placements(y, other), clusters)


def _placements(y: Array, p: Array) -> Array:
    """What each row adds to `auc`, about its mean, shape (n,); NaN with one outcome only."""
    happened, ranks = np.asarray(y) == 1, _ranks(p)
    ones, zeros = int(happened.sum()), int((~happened).sum())
    if not ones or not zeros:
        return np.full(len(ranks), np.nan)
    right = np.empty(len(ranks))
    right[happened] = (ranks[happened] - _ranks(ranks[happened])) / zeros
    right[~happened] = 1 - (ranks[~happened] - _ranks(ranks[~happened])) / ones
    placed: Array = (right - auc(y, p)) / np.where(happened, ones, zeros)
    return placed


def _of_areas(area: float, placed: Array, clusters: Clusters) -> tuple[float, float, float]:
    """An area, or how far two are apart, with the interval that placements give it."""
    sums, _ = _by_cluster(placed, clusters)
    if len(sums) < 2:
        return area, float("-inf"), float("inf")
    reach = float(ndtri(0.975) * np.sqrt(np.sum(sums**2) * len(sums) / (len(sums) - 1)))
    return area, area - reach, area + reach


def equal_mass_bins(p: Array, bins: int = 10) -> NDArray[np.int64]:
    """Bin of each probability, 0 to bins - 1, by its rank. Equal probabilities share a bin, whatever their order."""
    p = np.asarray(p, dtype=float)
    index: NDArray[np.int64] = np.floor(bins * (_ranks(p) - 0.5) / max(len(p), 1)).astype(np.int64)
    return index


def calibration_error(y: Array, p: Array, bins: int = 10) -> float:
    """Mean over rows of |mean p - mean y| of their equal-mass bin; NaN without rows.

    The expected calibration error (Naeini, Cooper and Hauskrecht 2015, AAAI, 2901) with the equal-mass bins of
    Nguyen and O'Connor (2015, EMNLP, 1587).
    """
    if not len(p):
        return float("nan")
    gap = np.bincount(equal_mass_bins(p, bins), weights=np.asarray(p, dtype=float) - np.asarray(y, dtype=float))
    return float(np.abs(gap).sum() / len(p))


def calibration_floor(p: Array, bins: int = 10, draws: int = 200, seed: int = 7) -> float:
    """The calibration error that a perfect forecaster with these probabilities would show by chance.

    The mean of `calibration_error` over simulated outcomes y ~ Bernoulli(p), independent between rows (consistency
    resampling, Broecker and Smith 2007, Weather and Forecasting 22, 651); NaN without rows.
    """
    if not len(p):
        return float("nan")
    index = equal_mass_bins(p, bins)
    order = np.argsort(index, kind="stable")
    promised = np.asarray(p, dtype=float)[order]
    starts = np.flatnonzero(np.diff(index[order], prepend=-1))
    expected = np.add.reduceat(promised, starts)
    rng, chunk, errors = np.random.default_rng(seed), max(1, _CELLS // len(promised)), []
    for first in range(0, draws, chunk):
        kept = rng.random((min(chunk, draws - first), len(promised)), dtype=np.float32) < promised
        errors.append(np.abs(np.add.reduceat(kept, starts, axis=1, dtype=np.int64) - expected).sum(axis=1))
    return float(np.concatenate(errors).mean() / len(promised))


def clustered_floor(y: Array, p: Array, clusters: Clusters, bins: int = 10) -> float:
    """The calibration error by chance of a forecaster who is right on average, where a cluster's outcomes go together.

    Who is away for a week breaks all promises of that week, so that few players show more by chance than
    `calibration_floor` says, which takes rows for independent. Here a bin's y - p, less their mean, add up over each
    cluster; their sum over clusters has the cluster-robust variance (Cameron, Gelbach and Miller 2008, Rev. Econ. Stat.
    90, 414), and the mean absolute deviation of a normal is sqrt(2 / pi) of its own.

    Args:
        y: Outcomes, 0 or 1, shape (n,).
        p: Probabilities given, shape (n,).
        clusters: Whose outcomes go together, such as player keys, shape (n,).
        bins: Equal-mass bins.

    Returns:
        The error; NaN with fewer than two clusters, since then nothing is known.
    """
    _, cluster = np.unique(clusters, return_inverse=True)
    groups = int(cluster.max(initial=-1)) + 1
    if groups < 2:
        return float("nan")
    index, off = equal_mass_bins(p, bins), np.asarray(y, dtype=float) - np.asarray(p, dtype=float)
    mean = np.bincount(index, weights=off, minlength=bins) / np.maximum(np.bincount(index, minlength=bins), 1)
    sums = np.bincount(index * groups + cluster, weights=off - mean[index], minlength=bins * groups)
    spread = np.sqrt(np.sum(sums.reshape(bins, groups) ** 2, axis=1) * groups / (groups - 1))
    return float(np.sqrt(2 / np.pi) * spread.sum() / len(off))


def clustered_interval(
    values: Array, clusters: Clusters, draws: int = 2000, level: float = 0.95, seed: int = 7
) -> tuple[float, float]:
    """Percentile interval of the mean of `values` when whole clusters are drawn with replacement.

    The cluster bootstrap (Davison and Hinkley 1997, Bootstrap Methods, section 3.8; Cameron, Gelbach and Miller 2008,
    Rev. Econ. Stat. 90, 414). Above 50,000 clusters its normal limit is used, which it then matches. For a difference
    in log loss, pass `log_losses(y, a) - log_losses(y, b)` and the players.

    Args:
        values: One value per row, shape (n,).
        clusters: What repeats, such as player keys, shape (n,).
        draws: Bootstrap samples.
        level: Coverage wanted.
        seed: Of the draws.

    Returns:
        Low and high; (-inf, inf) when there are fewer than two clusters, since then nothing is known.
    """
    sums, counts = _by_cluster(np.asarray(values, dtype=float), clusters)
    n = len(sums)
    if n < 2:
        return float("-inf"), float("inf")
    tail = (1 - level) / 2
    if n > _MANY_CLUSTERS:
        mean = sums.sum() / counts.sum()
        reach = ndtri(1 - tail) * np.sqrt(np.sum((sums - mean * counts) ** 2)) / counts.sum()
        return float(mean - reach), float(mean + reach)
    rng, chunk, means = np.random.default_rng(seed), max(1, _CELLS // n), []
    for first in range(0, draws, chunk):
        drawn = rng.integers(n, size=(min(chunk, draws - first), n))
        means.append(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), [tail, 1 - tail])
    return float(low), float(high)


def of_drawn(
    figure: Callable[[Array], float], clusters: Clusters, draws: int = 200, level: float = 0.95, seed: int = 7
) -> tuple[float, float, float]:
    """A figure of weighed rows with the percentile interval of drawing whole clusters, see `clustered_interval`.

    Args:
        figure: Of how often each row counts, shape (n,).
        clusters: What repeats, shape (n,).
        draws: Bootstrap samples.
        level: Coverage wanted.
        seed: Of the draws.
    """
    _, index = np.unique(clusters, return_inverse=True)
    n, rng = int(index.max(initial=-1)) + 1, np.random.default_rng(seed)
    whole = figure(np.ones(len(index)))
    if n < 2:
        return whole, float("-inf"), float("inf")
    drawn = [figure(np.bincount(rng.integers(n, size=n), minlength=n).astype(float)[index]) for _ in range(draws)]
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return whole, float(low), float(high)


def clustered_mean(values: Array, clusters: Clusters) -> tuple[float, float, int]:
    """The mean of values, its standard error when whole clusters are drawn, and how many clusters there are.

    The linearised variance of a ratio, corrected for few clusters (Cochran 1977, Sampling Techniques, section 6.4).
    """
    sums, counts = _by_cluster(np.asarray(values, dtype=float), clusters)
    n, mean = len(sums), float(sums.sum() / max(counts.sum(), 1))
    error = np.sqrt(np.sum((sums - mean * counts) ** 2) * n / max(n - 1, 1)) / max(counts.sum(), 1)
    return mean, float(error), n


def differs(y: Array, p: Array, clusters: Clusters, level: float = 0.95) -> bool:
    """Whether what happened differs from what was promised, in the mean of y - p, beyond the noise of clusters.

    A t-test with the error by cluster, or with that of independent rows that are promised rightly where it is larger:
    of what hardly ever happens the errors that were seen say little. That shares of rows vary since promises do is no
    noise here, as it is in the interval of a share alone.
    """
    mean, error, n = clustered_mean(y - p, clusters)
    error = max(error, float(np.sqrt(np.sum(p * (1 - p)))) / len(p))
    return n > 1 and abs(mean) > float(stdtrit(n - 1, (1 + level) / 2)) * error


def share_interval(y: Array, clusters: Clusters | None = None, level: float = 0.95) -> tuple[float, float]:
    """Interval of a share of rows, also sensible at 0 and 1, where a bootstrap has no width.

    Wilson's interval (1927, JASA 22, 209) with the effective number of rows n / deff, the design effect being the
    clustered over the binomial variance and never below 1 (Korn and Graubard 1998, Survey Methodology 24, 193).

    Returns:
        Low and high; (0, 1) without rows.
    """
    y = np.asarray(y, dtype=float)
    if not len(y):
        return 0.0, 1.0
    n, share, z = float(len(y)), float(y.mean()), float(ndtri((1 + level) / 2))
    if clusters is not None and 0 < share < 1:
        sums, counts = _by_cluster(y, clusters)
        groups = len(sums)
        variance = np.sum((sums - share * counts) ** 2) * groups / max(groups - 1, 1) / n**2
        n /= max(1.0, float(variance) * n / (share * (1 - share)))
    elif clusters is not None:
        n = float(len(np.unique(clusters)))  # no variance to measure: one row a player is the cautious reading
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return float(max(0.0, centre - reach)), float(min(1.0, centre + reach))


def equal_hope_bins(p: Array, bins: int = 10) -> NDArray[np.int64]:
    """Bin of each probability, 0 to bins - 1, each with about as many expected to happen: few of the surest.

    Where little happens, ten bins of as many rows would show hardly any probability worth speaking of.
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    index = np.empty(len(p), dtype=np.int64)
    reached = np.cumsum(p[order]) - p[order] / 2
    index[order] = np.floor(bins * reached / max(float(p.sum()), 1e-12)).clip(0, bins - 1)
    return index


def reliability_table(
    y: Array, p: Array, clusters: Clusters | None = None, bins: int = 10, *, rare: bool = False
) -> pl.DataFrame:
    """What was promised and what was kept, by equal-mass bin of the promise, or with `rare` by `equal_hope_bins`.

    Returns:
        One row per non-empty bin, ascending: bin (from 1), n, promised (mean p), kept (mean y), low, high (95 %
        interval of kept, see `share_interval`).
    """
    y, p = np.asarray(y, dtype=float), np.asarray(p, dtype=float)
    index = equal_hope_bins(p, bins) if rare else equal_mass_bins(p, bins)
    rows = []
    for number in np.unique(index):
        here = index == number
        low, high = share_interval(y[here], None if clusters is None else np.asarray(clusters)[here])
        rows.append((int(number) + 1, int(here.sum()), float(p[here].mean()), float(y[here].mean()), low, high))
    schema = {"bin": pl.Int64, "n": pl.Int64} | dict.fromkeys(("promised", "kept", "low", "high"), pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")


def _ranks(p: Array) -> Array:
    """Ranks from 1, equal values sharing the mean of theirs."""
    return pl.Series(np.asarray(p, dtype=float)).rank("average").to_numpy()


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _by_cluster(values: Array, clusters: Clusters) -> tuple[Array, Array]:
    """Sum and number of the values in each cluster."""
    _, index = np.unique(clusters, return_inverse=True)
    return np.bincount(index, weights=values).astype(float), np.bincount(index).astype(float)
