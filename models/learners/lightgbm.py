"""Gradient-boosted trees by LightGBM, which keep to the directions that a task demands."""

import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.cluster import spread
from models.explain.tree_facts import Splits, splits_of, told_by_kind
from models.learner import Learner, Sheet, shares
from models.tuning import Setting, Suggest

if TYPE_CHECKING:
    import lightgbm as lgb
    from distributed import Client

Array = NDArray[np.float64]
BOOSTER = "booster.txt"
FEWEST = 250  # rows; of fewer the library is asked at once
ALIKE_IN = 2  # features by which rows are put in order
AT_ONCE = 30_000  # rows: more at a time wait for memory, fewer for the library to begin
_log = logging.getLogger(f"nightquest.{__name__}")


@dataclass(frozen=True)
class LightGBMParameters:
    """As LightGBM means them: `min_leaf` is min_data_in_leaf, `features` and `rows` are shares drawn for a tree.

    `drawn` is extra_trees: a threshold of each feature is drawn at random, and the best of these is taken.
    """

    trees: int = 150
    leaves: int = 15
    learning_rate: float = 0.05
    min_leaf: int = 100
    features: float = 0.7
    rows: float = 0.7
    ridge: float = 5.0
    drawn: bool = False


class LightGBM(Learner):
    """One model for all lengths of window; one thread, so that the same rows give the same trees."""

    name: ClassVar[str] = "lightgbm"
    does: ClassVar[str] = "boosted trees of LightGBM"
    suits: ClassVar[frozenset[str]] = frozenset({"binary"})
    requires: ClassVar[tuple[str, ...]] = ("lightgbm",)
    flexible: ClassVar[bool] = True
    spreads: ClassVar[bool] = True
    keeps_order: ClassVar[bool] = True
    parameters_type = LightGBMParameters
    parameters: LightGBMParameters

    _booster: "lgb.Booster"

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:
        """Size and number of trees, how fast they learn, and what each of them sees."""
        return {
            "trees": ask.whole("trees", 50, 400, log=True),
            "leaves": ask.whole("leaves", 4, 63, log=True),
            "learning_rate": ask.number("learning_rate", 0.02, 0.2, log=True),
            "min_leaf": ask.whole("min_leaf", 10, 400, log=True),
            "features": ask.number("features", 0.3, 1.0),
            "rows": ask.number("rows", 0.5, 1.0),
            "ridge": ask.number("ridge", 0.1, 50.0, log=True),
        }

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Grow the trees."""
        self.grow(sheet, y, weights)
        return self

    def grow(self, sheet: Sheet, y: Array, weights: Array, begin: Array | None = None) -> None:
        """Grow the trees, from log-odds of each row's own on where some are given, shape (n,)."""
        import lightgbm as lgb  # noqa: PLC0415 (it takes seconds, and only training grows trees)

        x = sheet.personal()
        data = lgb.Dataset(
            np.ascontiguousarray(x.to_numpy()),
            y,
            weight=weights,
            init_score=begin,
            feature_name=x.columns,
            categorical_feature=list(sheet.categories),
        )
        self._hold(lgb.train(self._settings(sheet, x.columns), data, self.parameters.trees))

    def fit_on(self, client: "Client", sheet: Sheet, y: Array, weights: Array) -> Self:
        """Grow the trees where the rows are spread, drawn otherwise than here; the workers open ports to each other."""
        import lightgbm as lgb  # noqa: PLC0415 (as above)
        from lightgbm.dask import DaskLGBMClassifier  # noqa: PLC0415 (as above)

        lgb.register_logger(_log)  # else it prints among what a command tells
        x = sheet.personal()
        settings: dict[str, Any] = {
            name: each for name, each in self._settings(sheet, x.columns).items() if name != "num_threads"
        }
        forest = DaskLGBMClassifier(client=client, n_estimators=self.parameters.trees, tree_learner="data", **settings)
        rows, happened, count = spread(client, np.ascontiguousarray(x.to_numpy()), y, weights)
        forest.fit(
            rows,
            happened,
            sample_weight=count,
            feature_name=x.columns,
            categorical_feature=list(sheet.categories),
        )
        self._hold(forest.booster_)
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        return self.answers(sheet)

    def answers(self, sheet: Sheet, *, raw_score: bool = False) -> Array:
        """Probabilities, or with `raw_score` how far the trees move log-odds, shape (n,)."""
        x = sheet.personal()
        order = x.select(pl.arg_sort_by(self._telling(x.columns))).to_series().to_numpy()
        rows, answers = x.to_numpy(order="c"), np.empty(len(order))
        for first in range(0, len(order), AT_ONCE):
            some = order[first : first + AT_ONCE]
            answers[some] = self._booster.predict(rows[some], raw_score=raw_score, num_threads=1)
        return answers

    def contributions(self, sheet: Sheet) -> pl.DataFrame:
        """TreeSHAP of the log-odds (Lundberg et al. 2020, Nature Machine Intelligence 2, 56)."""
        x = sheet.personal()
        rows = x.to_numpy()
        if len(rows) < FEWEST or (trees := self._splits) is None:
            told = self._told(rows)
        else:
            told = told_by_kind(rows, trees, lambda tree, some: self._told(some, start_iteration=tree, num_iteration=1))
        return pl.DataFrame(told, schema=x.columns)

    def importance(self) -> dict[str, float]:
        """Share of the gain."""
        return shares(self._booster.feature_name(), self._booster.feature_importance("gain"))

    def to_files(self, folder: Path) -> None:
        """Write the booster in its own text format."""
        (folder / BOOSTER).write_text(self._booster.model_to_string(), encoding="utf-8")

    def from_files(self, folder: Path) -> Self:
        """Read the booster from its text."""
        import lightgbm as lgb  # noqa: PLC0415 (it takes seconds, and not every model has trees)

        self._hold(lgb.Booster(model_str=(folder / BOOSTER).read_text(encoding="utf-8")))
        return self

    def _hold(self, booster: "lgb.Booster") -> None:
        self._booster = booster
        self.__dict__.pop("_splits", None)  # of the trees before

    def _telling(self, names: list[str]) -> list[str]:
        """The features that tell most: trees answer faster where rows that are alike in them follow each other."""
        return [
            names[place] for place in np.argsort(-self._booster.feature_importance("gain"), kind="stable")[:ALIKE_IN]
        ]

    def _told(self, rows: Array, **trees: Any) -> Array:
        """TreeSHAP of some trees, without what all rows share, which is the last column."""
        told = self._booster.predict(np.ascontiguousarray(rows), pred_contrib=True, num_threads=1, **trees)
        return np.asarray(told)[:, :-1]

    @cached_property
    def _splits(self) -> list[Splits] | None:
        """Where each tree splits; None where a split is no plain threshold, as with names."""
        trees = [splits_of(tree["tree_structure"]) for tree in self._booster.dump_model()["tree_info"]]
        plain = [each for each in trees if each is not None]
        return plain if len(plain) == len(trees) else None

    def _settings(self, sheet: Sheet, names: list[str]) -> dict[str, Any]:
        p = self.parameters
        settings = {
            "objective": "binary",
            "num_leaves": p.leaves,
            "learning_rate": p.learning_rate,
            "min_data_in_leaf": p.min_leaf,
            "feature_fraction": p.features,
            "bagging_fraction": p.rows,
            "bagging_freq": 1,
            "lambda_l2": p.ridge,
            "extra_trees": p.drawn,
            "seed": self.seed,
            "deterministic": True,
            "num_threads": 1,
            "verbose": -1,
        }
        if sheet.monotone:
            directions = [sheet.monotone.get(name, 0) for name in names]
            # The other methods let answers rise where they must fall, once there are names and unknown values as well.
            settings |= {"monotone_constraints": directions, "monotone_constraints_method": "basic"}
        return settings
