"""Cox's proportional hazards for time in weeks: one line of features for all weeks, on a baseline hazard of each."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.learner import Learner, Sheet, shares
from models.portable import load_arrays, load_json, save_arrays, save_json
from models.statistics.standard import Standard
from models.tuning import Setting, Suggest

Array = NDArray[np.float64]
_HIGHEST = 3.0  # of the log of what a week's hazard adds up to: 1 - exp(-exp(3)) is 1 but for 2e-9


@dataclass(frozen=True)
class CloglogParameters:
    """`ridge` draws the features' weights to none; the baseline is free of it."""

    ridge: float = 10.0


class Cloglog(Learner):
    """P(leaves in the week | still there) = 1 - exp(-exp(baseline of the week + weights @ features)).

    It is what Cox's model (1972, J. R. Stat. Soc. B 34, 187) says of who is there at the end of each span, whatever the
    hazard does within it (Prentice and Gloeckler 1978, Biometrics 34, 57): exp(weight) is the hazard ratio of one
    standard deviation. A length of window that was never seen is answered by the nearest one that was.
    """

    name: ClassVar[str] = "cloglog"
    does: ClassVar[str] = (
        "Cox's proportional hazards week by week: a baseline for each week, and one hazard ratio a feature"
    )
    suits: ClassVar[frozenset[str]] = frozenset({"churn"})
    rank: ClassVar[int] = 2
    flexible: ClassVar[bool] = True
    parameters_type = CloglogParameters
    parameters: CloglogParameters

    _names: tuple[str, ...]
    _windows: NDArray[np.int64]
    _baseline: Array
    _weights: Array
    _standard: Standard

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:
        """The ridge."""
        return {"ridge": ask.number("ridge", 0.1, 1000.0, log=True)}

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Fit baseline and weights together, by penalised likelihood."""
        from scipy.optimize import minimize  # noqa: PLC0415 (its import takes most of a second, for training alone)

        x = sheet.x.to_numpy()
        self._names, self._windows, self._standard = tuple(sheet.x.columns), np.unique(sheet.windows), Standard.of(x)
        scaled, place = self._standard.apply(x), self._place(sheet)
        spans, ridge, whole = len(self._windows), self.parameters.ridge, max(float(weights.sum()), 1.0)

        def loss(theta: Array) -> tuple[float, Array]:
            line = theta[:spans][place] + scaled @ theta[spans:]
            total = np.exp(np.minimum(line, _HIGHEST))
            leaves = -np.expm1(-total)
            value = -np.sum(weights * np.where(y > 0, np.log(np.maximum(leaves, 1e-300)), -total))
            slope = weights * total * (1 - y / np.maximum(leaves, 1e-300)) * (line < _HIGHEST)
            by_span = np.bincount(place, weights=slope, minlength=spans)
            value += ridge / 2 * float(theta[spans:] @ theta[spans:])
            return value / whole, np.concatenate([by_span, slope @ scaled + ridge * theta[spans:]]) / whole

        happened, seen = (np.bincount(place, weights=weights * each, minlength=spans) for each in (y, np.ones(len(y))))
        usual = np.log(-np.log1p(-(happened + 0.5) / (seen + 1)))
        start = np.concatenate([usual, np.zeros(scaled.shape[1])])
        bounds = [(-12.0, _HIGHEST)] * spans + [(None, None)] * scaled.shape[1]
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 300}).x
        self._baseline, self._weights = found[:spans], found[spans:]
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        return _hazard(self._baseline[self._place(sheet)] + self._moved(sheet).sum(axis=1))

    def contributions(self, sheet: Sheet) -> pl.DataFrame:
        """What a feature adds to the log of the hazard, stretched so that all add up to the log-odds.

        That is exact for a straight way from the mean player to this one (Sundararajan et al. 2017, "Axiomatic
        attribution for deep networks"): all features share the one slope that log-odds have on this way.
        """
        moved, usual = self._moved(sheet), self._baseline[self._place(sheet)]
        whole = moved.sum(axis=1)
        far = np.where(np.abs(whole) < 1e-3, 1e-3, whole)
        stretched = (_log_odds(usual + far) - _log_odds(usual)) / far
        return pl.DataFrame(moved * stretched[:, None], schema=list(self._names))

    def importance(self) -> dict[str, float]:
        """Absolute weights, as shares."""
        return shares(list(self._names), np.abs(self._weights))

    def hazard_ratios(self) -> dict[str, float]:
        """By how much one more of a feature multiplies the hazard, in any week."""
        ratios = np.exp(self._weights / self._standard.scale)
        return dict(zip(self._names, ratios.tolist(), strict=True))

    def to_files(self, folder: Path) -> None:
        """Write names and arrays."""
        save_json(folder / "hazard.json", {"names": list(self._names)})
        arrays = {"windows": self._windows, "baseline": self._baseline, "weights": self._weights}
        save_arrays(folder / "hazard.npz", arrays | {"mean": self._standard.mean, "scale": self._standard.scale})

    def from_files(self, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        arrays = load_arrays(folder / "hazard.npz")
        self._names = tuple(load_json(folder / "hazard.json")["names"])
        self._windows, self._baseline, self._weights = arrays["windows"], arrays["baseline"], arrays["weights"]
        self._standard = Standard(arrays["mean"], arrays["scale"])
        return self

    def _moved(self, sheet: Sheet) -> Array:
        """What each feature adds to the log of the hazard, shape (n, features)."""
        return self._standard.apply(sheet.x.to_numpy()) * self._weights

    def _place(self, sheet: Sheet) -> NDArray[np.int64]:
        distance = np.abs(sheet.windows[:, None] - self._windows[None, :])
        return np.asarray(distance.argmin(axis=1), dtype=np.int64)


def _hazard(line: Array) -> Array:
    p: Array = -np.expm1(-np.exp(np.minimum(line, _HIGHEST)))
    return p


def _log_odds(line: Array) -> Array:
    odds: Array = np.log(np.expm1(np.exp(np.clip(line, -30.0, _HIGHEST))))
    return odds
