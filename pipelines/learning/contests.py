"""Fit the challenge models, let challengers compete on a later holdout, and keep what the reviewer needs to see."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from configs.app import App
from configs.errors import NightquestError
from models.learners.empirical_bayes import PLAYER_KEY, EmpiricalBayes
from models.scores import clustered_interval, log_losses
from models.tasks.attainment import AttainmentModel, AttainmentParameters
from models.tasks.plays import PlaysModel, PlaysParameters
from pipelines.learning.incumbents import Against, Incumbent, compare
from pipelines.learning.questions import ask_menu, attainment_rows, plays_rows, sign_of, whole_metrics
from pipelines.learning.samples import Samples

Array = NDArray[np.float64]
Model = TypeVar("Model", PlaysModel, AttainmentModel)
FEWEST_SNAPSHOTS = 300
FEWEST_DAYS = 5
FEWEST_PLAYED = 50
FEWEST_ROWS = 30
HALF_LIFE_DAYS = 60.0
MOST_QUESTIONS = 150_000
_ASKED = (*PLAYER_KEY, "lead_days", "start_day", "target", "hit")
_END = pl.col("start_day") + pl.duration(days=pl.col("window_days") - 1)


class Progress(Protocol):
    """Called with a stage and how far it is."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Report that `done` of `total` steps of a stage are over."""


@dataclass(frozen=True)
class Entrant:
    """How one learner did on the holdout; log-loss with a player-clustered 95 % interval.

    Attributes:
        behind: Mean log-loss more than the winner's on the same rows, with its interval.
    """

    name: str
    log_loss: float
    low: float
    high: float
    behind: tuple[float, float, float]


@dataclass(frozen=True)
class Contest(Generic[Model]):
    """The winner, refitted, with the table of the contest and its promises on the holdout.

    Attributes:
        gain: Mean log-loss of the base rate less the winner's, with its interval.
        holdout: y, p and player_key of the winner on the holdout.
        against: How the winner did against the model that serves; None where none does.
    """

    task: str
    model: Model
    entrants: tuple[Entrant, ...]
    gain: tuple[float, float, float]
    holdout: pl.DataFrame
    data_window: dict[str, dt.date]
    rows: dict[str, int] = field(default_factory=dict)
    against: Against | None = None


