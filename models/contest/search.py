"""Better settings for a learner, searched for on past rows: many tried cheaply, the best few confirmed at full size.

The rows on which a contest is decided have no part in it.
"""

import datetime as dt
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from configs.full_disk import is_full
from models.contest.budget import Budget
from models.contest.promotion import with_interval
from models.contest.scores import log_losses
from models.contest.split import HALF_LIFE_DAYS, recency
from models.learned import LearnedModel
from models.learner import Learner
from models.task import BinaryTask, Encoding
from models.tuning import Outcome, Setting, Store, Suggest, Tried, tune

SCREENED = 4_000  # rows to fit and to judge on while settings are screened
FIRST_LOOK = 0.3  # of those rows, after which a trial that goes badly ends
CONFIRMED = 3  # settings, beside the usual ones
SCREENING = 0.6  # of the time; the rest confirms
MOST_TRIALS = 60
Array = NDArray[np.float64]
Confirmed = tuple[Mapping[str, Setting], Array]  # with the log-loss at each row
TRIALS: dict[str, pl.DataType] = {
    "learner": pl.String(),
    "settings": pl.String(),
    "screened": pl.Float64(),
    "confirmed": pl.Float64(),
    "chosen": pl.Boolean(),
}


@dataclass(frozen=True)
class Tuning:
    """How the learners of a contest are tuned.

    Attributes:
        seconds: How long, all learners together.
        folder: Where trials are kept between runs, one folder a learner; None keeps none.
    """

    seconds: float
    folder: Path | None = None


@dataclass(frozen=True)
class TunedSettings:
    """What a search came to.

    Attributes:
        settings: By learner, those that were better than the usual ones at full size beyond noise; absent where none.
        trials: Columns TRIALS: log-loss on rows later than those fitted on.
        notes: A sentence for each search that failed.
    """

    settings: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    trials: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=TRIALS))
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TuningRows:
    """What settings are judged on: rows to fit, and later rows to judge by."""

    task: BinaryTask[Any]
    encoding: Encoding
    train: pl.DataFrame
    judge: pl.DataFrame
    seed: int

    def losses(self, learner: type[Learner], settings: Mapping[str, Setting], share: float = 1.0) -> Array:
        """The log-loss at each row of a learner with such settings, fitted on a share of the rows."""
        rows = self.train.sample(fraction=share, seed=self.seed) if share < 1 else self.train
        usual = self.task.settings.get(learner.name, {})
        model = LearnedModel(self.task, self.encoding, learner(seed=self.seed, **{**usual, **settings}))
        promised = model.fit(rows, weights=recency(rows, HALF_LIFE_DAYS)).predict(self.judge)
        return log_losses(self.judge[self.task.label].cast(pl.Float64).to_numpy(), promised)

    def smaller(self, most: int) -> "TuningRows":
        """With at most so many rows of each kind."""
        train, judge = (rows.sample(min(rows.height, most), seed=self.seed) for rows in (self.train, self.judge))
        return replace(self, train=train, judge=judge)

    def name(self) -> str:
        """Of a search on these rows: it sorts by their last day, and others have others."""
        last: dt.date = self.judge["base_day"].max()  # type: ignore[assignment]
        told = [
            rows.select(self.task.label, "base_day", "player_key").hash_rows(seed=7).sum()
            for rows in (self.train, self.judge)
        ]
        text = json.dumps([told, self.train.height, list(self.task.features), self.seed])
        return f"{last}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def search_settings(past: TuningRows, learners: list[type[Learner]], tuning: Tuning) -> TunedSettings:
    """Tune every learner that has something to tune, each in an equal part of the time that is left.

    Args:
        past: Past rows.
        learners: Who competes.
        tuning: For how long, and where trials are kept.
    """
    budget, able = Budget(tuning.seconds), [each for each in learners if usual_settings(each, past.task)]
    settings: dict[str, Mapping[str, Setting]] = {}
    trials: list[pl.DataFrame] = []
    notes: list[str] = []
    for place, learner in enumerate(able):
        folder = tuning.folder / learner.name if tuning.folder else None
        try:
            best, told = _search(past, learner, budget.share(len(able) - place), folder)
        except Exception as error:
            if is_full(error):
                raise
            notes.append(f"The learner {learner.name} is not tuned: {type(error).__name__}: {error}.")
            continue
        trials.append(told)
        if best:
            settings[learner.name] = best
    return TunedSettings(settings, pl.concat(trials) if trials else pl.DataFrame(schema=TRIALS), tuple(notes))


