"""A random forest by scikit-learn, kept as the plain arrays of its trees' nodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.calibration import logits
from models.learner import Learner, Sheet, shares
from models.portable import OutdatedModelError, load_arrays, load_json, save_arrays, save_json
from models.tuning import Setting, Suggest

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestClassifier

Array = NDArray[np.float64]
_AT_ONCE = 2_000  # so many, with all trees, fit into a processor's cache
_LEAF = -1


@dataclass(frozen=True)
class ForestParameters:
    """As scikit-learn means them: `min_leaf` is min_samples_leaf, `rows` the share of rows drawn for a tree."""

    trees: int = 60
    depth: int = 10
    min_leaf: int = 20
    rows: float = 0.5


@dataclass(frozen=True)
class Nodes:
    """The nodes of all trees after one another; shape (nodes,), but `roots` (trees,).

    Attributes:
        roots: Where each tree begins.
        feature: Which feature a node asks about; at a leaf any.
        threshold: Values up to it go left.
        left: Where they go; -1 at a leaf.
        right: Where the others go.
        unknown_left: Whether an unknown value goes left.
        share: How many of its rows happened.
    """

    roots: NDArray[np.int64]
    feature: NDArray[np.int64]
    threshold: Array
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    unknown_left: NDArray[np.bool_]
    share: Array

    @classmethod
    def of(cls, forest: "RandomForestClassifier") -> Self:
        """Those of a fitted forest."""
        trees = [each.tree_ for each in forest.estimators_]
        place = list(forest.classes_).index(1.0)
        return cls(**joined(trees), share=np.concatenate([tree.value[:, 0, place] for tree in trees]))

    def predict(self, x: NDArray[np.float32]) -> Array:
        """The mean share of the leaves in which each row falls, shape (n,)."""
        inner, here = self.left != _LEAF, np.arange(len(self.left), dtype=np.int32)
        ways = [np.where(inner, to, here) for to in (self.left, self.right)]
        onward = np.stack(ways, axis=1).astype(np.int32).ravel()
        last = np.where(inner, _as_read(self.threshold), np.float32(np.inf))  # a leaf leads to itself
        feature, roots = self.feature.astype(np.int32), self.roots.astype(np.int32)
        unknown, unknown_right = bool(np.isnan(x).any()), inner & ~self.unknown_left
        steps, answers = self._deepest(), np.empty(len(x))
        for start in range(0, len(x), _AT_ONCE):
            some = x[start : start + _AT_ONCE]
            flat, first = some.ravel(), (np.arange(len(some), dtype=np.int32) * x.shape[1])[:, None]
            at = np.tile(roots, (len(some), 1))
            for _ in range(steps):
                value = flat.take(first + feature.take(at))
                right = value > last.take(at)
                if unknown:
                    right |= np.isnan(value) & unknown_right.take(at)
                at = onward.take(2 * at + right)
            answers[start : start + _AT_ONCE] = self.share.take(at).mean(axis=1)
        return answers

    def _deepest(self) -> int:
        """How many steps the longest way from a root to a leaf has."""
        steps, here = 0, self.roots
        while len(here := here[self.left[here] != _LEAF]):
            steps, here = steps + 1, np.concatenate([self.left[here], self.right[here]])
        return steps

    def moves(self, x: NDArray[np.float32]) -> Array:
        """What each feature adds to the mean share on the way to the leaves, shape (n, features).

        A step from a node to the next counts for the feature that it asks about (Saabas 2014, "Interpreting random
        forests"), which costs a forest no more than to answer; TreeSHAP of deep trees costs thousands of times that.
        """
        at, rows = np.tile(self.roots, (len(x), 1)), np.arange(len(x))[:, None]
        moved = np.zeros(x.size)
        while (inside := self.left[at] != _LEAF).any():
            feature = self.feature[at]
            value = x[rows, feature]
            go_left = np.where(np.isnan(value), self.unknown_left[at], value <= self.threshold[at])
            onward = np.where(inside, np.where(go_left, self.left[at], self.right[at]), at)
            step = (self.share[onward] - self.share[at]) / len(self.roots)
            moved += np.bincount((rows * x.shape[1] + feature).ravel(), weights=step.ravel(), minlength=x.size)
            at = onward
        return moved.reshape(x.shape)

    def sound(self, features: int) -> bool:
        """Whether every node leads on to a later one, so that each walk ends at a leaf."""
        here, inner = np.arange(len(self.left)), self.left != _LEAF
        onward = [(to[inner] > here[inner]).all() and (to < len(here)).all() for to in (self.left, self.right)]
        known = (self.feature >= 0).all() and (self.feature < features).all()
        return bool(all(onward) and known and (self.roots >= 0).all() and (self.roots < len(here)).all())


def joined(trees: Sequence[Any]) -> dict[str, NDArray[Any]]:
    """The nodes of scikit-learn's trees after one another: all of `Nodes` but what the leaves say."""
    roots = np.cumsum([0, *(tree.node_count for tree in trees)][:-1]).astype(np.int64)

    def onward(name: str) -> NDArray[np.int64]:
        parts = (np.where((to := getattr(t, name)) < 0, _LEAF, to + at) for t, at in zip(trees, roots, strict=True))
        return np.concatenate(list(parts)).astype(np.int64)

    return {
        "roots": roots,
        "feature": np.maximum(np.concatenate([tree.feature for tree in trees]), 0).astype(np.int64),
        "threshold": np.concatenate([tree.threshold for tree in trees]),
        "left": onward("children_left"),
        "right": onward("children_right"),
        "unknown_left": np.concatenate([tree.missing_go_to_left for tree in trees]).astype(bool),
    }


class RandomForest(Learner):
    """It enters the contests of the tasks that ask for it; one thread, so that the same rows give the same trees.

    Unlike boosted trees it sees what is alike for all on a day, as a forest does that is written in an afternoon: it
    answers with means of what many trees have seen, so that one day known by heart moves it little.
    """

    name: ClassVar[str] = "random_forest"
    does: ClassVar[str] = "a random forest, the mean of trees each grown on a part of the rows"
    suits: ClassVar[frozenset[str]] = frozenset()
    requires: ClassVar[tuple[str, ...]] = ("scikit-learn",)
    flexible: ClassVar[bool] = True
    parameters_type = ForestParameters
    parameters: ForestParameters

    _nodes: Nodes
    _shares: dict[str, float]

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:
        """How large trees are and what each of them sees; more trees are never worse, only slower."""
        return {
            "depth": ask.whole("depth", 4, 16),
            "min_leaf": ask.whole("min_leaf", 3, 200, log=True),
            "rows": ask.number("rows", 0.2, 0.9),
        }

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Grow the trees."""
        from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 (it takes seconds, for training alone)

        if y.min() == y.max():
            raise ValueError("all outcomes are alike")
        p, x = self.parameters, sheet.whole()
        forest = RandomForestClassifier(
            n_estimators=p.trees,
            max_depth=p.depth,
            min_samples_leaf=p.min_leaf,
            max_samples=p.rows,
            n_jobs=1,
            random_state=self.seed,
        ).fit(_plain(x), y, sample_weight=weights / weights.mean())
        self._nodes = Nodes.of(forest)
        self._shares = shares(x.columns, forest.feature_importances_)
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        return self._nodes.predict(_plain(sheet.whole().select(*self._shares)))

    def contributions(self, sheet: Sheet) -> pl.DataFrame:
        """What moves the mean share on the way to the leaves, brought to the scale of log-odds, see `Nodes.moves`."""
        x = _plain(sheet.whole().select(*self._shares))
        parts = [self._nodes.moves(x[first : first + _AT_ONCE]) for first in range(0, len(x), _AT_ONCE)]
        moved = np.concatenate(parts) if parts else np.zeros(x.shape)
        usual = float(self._nodes.share[self._nodes.roots].mean())
        p = np.clip(usual + moved.sum(axis=1), 1e-6, 1 - 1e-6)
        off, far = p - usual, logits(p) - float(logits(np.array([usual]))[0])
        near = np.abs(off) < 1e-9
        scale = np.where(near, 1 / (usual * (1 - usual)), far / np.where(near, 1.0, off))
        return pl.DataFrame(moved * scale[:, None], schema=list(self._shares))

    def importance(self) -> dict[str, float]:
        """Share of the impurity taken away."""
        return self._shares

    def to_files(self, folder: Path) -> None:
        """Write the nodes as arrays: nothing pickled, and nothing that scikit-learn must read."""
        save_json(folder / "shares.json", {"names": list(self._shares), "shares": list(self._shares.values())})
        save_arrays(folder / "nodes.npz", vars(self._nodes))

    def from_files(self, folder: Path) -> Self:
        """Read what `to_files` wrote.

        Raises:
            OutdatedModelError: The nodes are no trees.
        """
        told, self._nodes = load_json(folder / "shares.json"), Nodes(**load_arrays(folder / "nodes.npz"))
        self._shares = dict(zip(told["names"], told["shares"], strict=True))
        if not self._nodes.sound(len(self._shares)):
            raise OutdatedModelError("A saved random forest is no forest.")
        return self


def _as_read(threshold: Array) -> NDArray[np.float32]:
    """Thresholds in the precision of the rows: the last number that goes left, which tells the same rows apart."""
    near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def _plain(x: pl.DataFrame) -> NDArray[np.float32]:
    """As scikit-learn's trees read it: in single precision."""
    return x.to_numpy().astype(np.float32)
