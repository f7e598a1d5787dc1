"""Will the player act at all within the window? A calibrated classifier, logistic or boosted."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from models.calibration import Recalibrated, Recalibration, logits
from models.learners.portable import load_arrays, load_booster, load_json, save_arrays, save_booster, save_json

if TYPE_CHECKING:
    import lightgbm as lgb

Array = NDArray[np.float64]
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# The target (`played`) and the player's identity are never among the features.
FEATURES = (
    *("log_recency", "heat_3", "heat_10", "heat_30", "active_1", "active_3", "active_7", "active_14", "active_28"),
    *("log_events_1", "log_events_7", "log_events_28", "log_life", "streak", "log_tenure", "share_of_tenure"),
    *("habit", "habit_ratio", "weekend_days", "start_weekend", "app_1", "app_3", "app_7", "app_ratio"),
    *("log_gap", "overdue", "lead_days", "next_calendar", "last_calendar"),
)

# What `predict` reads: features of a snapshot and the window asked about.
INPUTS: dict[str, pl.DataType] = {
    **{
        name: pl.Float64()
        for name in (
            *("recency_days", "tenure_days", "streak_days", "heat_3", "heat_10", "heat_30", "gap_mean_28"),
            *(f"active_days_{n}" for n in (1, 3, 7, 14, 28, "life")),
            *("events_1", "events_7", "events_28", "app_active_1", "app_active_3", "app_active_7", "app_active_28"),
            *(f"on_{day}" for day in WEEKDAYS),
        )
    },
    **{name: pl.Int64() for name in ("next_calendar_days", "last_calendar_days")},
    **{name: pl.Int32() for name in ("window_days", "lead_days")},
    "start_day": pl.Date(),
}

# Shared by everyone on a day or a course: they tell a tree which past day it sees, not what the player does.
SHARED_IN_TIME = ("app_1", "app_3", "app_7", "app_ratio", "log_tenure", "log_life", "next_calendar", "last_calendar")
TREE_FEATURES = tuple(name for name in FEATURES if name not in SHARED_IN_TIME)


@dataclass(frozen=True)
class PlaysParameters:
    """How to fit; `kind` chooses the learner. `habit` needs no fitting and serves where too little is known."""

    kind: Literal["habit", "logistic", "lightgbm"] = "logistic"
    c: float = 0.1
    trees: int = 150
    leaves: int = 15
    learning_rate: float = 0.05
    min_leaf: int = 100
    seed: int = 7


def plays_matrix(rows: pl.DataFrame) -> pl.DataFrame:
    """The model's inputs: columns FEATURES, one row per input row.

    Args:
        rows: Features of a snapshot plus window_days, lead_days and start_day.
    """
    weekday = pl.col("start_day").dt.weekday()
    length = pl.col("window_days").clip(1, 7)

    def in_window(day: int) -> pl.Expr:
        return (((day - weekday) % 7) < length).cast(pl.Float64)

    habit = pl.sum_horizontal(pl.col(f"on_{name}") * in_window(i + 1) for i, name in enumerate(WEEKDAYS)) / length
    anyday = pl.sum_horizontal(pl.col(f"on_{name}") for name in WEEKDAYS) / 7
    recency = pl.col("recency_days").fill_null(90)
    gap = pl.col("gap_mean_28").fill_null(14).clip(1, 28)
    tenure = pl.col("tenure_days").fill_null(0)
    return rows.select(
        log_recency=recency.log1p(),
        heat_3=pl.col("heat_3").log1p(),
        heat_10=pl.col("heat_10").log1p(),
        heat_30=pl.col("heat_30").log1p(),
        active_1=pl.col("active_days_1"),
        active_3=pl.col("active_days_3") / 3,
        active_7=pl.col("active_days_7") / 7,
        active_14=pl.col("active_days_14") / 14,
        active_28=pl.col("active_days_28") / 28,
        log_events_1=pl.col("events_1").log1p(),
        log_events_7=pl.col("events_7").log1p(),
        log_events_28=pl.col("events_28").log1p(),
        log_life=pl.col("active_days_life").log1p(),
        streak=pl.col("streak_days").log1p(),
        log_tenure=tenure.log1p(),
        share_of_tenure=pl.col("active_days_28") / tenure.clip(1, 28),
        habit=habit,
        habit_ratio=((habit + 0.02) / (anyday + 0.02)).log(),
        weekend_days=(in_window(6) + in_window(7)) / length,
        start_weekend=(weekday >= 6).cast(pl.Float64),
        app_1=pl.col("app_active_1"),
        app_3=pl.col("app_active_3"),
        app_7=pl.col("app_active_7"),
        app_ratio=((pl.col("app_active_3") + 0.02) / (pl.col("app_active_28") + 0.02)).log(),
        log_gap=gap.log(),
        overdue=(recency / gap).log1p(),
        lead_days=pl.col("lead_days").cast(pl.Float64),
        next_calendar=(-pl.col("next_calendar_days").fill_null(60) / 7).exp(),
        last_calendar=(-pl.col("last_calendar_days").fill_null(60) / 7).exp(),
    ).cast(pl.Float64)


def _habit(rows: pl.DataFrame) -> Array:
    """1 - (1 - q) ** window_days with q the share of the last 28 days with play, shrunk to a tenth by five days."""
    share = (pl.col("active_days_28") + 0.5) / (pl.col("tenure_days").fill_null(0).clip(0, 28) + 5)
    return (
        rows.select((1 - (1 - share.clip(0.005, 0.995)) ** pl.col("window_days")).cast(pl.Float64))
        .to_series()
        .to_numpy()
    )


def _tree_matrix(rows: pl.DataFrame) -> Array:
    return np.column_stack([plays_matrix(rows).select(TREE_FEATURES).to_numpy(), rows["window_days"].to_numpy()])


@dataclass(frozen=True)
class _Logit:
    """A standardised logistic regression for one window length."""

    mean: Array
    scale: Array
    weights: Array
    intercept: float

    def predict(self, x: Array) -> Array:
        p: Array = expit(np.clip((x - self.mean) / self.scale, -6, 6) @ self.weights + self.intercept)
        return p


class PlaysModel(Recalibrated):
    """P(at least one active event within the window)."""

    kind: ClassVar[str] = "plays"
    label: ClassVar[str] = "played"
    inputs: ClassVar[tuple[str, ...]] = FEATURES
    least: ClassVar[float] = 1e-4

    def __init__(self, parameters: PlaysParameters, windows: tuple[int, ...]) -> None:
        self.parameters = parameters
        self.windows = windows
        self.recalibration = Recalibration(1.0, (0.0,) * len(windows))
        self.adjustment = Recalibration()
        self.fitted_on = self.inputs
        self._logits: dict[int, _Logit] = {}
        self._booster: lgb.Booster | None = None

    def fit(self, rows: pl.DataFrame, *, weights: Array | None = None) -> Self:
        """Fit on rows with features, window_days, lead_days, start_day and the label `played` (Boolean)."""
        weights = np.ones(rows.height) if weights is None else weights
        y, length = rows["played"].to_numpy().astype(float), rows["window_days"].to_numpy()
        if self.parameters.kind == "lightgbm":
            self._booster = self._boost(_tree_matrix(rows), y, weights)
        elif self.parameters.kind == "logistic":
            x = plays_matrix(rows).to_numpy()
            self._logits = {
                w: self._regress(x[at], y[at], weights[at]) for w in self.windows if (at := length == w).any()
            }
        return self

    @property
    def flexible(self) -> bool:
        """Trees can fit the noise of their rows."""
        return self._booster is not None

    def importance(self) -> dict[str, float]:
        """Mean absolute standardised weight, or gain, by feature; adds up to 1."""
        if self._booster is not None:
            values = self._booster.feature_importance("gain")
            names: tuple[str, ...] = (*TREE_FEATURES, "window_days")
        elif not self._logits:
            return {"active_28": 1.0}
        else:
            values, names = np.mean([np.abs(m.weights) for m in self._logits.values()], axis=0), FEATURES
        total = float(np.sum(values)) or 1.0
        return {name: float(value) / total for name, value in zip(names, values, strict=True)}

    def to_files(self, folder: Path) -> None:
        """Write the model as JSON, arrays and booster text."""
        save_json(
            folder / "model.json",
            {
                "parameters": asdict(self.parameters),
                "inputs": list(self.fitted_on),
                "windows": list(self.windows),
                "slope": self.recalibration.slope,
                "intercepts": list(self.recalibration.intercepts),
                "logits": {str(w): m.intercept for w, m in self._logits.items()},
            },
        )
        save_arrays(
            folder / "logits.npz",
            {f"{w}_{k}": getattr(m, k) for w, m in self._logits.items() for k in ("mean", "scale", "weights")},
        )
        if self._booster is not None:
            save_booster(folder / "booster.txt", self._booster)

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        told = load_json(folder / "model.json")
        model = cls(PlaysParameters(**told["parameters"]), tuple(told["windows"]))
        model.fitted_on = tuple(told.get("inputs", ()))
        model.recalibration = Recalibration(told["slope"], tuple(told["intercepts"]))
        arrays = load_arrays(folder / "logits.npz")
        for w, intercept in told["logits"].items():
            mean, scale, weights = (arrays[f"{w}_{k}"] for k in ("mean", "scale", "weights"))
            model._logits[int(w)] = _Logit(mean, scale, weights, intercept)
        if model.parameters.kind == "lightgbm":
            model._booster = load_booster(folder / "booster.txt")
        return model

    def _group(self, rows: pl.DataFrame) -> NDArray[np.int64]:
        places = {w: i for i, w in enumerate(self.windows)}
        return rows["window_days"].replace_strict(places, default=-1).to_numpy().astype(np.int64)

    def _raw(self, rows: pl.DataFrame) -> Array:
        if self._booster is not None:
            return np.asarray(self._booster.predict(_tree_matrix(rows), num_threads=1))
        if not self._logits:
            return _habit(rows)
        x, length = plays_matrix(rows).to_numpy(), rows["window_days"].to_numpy()
        p = np.full(len(x), 0.5)
        for w in np.unique(length):
            nearest = min(self._logits, key=lambda known: abs(known - w))
            p[length == w] = self._logits[nearest].predict(x[length == w])
        return p

    def _regress(self, x: Array, y: Array, weights: Array) -> _Logit:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 (it takes seconds, for training alone)

        mean, scale = x.mean(axis=0), x.std(axis=0)
        scale = np.where(scale < 1e-9, 1.0, scale)
        if y.min() == y.max():
            share = (y.sum() + 0.5) / (len(y) + 1)
            return _Logit(mean, scale, np.zeros(x.shape[1]), float(logits(np.array([share]))[0]))
        learner = LogisticRegression(C=self.parameters.c, max_iter=500)
        fitted = learner.fit(np.clip((x - mean) / scale, -6, 6), y, sample_weight=weights)
        return _Logit(mean, scale, fitted.coef_[0], float(fitted.intercept_[0]))

    def _boost(self, x: Array, y: Array, weights: Array) -> "lgb.Booster":
        import lightgbm as lgb  # noqa: PLC0415 (it takes seconds, and only training grows trees)

        p = self.parameters
        settings = {
            "objective": "binary",
            "num_leaves": p.leaves,
            "learning_rate": p.learning_rate,
            "min_data_in_leaf": p.min_leaf,
            "feature_fraction": 0.7,
            "bagging_fraction": 0.7,
            "bagging_freq": 1,
            "lambda_l2": 5.0,
            "seed": p.seed,
            "deterministic": True,
            "num_threads": 1,
            "verbose": -1,
        }
        data = lgb.Dataset(x, y, weight=weights, feature_name=[*TREE_FEATURES, "window_days"])
        return lgb.train(settings, data, p.trees)