def usual_settings(learner: type[Learner], task: BinaryTask[Any]) -> dict[str, Setting]:
    """What a learner would be fitted with untuned, of what it has to tune; empty where it has nothing."""
    names = _Names()
    learner.space(names)
    usual = learner(**task.settings.get(learner.name, {})).parameters
    return {name: getattr(usual, name) for name in names.asked}


def _search(
    past: TuningRows, learner: type[Learner], budget: Budget, folder: Path | None
) -> tuple[Mapping[str, Setting] | None, pl.DataFrame]:
    """The settings that are better than the usual ones, if any, and all that were tried."""
    small, usual = past.smaller(SCREENED), usual_settings(learner, past.task)
    took = 0.0

    def objective(ask: Suggest) -> Outcome:
        nonlocal took
        begun, settings = time.monotonic(), learner.space(ask)
        ask.so_far(float(small.losses(learner, settings, FIRST_LOOK).mean()))
        loss = float(small.losses(learner, settings).mean())
        took = max(took, time.monotonic() - begun)
        return Outcome(loss)

    store = Store(folder, past.name()) if folder else None
    tuned = tune(
        objective,
        seed=past.seed,
        trials=MOST_TRIALS,
        timeout_s=budget.left * SCREENING,
        store=store,
        first=[usual],
    )
    others = sorted((t for t in tuned.tried if dict(t.settings) != usual), key=lambda t: t.outcome.value)
    confirmed = _confirm(
        past, learner, usual, others[:CONFIRMED], budget, took * past.train.height / small.train.height
    )
    chosen = _better(past, confirmed)
    return chosen, _table(learner, tuned.tried, confirmed, chosen)


def _confirm(
    past: TuningRows,
    learner: type[Learner],
    usual: Mapping[str, Setting],
    best: list[Tried],
    budget: Budget,
    takes_s: float,
) -> list[Confirmed]:
    """The usual settings and then the best few at full size; empty where there is no time for two."""
    if not best or budget.left < 2 * takes_s:
        return []
    confirmed = [(usual, past.losses(learner, usual))]
    for place, tried in enumerate(best):
        if place and budget.left < takes_s:
            break
        confirmed.append((tried.settings, past.losses(learner, tried.settings)))
    return confirmed


def _better(past: TuningRows, confirmed: list[Confirmed]) -> Mapping[str, Setting] | None:
    """The settings with the least loss, where they are better than the usual ones beyond the noise of the players."""
    if not confirmed:
        return None
    (_, usual), *others = confirmed
    settings, losses = min(others, key=lambda each: float(each[1].mean()))
    return settings if with_interval(usual - losses, past.judge["player_key"].to_numpy())[1] > 0 else None


def _table(
    learner: type[Learner],
    tried: tuple[Tried, ...],
    confirmed: list[Confirmed],
    chosen: Mapping[str, Setting] | None,
) -> pl.DataFrame:
    at_full = {_text(settings): float(losses.mean()) for settings, losses in confirmed}
    won = None if chosen is None else _text(chosen)
    rows = [
        (learner.name, text, each.outcome.value, at_full.get(text), text == won)
        for each in tried
        for text in [_text(each.settings)]
    ]
    return pl.DataFrame(rows, schema=TRIALS, orient="row").sort("confirmed", "screened", nulls_last=True)


def _text(settings: Mapping[str, Setting]) -> str:
    rounded = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in sorted(settings.items())}
    return ", ".join(f"{name} {value}" for name, value in rounded.items())


class _Names:
    """Learns what a learner asks for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def whole(self, name: str, low: int, high: int, *, log: bool = False) -> int:  # noqa: ARG002
        self.asked.append(name)
        return low

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:  # noqa: ARG002
        self.asked.append(name)
        return low

    def choice(self, name: str, among: Any) -> str:
        self.asked.append(name)
        return str(np.asarray(among)[0])

    def so_far(self, value: float) -> None:
        """Nothing is tried."""
