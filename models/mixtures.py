"""A Gaussian mixture over robustly scaled measures: searched for BIC and stability, fitted, and applied.

scikit-learn is imported where a mixture is fitted: that takes seconds, and most commands only apply one, if that.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.tuning import Outcome, Suggest, tune

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
COVARIANCES = ("diag", "full", "spherical", "tied")
TRIALS: dict[str, pl.DataType] = {
    "components": pl.Int32(),
    "covariance": pl.String(),
    "bic": pl.Float64(),
    "stability": pl.Float64(),
    "smallest_share": pl.Float64(),
    "allowed": pl.Boolean(),
}
_FARTHEST = 5.0
_UNKNOWN = {1.0: 0.05, -1.0: 0.95, 0.0: 0.5}  # the quantile that stands for an unknown value, by the measure's sign


@dataclass(frozen=True)
class MixtureParameters:
    """How to search and fit.

    Attributes:
        least_components, most_components: The range searched, with every kind of covariance.
        trials: Settings tried at most.
        sample: Players used for the search; the chosen mixture is fitted on all.
        refits: Bootstrap refits for the stability of each setting.
        min_stability: Mean adjusted Rand index between the labels of a fit and of its refits that a setting must reach.
        min_share: Share of the players that its smallest component must hold.
        floor: Added to every variance, in squared scaled units: counts repeat, and a component that shrinks onto one
            value would have any likelihood it likes.
        even_out: See `View`: measures that are no strength are evened out, and do not shape the components.
        restarts: From how many starts each setting is fitted in the search; the best counts.
        seed: Of sampling, search and fits.
    """

    least_components: int = 2
    most_components: int = 8
    trials: int = 24
    sample: int = 3000
    refits: int = 4
    min_stability: float = 0.6
    min_share: float = 0.04
    floor: float = 0.15
    even_out: bool = False
    restarts: int = 1
    seed: int = 7


@dataclass(frozen=True)
class Scaling:
    """Median and robust spread of each measure on a signed logarithmic scale, and what stands for an unknown value."""

    centre: Array
    spread: Array
    unknown: Array

    @classmethod
    def of(cls, values: Array, signs: Array) -> Self:
        """Learn it from values, shape (n, measures), and signs: 1 where higher is better, -1 where lower, else 0."""
        logged = signed_log(values)
        known = [column[np.isfinite(column)] for column in logged.T]
        known = [column if len(column) else np.zeros(1) for column in known]
        spread = np.array([robust_spread(column) for column in known])
        weak = np.array([np.quantile(c, _UNKNOWN[s]) for c, s in zip(known, signs, strict=True)])
        return cls(np.array([np.median(column) for column in known]), spread, weak)

    def apply(self, values: Array) -> Array:
        """Scaled values; an unknown one is weak or, where the sign is 0, middling; past five spreads all are alike."""
        logged = signed_log(values)
        filled = np.where(np.isfinite(logged), logged, self.unknown)
        scaled: Array = np.clip((filled - self.centre) / self.spread, -_FARTHEST, _FARTHEST)
        return scaled


def signed_log(values: Array) -> Array:
    """sign(x) * log(1 + |x|), which takes losses as well as counts."""
    result: Array = np.sign(values) * np.log1p(np.abs(values))
    return result


def robust_spread(values: Array) -> float:
    """The interquartile range over 1.349, a normal's standard deviation; where half of all are equal, the deviation."""
    low, high = np.quantile(values, [0.25, 0.75])
    spread = float(high - low) / 1.349
    return max(spread, float(values.std()), 1e-3) if spread < 1e-9 else spread


@dataclass(frozen=True)
class View:
    """Which scaled measures a mixture is of, and what of them goes with those that are no strength.

    Attributes:
        used: Places of the measures, shape (u,), integers.
        slopes: What a measure, shape (d, u), adds to what is usual of the used ones; 0 where nothing does.
    """

    used: NDArray[np.int64]
    slopes: Array

    def of(self, x: Array) -> Array:
        """What the mixture sees of scaled measures, shape (n, u)."""
        seen: Array = x[:, self.used] - x @ self.slopes
        return seen

    @classmethod
    def learn(cls, x: Array, signs: Array, *, even_out: bool) -> Self:
        """All measures; with `even_out` the measures of strength that vary, evened out over the others.

        A measure that is the same for all tells nobody apart, and one that is no strength, such as age, would draw
        components of its own: what is usual at an age is taken off instead, by a straight line.
        """
        d = x.shape[1]
        if not even_out:
            return cls(np.arange(d), np.zeros((d, d)))
        varies = x.std(axis=0) > 1e-9
        used = (
            np.flatnonzero(varies & (signs != 0)) if (varies & (signs != 0)).any() else np.flatnonzero(signs != 0)[:1]
        )
        beside = np.flatnonzero(varies & (signs == 0))
        slopes = np.zeros((d, len(used)))
        if len(beside):
            centred = x - x.mean(axis=0)
            slopes[beside] = np.linalg.lstsq(centred[:, beside], centred[:, used], rcond=None)[0]
        return cls(used, slopes)


