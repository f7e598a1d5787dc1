"""Gradient-boosted trees by CatBoost, each of which asks the same question of all rows at a depth; an extra."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.learner import Learner, Sheet, shares
from models.tuning import Setting, Suggest

if TYPE_CHECKING:
    import catboost

Array = NDArray[np.float64]
BOOSTER = "booster.cbm"


@dataclass(frozen=True)
class CatBoostParameters:
    """As CatBoost means them: `features` is rsm and `rows` subsample, the shares drawn; `ridge` is l2_leaf_reg."""

    trees: int = 200
    depth: int = 5
    learning_rate: float = 0.06
    features: float = 0.7
    rows: float = 0.7
    ridge: float = 5.0


class CatBoost(Learner):
    """It enters the contests of the tasks that ask for it, where its library is installed and training takes its time.

    Prokhorenkova et al. (2018, NeurIPS, "CatBoost: unbiased boosting with categorical features"). One thread, so that
    the same rows give the same trees.
    """

    name: ClassVar[str] = "catboost"
    does: ClassVar[str] = "boosted trees of CatBoost"
    suits: ClassVar[frozenset[str]] = frozenset()
    requires: ClassVar[tuple[str, ...]] = ("catboost",)
    optional: ClassVar[bool] = True
    heavy: ClassVar[bool] = True
    flexible: ClassVar[bool] = True
    parameters_type = CatBoostParameters
    parameters: CatBoostParameters

    _booster: "catboost.CatBoost"

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:
        """Size and number of trees, how fast they learn, and what each of them sees."""
        return {
            "trees": ask.whole("trees", 50, 400, log=True),
            "depth": ask.whole("depth", 2, 8),
            "learning_rate": ask.number("learning_rate", 0.02, 0.2, log=True),
            "features": ask.number("features", 0.3, 1.0),
            "rows": ask.number("rows", 0.5, 1.0),
            "ridge": ask.number("ridge", 0.1, 50.0, log=True),
        }

    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Grow the trees."""
        from catboost import CatBoost as Booster  # noqa: PLC0415 (it takes a second, and only training grows trees)

        x = sheet.personal()
        self._booster = Booster(self._settings()).fit(_pool(x, label=y, weight=weights))
        return self

    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""
        told = self._booster.predict(_pool(sheet.personal()), prediction_type="Probability", thread_count=1)
        return np.asarray(told, dtype=np.float64)[:, 1]

    def contributions(self, sheet: Sheet) -> pl.DataFrame:
        """TreeSHAP of the log-odds (Lundberg et al. 2020, Nature Machine Intelligence 2, 56)."""
        x = sheet.personal()
        told = self._booster.get_feature_importance(_pool(x), type="ShapValues", thread_count=1)
        return pl.DataFrame(np.asarray(told)[:, :-1], schema=x.columns)  # the last is what all rows share

    def importance(self) -> dict[str, float]:
        """By how much answers move where a feature does (PredictionValuesChange), as shares."""
        return shares(list(self._booster.feature_names_), np.asarray(self._booster.get_feature_importance()))

    def to_files(self, folder: Path) -> None:
        """Write the booster in its own format."""
        self._booster.save_model(str(folder / BOOSTER), format="cbm")

    def from_files(self, folder: Path) -> Self:
        """Read the booster."""
        from catboost import CatBoost as Booster  # noqa: PLC0415 (as above)

        self._booster = Booster().load_model(str(folder / BOOSTER), format="cbm")
        return self

    def _settings(self) -> dict[str, Any]:
        p = self.parameters
        return {
            "loss_function": "Logloss",
            "iterations": p.trees,
            "depth": p.depth,
            "learning_rate": p.learning_rate,
            "l2_leaf_reg": p.ridge,
            "rsm": p.features,
            "bootstrap_type": "Bernoulli",
            "subsample": p.rows,
            "random_seed": self.seed,
            "thread_count": 1,
            "allow_writing_files": False,
            "logging_level": "Silent",
        }


def _pool(x: pl.DataFrame, **told: Any) -> "catboost.Pool":
    from catboost import Pool  # noqa: PLC0415 (as above)

    return Pool(np.ascontiguousarray(x.to_numpy()), feature_names=list(x.columns), thread_count=1, **told)
