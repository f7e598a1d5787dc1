"""A Gaussian mixture over robustly scaled measures, applied; models/statistics/mixture_search.py finds one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
Bend = Literal["log", "root", "plain"]
BENDS: tuple[Bend, ...] = get_args(Bend)
_FARTHEST = 5.0
_LEAST = 1e-3  # the spread of what is the same for all
_UNKNOWN = {1.0: 0.05, -1.0: 0.95, 0.0: 0.5}  # the quantile that stands for an unknown value, by the measure's sign


@dataclass(frozen=True)
class Scaling:
    """Median and robust spread of each measure on a bent scale, and what stands for an unknown value there."""

    centre: Array
    spread: Array
    unknown: Array
    bend: Bend = "log"

    @classmethod
    def of(cls, values: Array, signs: Array, bend: Bend = "log") -> Self:
        """Learn it from values, shape (n, measures), and signs: 1 where higher is better, -1 where lower, else 0."""
        known = [column[np.isfinite(column)] for column in bent(values, bend).T]
        known = [column if len(column) else np.zeros(1) for column in known]
        spread = np.array([robust_spread(column) for column in known])
        weak = np.array([np.quantile(c, _UNKNOWN[s]) for c, s in zip(known, signs, strict=True)])
        return cls(np.array([np.median(column) for column in known]), spread, weak, bend)

    def apply(self, values: Array) -> Array:
        """Scaled values; an unknown one is weak or, where the sign is 0, middling; past five spreads all are alike."""
        scaled: Array = np.clip(self.unclipped(values), -_FARTHEST, _FARTHEST)
        return scaled

    def unclipped(self, values: Array) -> Array:
        """The same, however far they are."""
        scaled: Array = (self._filled(values) - self.centre) / self.spread
        return scaled

    def log_stretch(self, values: Array) -> Array:
        """How much more room scaled values have than the measures themselves, as a logarithm, shape (n,).

        Added to the log-density of scaled values it gives that of the measures, which is the same whatever the scale.
        A measure that is the same for all has no spread that would tell scales apart, and adds nothing.
        """
        slope: Array = log_slope(self._filled(values), self.bend) - np.log(self.spread)
        stretch: Array = slope[:, self.spread > _LEAST].sum(axis=1)
        return stretch

    def _filled(self, values: Array) -> Array:
        on_scale = bent(values, self.bend)
        filled: Array = np.where(np.isfinite(on_scale), on_scale, self.unknown)
        return filled


def bent(values: Array, bend: Bend) -> Array:
    """sign(x) log(1 + |x|), sign(x) 2 (sqrt(1 + |x|) - 1), or x; all take losses, and are as steep as x at 0."""
    if bend == "plain":
        return values
    size = np.abs(values)
    result: Array = np.sign(values) * (np.log1p(size) if bend == "log" else 2 * (np.sqrt(1 + size) - 1))
    return result


def log_slope(on_scale: Array, bend: Bend) -> Array:
    """The logarithm of how steeply `bent` rises where it comes to these values."""
    size = np.abs(on_scale)
    if bend == "log":
        return -size
    slope: Array = -np.log1p(size / 2) if bend == "root" else np.zeros_like(size)
    return slope


def robust_spread(values: Array) -> float:
    """The interquartile range over 1.349, a normal's standard deviation; where half of all are equal, the deviation."""
    low, high = np.quantile(values, [0.25, 0.75])
    spread = float(high - low) / 1.349
    return max(spread, float(values.std()), _LEAST) if spread < 1e-9 else spread


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
    def learn(cls, x: Array, signs: Array, *, even_out: bool, without: int | None = None) -> Self:
        """All measures but one; with `even_out` the measures of strength that vary, evened out over the others.

        A measure that is the same for all tells nobody apart, and one that is no strength, such as age, would draw
        components of its own: what is usual at an age is taken off instead, by a straight line.
        """
        d = x.shape[1]
        if not even_out:
            used = np.array([place for place in range(d) if place != without])
            return cls(used, np.zeros((d, len(used))))
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
    view: View

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
            "bend": np.array(BENDS.index(self.scaling.bend)),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Self:
        """From what `arrays` gave."""
        bend = BENDS[int(arrays.get("bend", 0))]
        scaling = Scaling(arrays["centre"], arrays["spread"], arrays["unknown"], bend)
        d = len(scaling.centre)  # models from before there were views have none
        used = np.asarray(arrays.get("used", np.arange(d)), dtype=np.int64)
        view = View(used, arrays.get("slopes", np.zeros((d, d))))
        return cls(scaling, arrays["weights"], arrays["means"], arrays["factors"], view)