@dataclass(frozen=True)
class Split:
    """Later cuts for calibration and test; labels of an earlier part end before the next part begins."""

    calibrate_from: dt.date
    test_from: dt.date

    @classmethod
    def of(cls, base_days: pl.Series) -> "Split":
        """From the last 20 % of the rows on a day tests, from the 20 % before them on it calibrates."""
        days = base_days.sort()
        return cls(days[int(len(days) * 0.6)], days[int(len(days) * 0.8)])

    def parts(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Training, calibration and test rows."""
        base = pl.col("base_day")
        return (
            rows.filter((base < self.calibrate_from) & (self.calibrate_from > _END)),
            rows.filter((base >= self.calibrate_from) & (base < self.test_from) & (self.test_from > _END)),
            rows.filter(base >= self.test_from),
        )


def enough(samples: Samples) -> bool:
    """Whether there is anything to learn from: snapshots, days, and windows with play."""
    labels = samples.labels
    played = labels.filter("played").select("player_key", "base_day", "window_days").unique()
    enough_days = labels["base_day"].n_unique() >= FEWEST_DAYS
    return samples.features.height >= FEWEST_SNAPSHOTS and enough_days and played.height >= FEWEST_PLAYED


def learn_plays(app: App, samples: Samples, *, seed: int, incumbent: Incumbent | None = None) -> Contest[PlaysModel]:
    """Habit, logistic and boosted against each other and against the model that serves, on the later holdout."""
    rows = plays_rows(samples.features, samples.labels)
    windows = tuple(app.challenges.windows)

    def make(kind: str) -> PlaysModel:
        return PlaysModel(PlaysParameters(kind=kind, seed=seed), windows)  # type: ignore[arg-type]

    def prepare(_before: dt.date) -> tuple[pl.DataFrame, Callable[[str], PlaysModel]]:
        return rows, make

    kinds = ("habit", "logistic", "lightgbm")
    return _contest("plays", kinds, prepare, rows["base_day"], "played", incumbent, lambda _model, asked: asked)


def learn_attainment(
    app: App, samples: Samples, *, seed: int, incumbent: Incumbent | None = None
) -> Contest[AttainmentModel]:
    """Empirical Bayes against the boosted model over it and against the model that serves, on the later holdout."""
    signed = samples.labels.filter("played").with_columns(pl.col("value") * sign_of(app))
    signed = signed.with_columns(start_day=pl.col("base_day") + pl.duration(days="lead_days"))
    past = samples.past.with_columns(pl.col("value") * sign_of(app))

    def prepare(before: dt.date) -> tuple[pl.DataFrame, Callable[[str], AttainmentModel]]:
        """Questions whose population record ends before the cut on which the learners are calibrated."""
        record = EmpiricalBayes.fit(signed.filter(before > _END), past, whole_metrics(app), seed=seed)

        def make(kind: str) -> AttainmentModel:
            return AttainmentModel(AttainmentParameters(kind=kind, seed=seed), record)  # type: ignore[arg-type]

        return seen_by(record, _questions(app, record, samples, signed, seed)), make

    def seen_by(record: EmpiricalBayes, asked: pl.DataFrame) -> pl.DataFrame:
        return attainment_rows(app, record, samples.features, samples.past, asked.select(_ASKED))

    kinds = ("empirical_bayes", "lightgbm")
    return _contest(
        *("attainment", kinds, prepare, signed["base_day"], "hit", incumbent),
        lambda model, asked: seen_by(model.record, asked),
    )


def _questions(app: App, record: EmpiricalBayes, samples: Samples, signed: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Up to four targets for each window with play, near what the player's record makes interesting; see _ASKED."""
    windows = signed.sample(min(signed.height, MOST_QUESTIONS // 2), seed=seed)
    asked = ask_menu(app, record, samples.past, windows, lowest=0.06, highest=0.95)
    chosen = asked.filter(pl.int_range(pl.len()).shuffle(seed=seed).over([*PLAYER_KEY, "lead_days"]) < 4)
    hit = (pl.col("value").fill_null(float("-inf")) >= pl.col("target")).cast(pl.Float64)
    return chosen.sort(*PLAYER_KEY, "lead_days", "target").with_columns(hit=hit).select(_ASKED)


def _contest(
    task: str,
    kinds: tuple[str, ...],
    prepare: Callable[[dt.date], tuple[pl.DataFrame, Callable[[str], Model]]],
    base_days: pl.Series,
    label: str,
    incumbent: Incumbent | None,
    seen_by: Callable[[Any, pl.DataFrame], pl.DataFrame],
) -> Contest[Model]:
    """Fit on the first days, calibrate on later ones, compare on the last; then refit the winner on all of them."""
    days = base_days.unique().sort().to_list()
    split = Split.of(base_days)
    rows, make = prepare(split.calibrate_from)
    train, calibrate, test = split.parts(rows)
    if min(train.height, calibrate.height, test.height) < FEWEST_ROWS:
        raise NightquestError(
            f"There are too few past windows to learn {task}: {train.height} to train, {test.height} to test.",
            "Ingest a longer history (--history), or wait for more days of activity.",
        )
    y, players = test[label].to_numpy().astype(float), test["player_key"].to_numpy()
    weights = recency(train, HALF_LIFE_DAYS)
    promises = {kind: make(kind).fit(train, weights=weights).calibrate(calibrate).predict(test) for kind in kinds}
    losses = {kind: log_losses(y, p) for kind, p in promises.items()}
    base = float(np.concatenate([train[label].to_numpy(), calibrate[label].to_numpy()]).mean())
    losses["base_rate"] = log_losses(y, np.full(len(y), base))
    winner = _winner(kinds, losses, players)
    against = compare(incumbent, test, label, losses[winner], seen_by) if incumbent else None
    rows, make = prepare(dt.date.max)
    model = make(winner).fit(rows, weights=recency(rows, HALF_LIFE_DAYS))
    return Contest(
        task=task,
        model=model.calibrate(split.parts(rows)[2], seen=True),
        entrants=tuple(
            Entrant(name, *_with_interval(loss, players), _with_interval(loss - losses[winner], players))
            for name, loss in losses.items()
        ),
        gain=_with_interval(losses["base_rate"] - losses[winner], players),
        holdout=pl.DataFrame({"y": y, "p": promises[winner], "player_key": players}),
        data_window={
            "first": days[0],
            "calibrate_from": split.calibrate_from,
            "test_from": split.test_from,
            "last": days[-1],
            "labels_to": rows.select(_END.max()).item(),
        },
        rows={"train": train.height, "calibrate": calibrate.height, "test": test.height, "refit": rows.height},
        against=against,
    )


def recency(rows: pl.DataFrame, half_life_days: float) -> Array:
    """A weight for each row that halves with age, counted back from the latest base day; shape (n,)."""
    age = rows.select((pl.col("base_day").max() - pl.col("base_day")).dt.total_days()).to_series().to_numpy()
    return np.asarray(0.5 ** (age / half_life_days), dtype=np.float64)


def _winner(kinds: tuple[str, ...], losses: dict[str, Array], players: NDArray[np.int64]) -> str:
    """From simple to complex: a simpler learner stays unless another is better beyond the noise of these players."""
    best = kinds[0]
    for other in kinds[1:]:
        if _with_interval(losses[best] - losses[other], players)[1] > 0:
            best = other
    return best


def _with_interval(values: Array, clusters: NDArray[np.int64]) -> tuple[float, float, float]:
    low, high = clustered_interval(values, clusters)
    return float(values.mean()), float(low), float(high)