@dataclass(frozen=True)
class Mixture:
    """Components ordered by score, shapes (k,), (k, d) and (k, d, d); `factors` are Cholesky factors of precisions."""

    scaling: Scaling
    weights: Array
    means: Array
    factors: Array
    view: "View"

    def posterior(self, values: Array) -> Array:
        """P(component | values), shape (n, k)."""
        x = self.view.of(self.scaling.apply(values))
        half_logdet = np.log(np.diagonal(self.factors, axis1=1, axis2=2)).sum(axis=1)
        parts = [((x - m) @ f) for m, f in zip(self.means, self.factors, strict=True)]
        log_density = np.column_stack([-0.5 * (part**2).sum(axis=1) for part in parts]) + half_logdet
        joint = log_density + np.log(self.weights)
        from scipy.special import logsumexp  # noqa: PLC0415 (it takes a second, and most commands apply no mixture)

        probability: Array = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
        return probability

    def arrays(self) -> dict[str, Array]:
        """What makes it, by name."""
        return {
            **{name: getattr(self.scaling, name) for name in ("centre", "spread", "unknown")},
            **{name: getattr(self, name) for name in ("weights", "means", "factors")},
            "used": self.view.used,
            "slopes": self.view.slopes,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """From what `arrays` gave."""
        scaling = Scaling(*(arrays[name] for name in ("centre", "spread", "unknown")))
        d = len(scaling.centre)  # models from before there were views have none
        used = np.asarray(arrays.get("used", np.arange(d)), dtype=np.int64)
        view = View(used, arrays.get("slopes", np.zeros((d, d))))
        return cls(scaling, arrays["weights"], arrays["means"], arrays["factors"], view)


@dataclass(frozen=True)
class Fitted:
    """A mixture with the search behind it.

    Attributes:
        trials: Columns TRIALS; one row per setting tried. Stability, and whether it is allowed, is null of those that
            could not win.
        figures: components, bic, stability, silhouette, smallest_share, posterior, iterations.
        converged: Whether the final fit came to rest.
        allowed: Whether any setting was stable enough with no component too small; the most stable one serves if none.
    """

    mixture: Mixture
    covariance: str
    trials: pl.DataFrame
    figures: dict[str, float]
    converged: bool
    allowed: bool


def fit_mixture(values: Array, players: Labels, signs: Array, weights: Array, parameters: MixtureParameters) -> Fitted:
    """Search the number of components and the kind of covariance on a sample, then fit on all.

    BIC chooses (Schwarz 1978, "Estimating the dimension of a model") among settings whose labels survive resampling
    (Hennig 2007, "Cluster-wise assessment of cluster stability").

    Args:
        values: Measures, shape (n, d); NaN is unknown.
        players: Whose rows they are, shape (n,): samples take or leave whole players.
        signs: 1 where higher is better, -1 where lower, 0 where neither, shape (d,).
        weights: Share of each measure in the score that orders the components, shape (d,).
        parameters: How to search.
    """
    scaling = Scaling.of(values, signs)
    scaled = scaling.apply(values)
    view = View.learn(scaled, signs, even_out=parameters.even_out)
    x = view.of(scaled)
    rng = np.random.default_rng(parameters.seed)
    kept = _sample(players, parameters.sample, rng)
    search = _Search(x[kept], players[kept], parameters)
    tuned = tune(search.judge, seed=parameters.seed, trials=parameters.trials)
    best = tuned.best
    components, covariance = int(best.settings["components"]), str(best.settings["covariance"])
    fitted = _fit(x, components, covariance, parameters, 3)
    order = np.argsort(fitted.means_ @ (signs * weights)[view.used], kind="stable")
    factors = _full_factors(fitted)
    mixture = Mixture(scaling, fitted.weights_[order], fitted.means_[order], factors[order], view)
    posterior = mixture.posterior(values)
    figures = {
        "components": float(components),
        "bic": float(fitted.bic(x)),
        "stability": float(best.outcome.details["stability"]),
        "smallest_share": float(np.bincount(posterior.argmax(axis=1), minlength=components).min() / len(x)),
        "silhouette": _silhouette(x[kept], posterior[kept].argmax(axis=1)),
        "posterior": float(posterior.max(axis=1).mean()),
        "iterations": float(fitted.n_iter_),
    }
    trials = [
        {"stability": None, **t.settings, **t.outcome.details, "bic": t.outcome.value}
        | {"allowed": t.keeps if "stability" in t.outcome.details else None}
        for t in tuned.tried
    ]
    table = pl.DataFrame(trials, schema=TRIALS).sort("covariance", "components")
    return Fitted(mixture, covariance, table, figures, bool(fitted.converged_), best.keeps)


class _Search:
    """Judges settings on one sample; remembers what it has judged.

    What has no better BIC than one that is allowed cannot win, and is not resampled.
    """

    def __init__(self, x: Array, players: Labels, parameters: MixtureParameters) -> None:
        self.x = x
        self.parameters = parameters
        rng = np.random.default_rng(parameters.seed + 1)
        self.again = [_bootstrap(players, rng) for _ in range(parameters.refits)]
        self.known: dict[tuple[int, str], Outcome] = {}
        self.to_beat = np.inf  # the least BIC of those that are allowed

    def judge(self, suggest: Suggest) -> Outcome:
        p = self.parameters
        setting = (
            suggest.whole("components", p.least_components, p.most_components),
            suggest.choice("covariance", COVARIANCES),
        )
        if setting not in self.known:
            self.known[setting] = self._judge(*setting)
        return self.known[setting]

    def _judge(self, components: int, covariance: str) -> Outcome:
        from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415 (see above)

        p = self.parameters
        fitted = _fit(self.x, components, covariance, p, p.restarts)
        labels, bic = fitted.predict(self.x), float(fitted.bic(self.x))
        share = float(np.bincount(labels, minlength=components).min() / len(labels))
        if bic >= self.to_beat:
            return Outcome(bic, p.min_share - share, {"smallest_share": share})
        others = [_fit(self.x[rows], components, covariance, p, p.restarts).predict(self.x) for rows in self.again]
        stability = float(np.mean([adjusted_rand_score(labels, other) for other in others]))
        violation = max(p.min_stability - stability, p.min_share - share)
        if violation <= 0:
            self.to_beat = bic
        return Outcome(bic, violation, {"stability": stability, "smallest_share": share})


def _fit(x: Array, components: int, covariance: str, p: MixtureParameters, restarts: int = 1) -> Any:
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 (see above)
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415

    mixture = GaussianMixture(
        components,
        covariance_type=covariance,
        reg_covar=p.floor,
        n_init=restarts,
        max_iter=200,
        random_state=p.seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # recorded as a figure instead
        return mixture.fit(x)


def _full_factors(fitted: Any) -> Array:
    """The Cholesky factors of the precisions, shape (k, d, d), whatever the kind of covariance."""
    k, d = fitted.means_.shape
    given = fitted.precisions_cholesky_
    if fitted.covariance_type == "full":
        return np.asarray(given)
    if fitted.covariance_type == "tied":
        return np.repeat(given[None], k, axis=0)
    diagonal = np.broadcast_to(given if fitted.covariance_type == "diag" else given[:, None], (k, d))
    return np.asarray(diagonal[:, :, None] * np.eye(d))


def _sample(players: Labels, most: int, rng: np.random.Generator) -> Labels:
    """Rows of whole players drawn at random, about `most` of them."""
    if len(players) <= most:
        return np.arange(len(players))
    names = np.unique(players)
    chosen = rng.permutation(names)[: max(int(len(names) * most / len(players)), 1)]
    return np.flatnonzero(np.isin(players, chosen))


def _bootstrap(players: Labels, rng: np.random.Generator) -> Labels:
    """Rows of as many players as there are, drawn with replacement."""
    order = np.argsort(players, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(players[order]) != 0])
    groups = np.split(order, starts[1:])
    return np.concatenate([groups[i] for i in rng.integers(0, len(groups), len(groups))])


def _silhouette(x: Array, labels: Labels) -> float:
    """Mean silhouette (Rousseeuw 1987) of at most 2,000 rows; 0 when all are of one component."""
    from sklearn.metrics import silhouette_score  # noqa: PLC0415 (see above)

    x, labels = x[:2000], labels[:2000]
    return float(silhouette_score(x, labels)) if len(np.unique(labels)) > 1 else 0.0
