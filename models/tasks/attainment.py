"""If they play, how likely is t of metric m within the window? Empirical Bayes, or a monotone boosted model."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.calibration import Recalibrated, Recalibration, logits
from models.learners.empirical_bayes import KEY, EmpiricalBayes
from models.learners.portable import load_booster, load_json, save_booster, save_json

if TYPE_CHECKING:
    import lightgbm as lgb

Array = NDArray[np.float64]

# Name and direction in which the probability may move as the feature rises (0: any). Everything that rests on the
# target falls with it, so the whole model falls with it.
MONOTONE: dict[str, int] = {
    "log_target": -1,
    "over_mean": -1,
    "record": 1,
    "population": 1,
    "evidence": 0,
    "past_mean": 0,
    "past_sd": 0,
    "window_days": 0,
    "lead_days": 0,
    "own_7": 0,
    "own_28": 0,
    "own_per_day": 0,
    "own_trend": 0,
    "active_7": 0,
    "active_28": 0,
    "log_recency": 0,
    "log_events_7": 0,
    "streak": 0,
    "habit": 0,
    "weekend_days": 0,
    "next_calendar": 0,
    "last_calendar": 0,
    "metric": 0,
}
FEATURES = tuple(MONOTONE)
FROM_PLAY = (
    *("active_7", "active_28", "log_recency", "log_events_7", "streak", "habit", "weekend_days"),
    *("next_calendar", "last_calendar"),
)

# What `predict` reads: a question, the evidence on it, the metric's own features and those of play.
INPUTS: dict[str, pl.DataType] = {
    "metric": pl.String(),
    **{name: pl.Int32() for name in ("window_days", "lead_days")},
    **{
        name: pl.Float64()
        for name in (
            *("target", "reached", "evidence", "population", "past_mean", "past_sd"),
            *("own_7", "own_28", "own_per_day", "own_trend"),
            *FROM_PLAY,
        )
    },
}


@dataclass(frozen=True)
class AttainmentParameters:
    """How to fit; `kind` chooses the learner."""

    kind: Literal["empirical_bayes", "lightgbm"] = "empirical_bayes"
    trees: int = 120
    leaves: int = 12
    learning_rate: float = 0.05
    min_leaf: int = 150
    seed: int = 7


class AttainmentModel(Recalibrated):
    """P(metric reaches the target within the window, given that the player plays).

    Targets and values are signed (see empirical_bayes). Rows carry FEATURES' raw inputs: what `EmpiricalBayes.weigh`
    adds, own_* columns of the metric, and the play features of models/tasks/plays.py.
    """

    kind: ClassVar[str] = "attainment"
    label: ClassVar[str] = "hit"
    inputs: ClassVar[tuple[str, ...]] = FEATURES
    least: ClassVar[float] = 1e-3

    def __init__(self, parameters: AttainmentParameters, record: EmpiricalBayes) -> None:
        self.parameters = parameters
        self.record = record
        self.places = {key: i for i, key in enumerate(record.strengths.select(KEY).sort(KEY).iter_rows())}
        self.codes = {metric: i for i, metric in enumerate(sorted({m for m, _ in self.places}))}
        self.recalibration = Recalibration(1.0, (0.0,) * max(len(self.places), 1))
        self.adjustment = Recalibration()
        self.fitted_on = self.inputs
        self._booster: lgb.Booster | None = None

    def fit(self, rows: pl.DataFrame, *, weights: Array | None = None) -> Self:
        """Fit on rows with the label `hit` (0.0 or 1.0)."""
        if self.parameters.kind == "lightgbm":
            self._booster = self._boost(self._matrix(rows), rows["hit"].to_numpy(), weights)
        return self

    @property
    def flexible(self) -> bool:
        """Trees can fit the noise of their rows."""
        return self._booster is not None

    def importance(self) -> dict[str, float]:
        """Share of the gain by feature; empirical Bayes rests on the record alone."""
        if self._booster is None:
            return {"record": 1.0}
        gain = self._booster.feature_importance("gain")
        return {name: float(g) / (float(gain.sum()) or 1.0) for name, g in zip(FEATURES, gain, strict=True)}

    def to_files(self, folder: Path) -> None:
        """Write the model as JSON, Parquet tables and booster text."""
        for name in ("survival", "strengths", "menu"):
            getattr(self.record, name).write_parquet(folder / f"{name}.parquet")
        save_json(
            folder / "model.json",
            {
                "parameters": asdict(self.parameters),
                "inputs": list(self.fitted_on),
                "slope": self.recalibration.slope,
                "intercepts": list(self.recalibration.intercepts),
            },
        )
        if self._booster is not None:
            save_booster(folder / "booster.txt", self._booster)

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        told = load_json(folder / "model.json")
        tables = (folder / f"{name}.parquet" for name in ("survival", "strengths", "menu"))
        record = EmpiricalBayes(*(pl.read_parquet(table, glob=False) for table in tables))
        model = cls(AttainmentParameters(**told["parameters"]), record)
        model.fitted_on = tuple(told.get("inputs", ()))
        model.recalibration = Recalibration(told["slope"], tuple(told["intercepts"]))
        if model.parameters.kind == "lightgbm":
            model._booster = load_booster(folder / "booster.txt")
        return model

    def _group(self, rows: pl.DataFrame) -> NDArray[np.int64]:
        places = pl.DataFrame(
            [(m, w, i) for (m, w), i in self.places.items()],
            schema={"metric": pl.String, "window_days": rows.schema["window_days"], "_place": pl.Int64},
            orient="row",
        )
        found = rows.select(KEY).join(places, on=KEY, how="left", maintain_order="left")["_place"]
        return found.fill_null(-1).to_numpy()

    def _raw(self, rows: pl.DataFrame) -> Array:
        if self._booster is not None:
            return np.asarray(self._booster.predict(self._matrix(rows), num_threads=1))
        return self.record.probability(rows)

    def _matrix(self, rows: pl.DataFrame) -> Array:
        def log(name: str) -> pl.Expr:
            return pl.col(name).sign() * pl.col(name).abs().log1p()

        mean = pl.col("past_mean")
        inputs = rows.select(
            log_target=log("target"),
            over_mean=log("target") - log("past_mean"),
            record=pl.lit(pl.Series(logits(self.record.probability(rows)))),
            population=(pl.col("population") / (1 - pl.col("population"))).log(),
            evidence=pl.col("evidence"),
            past_mean=mean.sign() * mean.abs().log1p(),
            past_sd=pl.col("past_sd").log1p(),
            window_days=pl.col("window_days"),
            lead_days=pl.col("lead_days"),
            own_7=log("own_7"),
            own_28=log("own_28"),
            own_per_day=log("own_per_day"),
            own_trend=pl.col("own_trend"),
            **{name: pl.col(name) for name in FROM_PLAY},
            metric=pl.col("metric").replace_strict(self.codes, default=-1),
        )
        return inputs.select(pl.col(FEATURES).cast(pl.Float64)).to_numpy()

    def _boost(self, x: Array, y: Array, weights: Array | None) -> "lgb.Booster":
        import lightgbm as lgb  # noqa: PLC0415 (it takes seconds, and only training grows trees)

        p = self.parameters
        settings = {
            "objective": "binary",
            "num_leaves": p.leaves,
            "learning_rate": p.learning_rate,
            "min_data_in_leaf": p.min_leaf,
            "monotone_constraints": list(MONOTONE.values()),
            "monotone_constraints_method": "advanced",
            "feature_fraction": 0.8,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "lambda_l2": 5.0,
            "seed": p.seed,
            "deterministic": True,
            "num_threads": 1,
            "verbose": -1,
        }
        data = lgb.Dataset(x, y, weight=weights, feature_name=list(FEATURES), categorical_feature=["metric"])
        return lgb.train(settings, data, p.trees)
