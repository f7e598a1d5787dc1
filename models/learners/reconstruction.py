"""The error with which a few principal components give a row back: what does not follow the usual ties is unusual."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from models.learner import Learner, Sheet, shares
from models.portable import load_arrays, load_json, save_arrays, save_json
from models.statistics.standard import Oddness, Standard
from models.tuning import Setting, Suggest

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ReconstructionParameters:
    """`kept` is the least share of the variance that the components hold."""

    kept: float = 0.8


class Reconstruction(Learner):
    """Principal components of what did not happen; a row's score is the length of what they leave of it.

    Its square is the Q statistic of Jackson and Mudholkar (1979, Technometrics 21, 341) on standardised features: a sum
    over the features, by which each one's part in an answer is known.
    """

    name: ClassVar[str] = "reconstruction"
    does: ClassVar[str] = "how far a week is from what the ties between figures of true ones make of it"
    suits: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 3
    requires: ClassVar[tuple[str, ...]] = ("scikit-learn",)
    parameters_type = ReconstructionParameters
    parameters: ReconstructionParameters

    _names: list[str]
    _on: Standard
    _components: Array
    _odd: Oddness
    _left: Array

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:
        """How much the components hold."""
        return {"kept": ask.number("kept", 0.4, 0.97)}

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:  # noqa: ARG002 (components know no weights)
        """Find the components of the rows of which it did not happen."""
        from sklearn.decomposition import PCA  # noqa: PLC0415 (it takes seconds, for training alone)

        usual = sheet.only(y == 0)
        self._names, x = usual.x.columns, usual.x.to_numpy()
        self._on = Standard.of(x)
        found = PCA(svd_solver="full").fit(self._on.apply(x))
        held = np.cumsum(found.explained_variance_ratio_)
        self._components = found.components_[: 1 + int(np.searchsorted(held, self.parameters.kept))]
        left = self._parts(usual)
        self._odd, self._left = Oddness.of(left.sum(axis=1)), left.mean(axis=0)
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Chances, shape (n,)."""
        p: Array = expit(self._odd.log_odds(self._parts(sheet).sum(axis=1)))
        return p

    def contributions(self, sheet: Sheet) -> pl.DataFrame:
        """Each feature's part in the length, beyond what it usually is: as much as it adds to the square."""
        return pl.DataFrame((self._parts(sheet) - self._left) * self._odd.slope, schema=self._names)

    def importance(self) -> dict[str, float]:
        """Mean parts in the length, as shares."""
        return shares(self._names, self._left)

    def to_files(self, folder: Path) -> None:
        """Write the components and scales as arrays."""
        save_json(folder / "odd.json", {"names": self._names, **vars(self._odd)})
        arrays = {**vars(self._on), "components": self._components, "left": self._left}
        save_arrays(folder / "components.npz", arrays)

    def from_files(self, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        told, arrays = load_json(folder / "odd.json"), load_arrays(folder / "components.npz")
        self._names, self._odd = told["names"], Oddness(told["middle"], told["spread"])
        self._on = Standard(arrays["mean"], arrays["scale"])
        self._components, self._left = arrays["components"], arrays["left"]
        return self

    def _parts(self, sheet: Sheet) -> Array:
        """The length of what is left of each row, in standard deviations, cut as its square is: shape (n, features)."""
        x = self._on.apply(sheet.x.select(self._names).to_numpy())
        # Row by row, since a product of matrices rounds otherwise where there are more rows.
        along = np.einsum("ij,kj->ik", x, self._components)
        squares = (x - np.einsum("ik,kj->ij", along, self._components)) ** 2
        parts: Array = squares / np.sqrt(np.maximum(squares.sum(axis=1, keepdims=True), 1e-12))
        return parts
