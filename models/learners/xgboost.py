"""Gradient-boosted trees by XGBoost, grown level by level where LightGBM grows leaf by leaf."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.cluster import spread
from models.explain.tree_facts import Splits, told_by_kind
from models.learner import Learner, Sheet, shares
from models.tuning import Setting, Suggest

if TYPE_CHECKING:
    import xgboost as xgb
    from distributed import Client

Array = NDArray[np.float64]
BOOSTER = "booster.ubj"
FEWEST = 2_000  # rows; of fewer the library is asked at once: it takes longer than LightGBM to be asked of a tree


@dataclass(frozen=True)
class XGBoostParameters:
    """As XGBoost means them: `min_child` is min_child_weight, `features` and `rows` are shares drawn for a tree."""

    trees: int = 150
    depth: int = 4
    learning_rate: float = 0.05
    min_child: float = 20.0
    features: float = 0.7
    rows: float = 0.7
    ridge: float = 5.0


class XGBoost(Learner):
    """It enters the contests of the tasks that ask for it; one thread, so that the same rows give the same trees."""

    name: ClassVar[str] = "xgboost"
    does: ClassVar[str] = "boosted trees of XGBoost"
    suits: ClassVar[frozenset[str]] = frozenset()
    requires: ClassVar[tuple[str, ...]] = ("xgboost-cpu",)
    flexible: ClassVar[bool] = True
    spreads: ClassVar[bool] = True
    keeps_order: ClassVar[bool] = True
    parameters_type = XGBoostParameters
    parameters: XGBoostParameters

    _booster: "xgb.Booster"

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:
        """Size and number of trees, how fast they learn, and what each of them sees."""
        return {
            "trees": ask.whole("trees", 50, 400, log=True),
            "depth": ask.whole("depth", 2, 8),
            "learning_rate": ask.number("learning_rate", 0.02, 0.2, log=True),
            "min_child": ask.number("min_child", 1.0, 100.0, log=True),
            "features": ask.number("features", 0.3, 1.0),
            "rows": ask.number("rows", 0.5, 1.0),
            "ridge": ask.number("ridge", 0.1, 50.0, log=True),
        }

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Grow the trees."""
        import xgboost as xgb  # noqa: PLC0415 (it takes seconds, and only training grows trees)

        x = sheet.personal()
        data = _matrix(x, label=y, weight=weights)
        self._booster = xgb.train(self._settings(sheet, x.columns), data, self.parameters.trees)
        return self

    def fit_on(self, client: "Client", sheet: Sheet, y: Array, weights: Array) -> Self:
        """Grow the trees where the rows are spread; rows and features are drawn otherwise than here."""
        from xgboost.dask import DaskQuantileDMatrix, train  # noqa: PLC0415 (as above)

        x = sheet.personal()
        rows, happened, count = spread(client, x.to_numpy(), y, weights)
        data = DaskQuantileDMatrix(client, rows, happened, weight=count, feature_names=x.columns)
        self._booster = train(client, self._settings(sheet, x.columns), data, self.parameters.trees)["booster"]
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        return self._booster.predict(_matrix(sheet.personal())).astype(np.float64)

    def contributions(self, sheet: Sheet) -> pl.DataFrame:
        """TreeSHAP of the log-odds (Lundberg et al. 2020, Nature Machine Intelligence 2, 56)."""
        x = sheet.personal()
        rows = x.to_numpy().astype(np.float32)  # as it sees them
        if len(rows) < FEWEST:
            return pl.DataFrame(_told(self._booster, rows).astype(np.float64), schema=x.columns)
        trees = list(self._booster)
        told = told_by_kind(rows, self._splits(), lambda tree, some: _told(trees[tree], some))
        return pl.DataFrame(told, schema=x.columns)

    def importance(self) -> dict[str, float]:
        """Share of the gain."""
        names, gain = self._booster.feature_names or [], self._booster.get_score(importance_type="total_gain")
        return shares(list(names), np.array([gain.get(name, 0.0) for name in names], dtype=np.float64))

    def to_files(self, folder: Path) -> None:
        """Write the booster in its own format, binary JSON."""
        self._booster.save_model(folder / BOOSTER)

    def from_files(self, folder: Path) -> Self:
        """Read the booster."""
        import xgboost as xgb  # noqa: PLC0415 (it takes seconds, and not every model has trees)

        self._booster = xgb.Booster({"nthread": 1}, model_file=folder / BOOSTER)
        return self

    def _splits(self) -> list[Splits]:
        """Where each tree splits: what is less than a threshold lies on the one side."""
        model = json.loads(self._booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
        trees = []
        for tree in model["trees"]:
            inner = np.array(tree["left_children"]) >= 0
            less = np.nextafter(np.array(tree["split_conditions"], dtype=np.float32), np.float32(-np.inf))
            trees.append(Splits(np.array(tree["split_indices"])[inner].tolist(), less[inner].tolist()))
        return trees

    def _settings(self, sheet: Sheet, names: list[str]) -> dict[str, Any]:
        p = self.parameters
        settings = {
            "objective": "binary:logistic",
            "tree_method": "hist",
            "max_depth": p.depth,
            "learning_rate": p.learning_rate,
            "min_child_weight": p.min_child,
            "colsample_bytree": p.features,
            "subsample": p.rows,
            "lambda": p.ridge,
            "seed": self.seed,
            "nthread": 1,
        }
        if sheet.monotone:
            settings["monotone_constraints"] = tuple(sheet.monotone.get(name, 0) for name in names)
        return settings


def _told(trees: "xgb.Booster", rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """TreeSHAP of some rows, without what all of them share, which is the last column."""
    import xgboost as xgb  # noqa: PLC0415 (as above)

    asked = xgb.DMatrix(rows, feature_names=trees.feature_names, nthread=1)
    told: NDArray[np.float32] = trees.predict(asked, pred_contribs=True)
    return told[:, :-1]


def _matrix(x: pl.DataFrame, **told: Any) -> "xgb.DMatrix":
    import xgboost as xgb  # noqa: PLC0415 (as above)

    return xgb.DMatrix(x.to_numpy(), feature_names=x.columns, nthread=1, **told)
