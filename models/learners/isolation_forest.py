"""An isolation forest by scikit-learn, kept as the plain arrays of its trees' nodes."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.learner import Learner, Sheet
from models.learners.random_forest import Nodes, joined
from models.portable import OutdatedModelError, load_arrays, load_json, save_arrays, save_json
from models.statistics.standard import Oddness
from models.tuning import Setting, Suggest

if TYPE_CHECKING:
    from sklearn.ensemble import IsolationForest

Array = NDArray[np.float64]


@dataclass(frozen=True)
class IsolationParameters:
    """`rows` are drawn for each tree, as Liu, Ting and Zhou (2008, ICDM, 413) do."""

    trees: int = 100
    rows: int = 256


class Isolation(Learner):
    """What is set apart after few random cuts is unlike the others; it is fitted on what did not happen alone.

    The score is -E[h] / c(rows), with h the depth at which a row stands alone and c its mean among as many; it becomes
    a chance by the median and spread of the scores it was fitted on.
    """

    name: ClassVar[str] = "isolation_forest"
    does: ClassVar[str] = "how few random cuts set a week apart from true ones"
    suits: ClassVar[frozenset[str]] = frozenset()
    rank: ClassVar[int] = 4  # it tells no reasons, so others serve where it is not surely better
    requires: ClassVar[tuple[str, ...]] = ("scikit-learn",)
    parameters_type = IsolationParameters
    parameters: IsolationParameters

    _nodes: Nodes
    _names: list[str]
    _odd: Oddness

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:
        """How many trees, of how many rows each."""
        return {"trees": ask.whole("trees", 50, 200, log=True), "rows": ask.whole("rows", 64, 1024, log=True)}

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Grow the trees on the rows of which it did not happen."""
        from sklearn.ensemble import IsolationForest  # noqa: PLC0415 (it takes seconds, for training alone)

        usual = sheet.only(y == 0)
        x = usual.x.to_numpy().astype(np.float32)
        rows = min(self.parameters.rows, len(x))
        forest = IsolationForest(n_estimators=self.parameters.trees, max_samples=rows, random_state=self.seed)
        forest.fit(x, sample_weight=weights[y == 0])
        self._nodes, self._names = _nodes(forest), usual.x.columns
        self._odd = Oddness.of(self._scores(usual))
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Chances, shape (n,)."""
        p: Array = expit(self._odd.log_odds(self._scores(sheet)))
        return p

    def importance(self) -> dict[str, float]:
        """All features alike: cuts are drawn at random."""
        return dict.fromkeys(self._names, 1 / len(self._names))

    def to_files(self, folder: Path) -> None:
        """Write the nodes as arrays: nothing pickled, and nothing that scikit-learn must read."""
        save_json(folder / "scale.json", {"names": self._names, **vars(self._odd)})
        save_arrays(folder / "nodes.npz", vars(self._nodes))

    def from_files(self, folder: Path) -> Self:
        """Read what `to_files` wrote.

        Raises:
            OutdatedModelError: The nodes are no trees.
        """
        told, self._nodes = load_json(folder / "scale.json"), Nodes(**load_arrays(folder / "nodes.npz"))
        self._names, self._odd = told["names"], Oddness(told["middle"], told["spread"])
        if not self._nodes.sound(len(self._names)):
            raise OutdatedModelError("A saved isolation forest is no forest.")
        return self

    def _scores(self, sheet: Sheet) -> Array:
        """Minus the mean depth, which is the higher the sooner a row stands alone; shape (n,)."""
        return -self._nodes.predict(sheet.x.select(self._names).to_numpy().astype(np.float32))


def mean_depth(rows: Array) -> Array:
    """c(n): the mean depth of an unsuccessful search among n (Liu, Ting and Zhou 2008, equation 1)."""
    n = np.maximum(np.asarray(rows, dtype=float), 2.0)
    many: Array = 2 * (np.log(n - 1 + (n == 2)) + np.euler_gamma) - 2 * (n - 1) / n
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, many))


def _nodes(forest: "IsolationForest") -> Nodes:
    """The nodes of a fitted forest; the depth at which a leaf sets its rows apart is its share."""
    trees = [each.tree_ for each in forest.estimators_]
    depths = [_depths(tree.children_left, tree.children_right) for tree in trees]
    reached = [depth + mean_depth(tree.n_node_samples) for depth, tree in zip(depths, trees, strict=True)]
    whole = float(mean_depth(np.array([forest.max_samples_]))[0]) or 1.0
    return Nodes(**joined(trees), share=np.concatenate(reached) / whole)


def _depths(left: NDArray[np.int64], right: NDArray[np.int64]) -> Array:
    """How many cuts lead to each node; a node comes before those below it."""
    depth = np.zeros(len(left))
    for node in np.flatnonzero(left >= 0):
        depth[[left[node], right[node]]] = depth[node] + 1
    return depth
