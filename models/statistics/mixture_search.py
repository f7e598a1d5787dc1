"""Which mixture tells players apart best: searched for by what it says of players left out, and for stable labels.

scikit-learn is imported where a mixture is fitted: that takes seconds, and most commands only apply one, if that.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.statistics.mixtures import BENDS, Array, Bend, Labels, Mixture, Scaling, View
from models.tuning import Outcome, Setting, Suggest, Tried, tune

COVARIANCES = ("diag", "full", "spherical", "tied")
ALL = "none"  # no measure is left out
USUAL = {"bend": "log", "without": ALL}
SETTING: dict[str, pl.DataType] = {
    "components": pl.Int32(),
    "covariance": pl.String(),
    "bend": pl.String(),
    "without": pl.String(),
}
TRIALS: dict[str, pl.DataType] = {
    **SETTING,
    "held_out": pl.Float64(),
    "stability": pl.Float64(),
    "silhouette": pl.Float64(),
    "smallest_share": pl.Float64(),
    "allowed": pl.Boolean(),
}
_FINALS = 3  # of those alike, fitted on all rows until no component is too small
_JUDGED_BY = 3  # one player in so many is left out, for what a mixture says of them
_ALIKE = 0.01  # what a mixture may say less of a measure of players left out than the best, and be as good


@dataclass(frozen=True)
class MixtureParameters:
    """How to search and fit.

    Attributes:
        least_components, most_components: The range searched, with every kind of covariance, scale and choice of
            measures.
        trials: Settings tried at most.
        sample: Rows used for the search; the chosen mixture is fitted on all.
        refits: Bootstrap refits for the stability of each setting.
        min_stability: Mean adjusted Rand index between the labels of a fit and of its refits that a setting must reach.
        min_share: Share of the players that its smallest component must hold.
        min_silhouette: How much nearer players must be to their own component than to the next, in the mean.
        floor: Added to every variance, in squared scaled units: counts repeat, and a component that shrinks onto one
            value would have any likelihood it likes.
        even_out: See `View`: measures that are no strength are evened out, and do not shape the components.
        restarts: From how many starts each setting is fitted; the best counts.
        again: The same of its refits.
        wanted: How many components come first among those alike.
        seed: Of sampling, search and fits.
    """

    least_components: int = 2
    most_components: int = 8
    trials: int = 28
    sample: int = 3000
    refits: int = 4
    min_stability: float = 0.6
    min_share: float = 0.04
    min_silhouette: float = 0.0
    floor: float = 0.15
    even_out: bool = False
    restarts: int = 2
    again: int = 1
    wanted: int = 4
    seed: int = 7


class Measures(NamedTuple):
    """What players are told apart by, in the order of their columns.

    Attributes:
        names: What they are called.
        signs: 1 where higher is better, -1 where lower, 0 where neither, shape (d,).
        weights: Share of each in the score that orders the components, shape (d,); that of the largest stays in every
            mixture.
    """

    names: Sequence[str]
    signs: Array
    weights: Array

    @property
    def spare(self) -> tuple[str, ...]:
        """Those that a mixture may do without."""
        leads = int(self.weights.argmax())
        return tuple(name for place, name in enumerate(self.names) if place != leads) if len(self.names) > 2 else ()


@dataclass(frozen=True)
class Fitted:
    """A mixture with the search behind it.

    Attributes:
        setting: Its components, covariance, bend and without, as in SETTING.
        trials: Columns TRIALS; one row per setting tried. Stability, and whether it is allowed, are null of those
            that could not win, silhouette of those that are not allowed.
        figures: components, held_out, stability, silhouette, smallest_share, posterior, iterations.
        converged: Whether the final fit came to rest.
        allowed: Whether any setting was stable enough with no component too small; the most stable one serves if none.
    """

    mixture: Mixture
    setting: dict[str, Setting]
    trials: pl.DataFrame
    figures: dict[str, float]
    converged: bool
    allowed: bool


def fit_mixture(values: Array, players: Labels, measures: Measures, parameters: MixtureParameters) -> Fitted:
    """Search components, covariance, scale and measures on a sample, then fit on all.

    What a setting is worth is the log-density of the measures of players left out (Smyth 2000, "Model selection for
    probabilistic clustering using cross-validated likelihood"). It is comparable whatever the scale, and whatever the
    measures, since one that a mixture does without counts by what the others say of it (Raftery and Dean 2006,
    "Variable selection for model-based clustering"). Only those whose labels survive resampling (Hennig 2007,
    "Cluster-wise assessment of cluster stability") may win. Of those alike, within a standard error by player or a
    hundredth a measure, the usual scale and measures come first, then as many components as are wanted or nearly so,
    then the largest silhouette (Rousseeuw 1987).

    Args:
        values: Shape (n, d); NaN is unknown.
        players: Whose rows they are, shape (n,): samples take or leave whole players.
        measures: What the columns are.
        parameters: How to search.
    """
    rng = np.random.default_rng(parameters.seed)
    kept = _sample(players, parameters.sample, rng)
    search = _Search(values[kept], players[kept], measures, parameters)
    tuned = tune(search.judge, seed=parameters.seed, trials=parameters.trials, first=_first(parameters))
    ranked = search.ranked(tuned.tried) or [tuned.best]
    finals: list[_Final] = []
    for one in ranked[:_FINALS]:
        finals.append(_Final.of(values, measures, one, parameters))
        if finals[-1].smallest_share >= parameters.min_share:
            break
    final = finals[-1] if finals[-1].smallest_share >= parameters.min_share else finals[0]
    best, told = final.one, final.one.outcome.details
    figures = {
        "components": float(len(final.mixture.weights)),
        "held_out": -best.outcome.value,
        "stability": float(told["stability"]),
        "smallest_share": final.smallest_share,
        "silhouette": _silhouette(final.seen[kept], final.posterior[kept].argmax(axis=1)),
        "posterior": float(final.posterior.max(axis=1).mean()),
        "iterations": float(final.fitted.n_iter_),
    }
    trials = [
        {"stability": None, "silhouette": None, **t.settings, **t.outcome.details, "held_out": -t.outcome.value}
        | {"allowed": t.keeps if "stability" in t.outcome.details else None}
        for t in tuned.tried
    ]
    table = pl.DataFrame(trials, schema=TRIALS).sort("covariance", "components", "bend", "without")
    return Fitted(final.mixture, dict(best.settings), table, figures, bool(final.fitted.converged_), best.keeps)


def _first(parameters: MixtureParameters) -> list[dict[str, Setting]]:
    """Where the search begins: few components on the usual scale, with all measures."""
    few = range(parameters.least_components, min(parameters.most_components, 5) + 1)
    return [{"components": k, "covariance": kind, **USUAL} for k in few for kind in ("full", "tied", "diag")]


@dataclass(frozen=True)
class _Laid:
    """Measures on a scale, and which of them a mixture sees; the others follow these by a straight line, and by chance.

    Attributes:
        line: What is usual of the others, shape (u + 1, others), the last row being what is usual of all.
        left: The variance of what is left of them, shape (others,).
    """

    scaling: Scaling
    view: View
    others: NDArray[np.int64]
    line: Array
    left: Array

    @classmethod
    def out(
        cls, values: Array, measures: Measures, settings: Mapping[str, Setting], parameters: MixtureParameters
    ) -> "_Laid":
        scaling = Scaling.of(values, measures.signs, cast("Bend", settings["bend"]))
        without = None if settings["without"] == ALL else list(measures.names).index(str(settings["without"]))
        x = scaling.apply(values)
        view = View.learn(x, measures.signs, even_out=parameters.even_out, without=without)
        others = np.setdiff1d(np.arange(x.shape[1]), view.used)
        seen = np.column_stack([view.of(x), np.ones(len(x))])
        line = np.asarray(np.linalg.lstsq(seen, x[:, others], rcond=None)[0], dtype=np.float64)
        left = (x[:, others] - seen @ line).var(axis=0) + parameters.floor
        return cls(scaling, view, others, line, left)

    def seen(self, values: Array) -> Array:
        """What the mixture sees, shape (n, u)."""
        return self.view.of(self.scaling.apply(values))

    def log_density(self, fitted: Any, values: Array) -> Array:
        """Of each row's measures, as they are, shape (n,)."""
        x = self.scaling.unclipped(values)
        seen = self.view.of(x)
        apart = x[:, self.others] - np.column_stack([seen, np.ones(len(x))]) @ self.line
        rest = -0.5 * (apart**2 / self.left + np.log(2 * np.pi * self.left)).sum(axis=1)
        density: Array = fitted.score_samples(seen) + rest + self.scaling.log_stretch(values)
        return density


@dataclass(frozen=True)
class _Final:
    """A setting fitted on all rows, its components in the order of the score."""

    one: Tried
    fitted: Any
    mixture: Mixture
    seen: Array
    posterior: Array

    @classmethod
    def of(cls, values: Array, measures: Measures, one: Tried, parameters: MixtureParameters) -> "_Final":
        laid = _Laid.out(values, measures, one.settings, parameters)
        components, covariance = int(one.settings["components"]), str(one.settings["covariance"])
        seen = laid.seen(values)
        fitted = _fit(seen, components, covariance, parameters, 3)
        order = np.argsort(fitted.means_ @ (measures.signs * measures.weights)[laid.view.used], kind="stable")
        weights, means, factors = (each[order] for each in (fitted.weights_, fitted.means_, _full_factors(fitted)))
        mixture = Mixture(laid.scaling, weights, means, factors, laid.view)
        return cls(one, fitted, mixture, seen, mixture.posterior(values))

    @property
    def smallest_share(self) -> float:
        """The share of rows in the smallest component."""
        counts = np.bincount(self.posterior.argmax(axis=1), minlength=len(self.mixture.weights))
        return float(counts.min() / len(self.posterior))


class _Search:
    """Judges settings on one sample; remembers what it has judged.

    What says clearly less of players left out than one that is allowed, or has too small a component where one is
    allowed, cannot win, and is not resampled.
    """

    def __init__(self, values: Array, players: Labels, measures: Measures, parameters: MixtureParameters) -> None:
        self.values, self.measures, self.parameters = values, measures, parameters
        rng = np.random.default_rng(parameters.seed + 1)
        self.again = [_bootstrap(players, rng) for _ in range(parameters.refits)]
        names, self.whose = np.unique(players, return_inverse=True)
        self.out = (rng.permutation(len(names)) % _JUDGED_BY == 0)[self.whose]
        self.known: dict[tuple[Setting, ...], Outcome] = {}
        self.said: dict[tuple[Setting, ...], Array] = {}  # of each player left out
        self.best: Array | None = None  # of those that are allowed

    def judge(self, suggest: Suggest) -> Outcome:
        p = self.parameters
        settings: dict[str, Setting] = {
            "components": suggest.whole("components", p.least_components, p.most_components),
            "covariance": suggest.choice("covariance", COVARIANCES),
            "bend": suggest.choice("bend", BENDS),
            "without": suggest.choice("without", (ALL, *(() if p.even_out else self.measures.spare))),
        }
        if _key(settings) not in self.known:
            self.known[_key(settings)] = self._judge(settings)
        return self.known[_key(settings)]

    def ranked(self, tried: Sequence[Tried]) -> list[Tried]:
        """Those that are allowed and alike, the one to take first; none where none is allowed."""
        allowed = [one for one in tried if one.keeps and "stability" in one.outcome.details]
        alike = [one for one in allowed if not self._behind(self.said[_key(one.settings)])]
        return sorted(alike, key=self._rank)

    def _judge(self, settings: dict[str, Setting]) -> Outcome:
        from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415 (see above)

        p, components, covariance = self.parameters, int(settings["components"]), str(settings["covariance"])
        laid = _Laid.out(self.values[~self.out], self.measures, settings, p)
        x = laid.seen(self.values)
        fitted = _fit(x[~self.out], components, covariance, p, p.restarts)
        density = laid.log_density(fitted, self.values[self.out])
        said = np.bincount(self.whose[self.out], density, len(self.out))[np.unique(self.whose[self.out])]
        self.said[_key(settings)] = said
        labels, value = fitted.predict(x), -float(density.mean())
        share = float(np.bincount(labels, minlength=components).min() / len(labels))
        if self._behind(said) or (self.best is not None and share < p.min_share):
            return Outcome(value, p.min_share - share, {"smallest_share": share})
        others = [_fit(x[rows], components, covariance, p, p.again).predict(x) for rows in self.again]
        stability = float(np.mean([adjusted_rand_score(labels, other) for other in others]))
        violation = max(p.min_stability - stability, p.min_share - share)
        apart = _silhouette(x, labels) if violation <= 0 else None
        if apart is not None:
            violation = max(violation, p.min_silhouette - apart)
        if violation <= 0 and (self.best is None or said.sum() > self.best.sum()):
            self.best = said
        return Outcome(value, violation, {"stability": stability, "silhouette": apart, "smallest_share": share})

    def _rank(self, one: Tried) -> tuple[bool, int, float]:
        usual = all(one.settings[name] == value for name, value in USUAL.items())
        fewer = abs(int(one.settings["components"]) - self.parameters.wanted)
        return not usual, fewer, -one.outcome.details["silhouette"]

    def _behind(self, said: Array) -> bool:
        """Whether it says less of players left out than the best that is allowed, by more than _ALIKE and the error."""
        if self.best is None:
            return False
        less, rows = self.best - said, int(self.out.sum())
        error = less.std(ddof=1) * np.sqrt(len(less))  # of the sum
        return bool(less.sum() > max(error, _ALIKE * rows * self.values.shape[1]))


def _key(settings: Mapping[str, Setting]) -> tuple[Setting, ...]:
    return tuple(settings[name] for name in SETTING)


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
    """Mean silhouette (Rousseeuw 1987) of at most 1,000 rows, evenly drawn; 0 when all are of one component."""
    from sklearn.metrics import silhouette_score  # noqa: PLC0415 (see above)

    every = -(-len(x) // 1000)
    x, labels = x[::every], labels[::every]
    return float(silhouette_score(x, labels)) if len(np.unique(labels)) > 1 else 0.0
