"""Candidates are fitted on past days, calibrated on later ones and compared on the last; the winner learns from all."""

import datetime as dt
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from configs.app import App
from configs.errors import NightquestError
from configs.full_disk import is_full
from models.cluster import Cluster
from models.contest.budget import FOR_EVER, Budget
from models.contest.choice import STRETCH_DAYS, choose_winner
from models.contest.contest_rows import ContestRows
from models.contest.kinds import OfKind, base_rates, by_kind, kinds_of, never_held
from models.contest.outcome import Cost
from models.contest.promotion import Against, Gain, Incumbent, compare, with_interval
from models.contest.scores import log_losses
from models.contest.search import TunedSettings, Tuning, TuningRows, search_settings
from models.contest.split import END, HALF_LIFE_DAYS, Parts, recency
from models.explain.reasons import against_the_answer, usual_figures
from models.given import Samples
from models.learned import LearnedModel
from models.learner import Learner
from models.learners import candidates
from models.task import BinaryTask, Encoding

Array = NDArray[np.float64]
BASE_RATE = "base_rate"  # who says of everybody how often that kind of question came true before
PILOT = 10  # every so manieth row tells how long a fit takes
FITS = 3.0  # a fit, and one on all rows, with what is asked of them; one more where it is told as it serves
MOST_LOOKED_AT = 500  # rows, to find which facts are no reasons
MOST_TIMED = 10_000  # rows, to tell how long answers take
_log = logging.getLogger(f"nightquest.{__name__}")


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
    behind: Gain


@dataclass(frozen=True)
class Contest:
    """The winner, refitted, with the table of the contest and its promises on the holdout.

    Attributes:
        loss: Mean log-loss of what the winner promised, with its interval.
        gain: Mean log-loss of the base rate less that, with its interval.
        base: How often it happened in the rows before the holdout: what the base rate says in the mean of these.
        holdout: The later rows, with what happened as `y` and what the winner promised as `p`, as it would have served
            when they began where that is another model than the one that competed.
        against: How the winner did against the model that serves; None where none does.
        kinds: How the winner did for each kind of players and questions on the holdout.
        never_held: Kinds of question that the version that serves was fitted on and the holdout has none of.
        cost: What the winner takes.
        faults: A sentence for each candidate that could not be fitted or tuned, or was not fitted where it was to be.
        tuned: The settings with which learners competed, where others than the usual ones, and all that were tried.
    """

    task: BinaryTask[Any]
    model: LearnedModel
    entrants: tuple[Entrant, ...]
    loss: Gain
    gain: Gain
    base: float
    holdout: pl.DataFrame
    data_window: dict[str, dt.date]
    rows: dict[str, int] = field(default_factory=dict)
    against: Against | None = None
    kinds: tuple[OfKind, ...] = ()
    never_held: tuple[str, ...] = ()
    cost: Cost | None = None
    faults: tuple[str, ...] = ()
    tuned: TunedSettings = field(default_factory=TunedSettings)

    @property
    def chosen(self) -> str:
        """The name of the winning learner."""
        return self.model.learner.name


def hold_contest(
    task: BinaryTask[Any],
    app: App,
    samples: Samples,
    *,
    seed: int,
    incumbent: Incumbent | None = None,
    budget: Budget = FOR_EVER,
    tuning: Tuning | None = None,
    cluster: Cluster | None = None,
) -> Contest:
    """Let the candidates compete with each other, the base rate and the model that serves, on the later holdout.

    Args:
        task: The question.
        app: The app.
        samples: Its `labels` are the task's own.
        seed: For thinning and learners.
        incumbent: The model that serves.
        tuning: How its learners are tuned before they compete, within half of a budget that ends; None: not at all.
        cluster: Where learners are fitted that can be, if there are many rows; None: all are fitted here.
        budget: Who could not be fitted twice in what is left of it does not compete, but for the simplest.

    Raises:
        NightquestError: The budget lets nobody compete but the simplest, there are too few rows, all answers are
            alike, a feature knows them, or nobody could be fitted.
        ValueError: The task's rows are not what they should be.
    """
    past = ContestRows.on(task, app, samples, seed)
    parts, encoding = past.parts, past.encoding
    found = _tuned(task, encoding, parts, seed, budget, tuning)
    made = _Makes(task, seed, found.settings, quick=tuning is None or tuning.seconds <= 0, cluster=cluster)
    promises, faults = _promises(made, past, budget)
    judged = _Judged.of(past, promises)
    rows, model, fit_s = _refitted(made, app, samples, judged.winner)
    model.calibrate(past.split.parts(rows)[2], seen=True)
    _learn_reasons(made, app, model, parts[2])
    promised = _as_served(made, past, judged.winner, promises)
    losses = log_losses(judged.y, promised)
    called = partial(task.sort_called, app)
    kinds = partial(kinds_of, sorts=task.sorts, called=called)
    against = None
    if incumbent:
        against = compare(
            incumbent,
            parts[2],
            task.label,
            promised,
            seen_by=lambda model, rows: task.seen_by(app, samples, model.encoding, rows),
            winner=model.predict,
            kinds=kinds,
        )
    return Contest(
        task=task,
        model=model,
        entrants=judged.entrants(),
        loss=with_interval(losses, judged.players),
        gain=with_interval(judged.losses[BASE_RATE] - losses, judged.players),
        base=float(past.before[task.label].cast(pl.Float64).mean()),  # type: ignore[arg-type]
        holdout=parts[2].with_columns(y=pl.Series(judged.y), p=pl.Series(promised)),
        data_window=past.data_window() | {"labels_to": rows.select(END.max()).item()},
        rows=past.heights() | {"refit": rows.height},
        against=against,
        kinds=tuple(by_kind(kinds(parts[2]), judged.y, promised, judged.base, judged.players)),
        never_held=never_held(rows, parts[2], task.sorts, called),
        cost=Cost(fit_s, rows.height, _answer_s(model, parts[2])),
        faults=(*found.notes, *faults, *(cluster.notes if cluster else ())),
        tuned=found,
    )


def fallback(task: BinaryTask[Any], app: App, samples: Samples, *, seed: int) -> LearnedModel | None:
    """What serves where too little is known to learn from: a learner that needs no rows; None where none suits."""
    simple = next((each for each in candidates(task) if each.rank == 0), None)
    if simple is None:
        return None
    return LearnedModel(task, task.encoding(app, samples, dt.date.max, seed=seed), _Makes(task, seed).learner(simple))


@dataclass(frozen=True)
class _Judged:
    """The losses of all who competed, and of the base rate, on the later holdout."""

    y: Array
    players: NDArray[np.int64]
    base: Array
    losses: dict[str, Array]
    winner: str

    @classmethod
    def of(cls, past: ContestRows, promises: dict[str, Array]) -> "_Judged":
        task, test = past.task, past.parts[2]
        base = base_rates(past.before, task.label, test, task.sorts)
        y, players = test[task.label].to_numpy().astype(float), test["player_key"].to_numpy()
        losses = {name: log_losses(y, p) for name, p in promises.items()}
        usual = log_losses(y, base)
        if task.prefers in losses and losses[task.prefers].mean() < usual.mean():
            names = sorted(promises, key=lambda name: name != task.prefers)
            since = (test["base_day"] - test["base_day"].min()).dt.total_days().to_numpy()
            winner = choose_winner(names, losses, players, since // STRETCH_DAYS)
        else:
            winner = choose_winner(list(promises), losses, players)
        return cls(y, players, base, losses | {BASE_RATE: usual}, winner)

    def ahead_of(self, name: str) -> Gain:
        """Mean log-loss of another less the winner's."""
        return with_interval(self.losses[name] - self.losses[self.winner], self.players)

    def entrants(self) -> tuple[Entrant, ...]:
        return tuple(
            Entrant(name, *with_interval(loss, self.players), self.ahead_of(name)) for name, loss in self.losses.items()
        )


def _tuned(
    task: BinaryTask[Any], encoding: Encoding, parts: Parts, seed: int, budget: Budget, tuning: Tuning | None
) -> TunedSettings:
    """Better settings for those who compete, found on the rows before the holdout."""
    if tuning is None or tuning.seconds <= 0:
        return TunedSettings()
    if budget.bounded:
        tuning = replace(tuning, seconds=budget.left / 2)
    return search_settings(TuningRows(task, encoding, parts[0], parts[1], seed), candidates(task), tuning)


def _promises(made: "_Makes", past: ContestRows, budget: Budget) -> tuple[dict[str, Array], list[str]]:
    """What each candidate promises on the holdout, from simple to complex, and a sentence for each that failed."""
    task, learned, (_, calibrate, test) = made.task, past.learned, past.parts
    promises: dict[str, Array] = {}
    faults: list[str] = []
    late: list[str] = []
    weights = recency(learned, HALF_LIFE_DAYS)
    for learner in (each for each in candidates(task) if not (made.quick and each.heavy)):
        try:
            model = LearnedModel(task, past.encoding, made.learner(learner))
            if promises and budget.bounded and budget.left < _takes_s(model, learned):
                late.append(learner.name)
                continue
            model.fit(learned, weights=weights, cluster=made.cluster).calibrate(calibrate, seen=task.as_it_serves)
            promises[learner.name] = _one_each(model.predict(test), test)
        except Exception as error:
            if is_full(error):
                raise
            faults.append(
                f"The learner {learner.name} does not compete for {task.name}: {type(error).__name__}: {error}."
            )
            _log.warning("%s", faults[-1], exc_info=error)
    if not promises:
        raise NightquestError(f"No learner could be fitted for {task.name}. {' '.join(faults)}", "Mend them.")
    if late and len(promises) == 1:
        raise NightquestError(f"The budget is too short to fit {' or '.join(late)}.", "Give a longer --budget.")
    faults += [f"The learner {name} does not compete for {task.name}: the budget is too short." for name in late]
    return promises, faults


def _as_served(made: "_Makes", past: ContestRows, winner: str, promises: Mapping[str, Array]) -> Array:
    """The winner's promises on the holdout as it would have served when that began: fitted on all windows over by then.

    Where it competed that way already, or serves recalibrated as it competed, these are its promises in the contest.
    """
    task, (_, calibrate, test) = made.task, past.parts
    if not task.told_as_served:
        return promises[winner]
    learner = next(each for each in candidates(task) if each.name == winner)
    model = LearnedModel(task, past.encoding, made.learner(learner))
    model.fit(past.over, weights=recency(past.over, HALF_LIFE_DAYS), cluster=made.cluster)
    return _one_each(model.calibrate(calibrate, seen=True).predict(test), test)


def _takes_s(model: LearnedModel, rows: pl.DataFrame) -> float:
    """About how many seconds it takes to fit a model on these rows and again on all, told by a part of them.

    The part is fitted twice, since a first fit also loads what the learner needs.
    """
    took = []
    for _ in range(2):
        begun = time.monotonic()
        model.fit(rows.gather_every(PILOT))
        took.append(time.monotonic() - begun)
    return min(took) * PILOT * (FITS + model.task.told_as_served)


def _refitted(made: "_Makes", app: App, samples: Samples, winner: str) -> tuple[pl.DataFrame, LearnedModel, float]:
    """All rows, the winner fitted on them, and the seconds of processors that this took."""
    task = made.task
    encoding = task.encoding(app, samples, dt.date.max, seed=made.seed)
    rows = task.rows(app, samples, encoding, seed=made.seed)
    learner = next(each for each in candidates(task) if each.name == winner)
    model = LearnedModel(task, encoding, made.learner(learner))
    begun = time.process_time()
    model.fit(rows, weights=recency(rows, HALF_LIFE_DAYS), cluster=made.cluster)
    return rows, model, time.process_time() - begun


def _answer_s(model: LearnedModel, rows: pl.DataFrame) -> float:
    """Seconds of processors for a million answers, told by some rows."""
    some = rows.head(MOST_TIMED)
    begun = time.process_time()
    model.predict(some)
    return (time.process_time() - begun) / some.height * 1e6


def _learn_reasons(made: "_Makes", app: App, model: LearnedModel, rows: pl.DataFrame) -> None:
    """Let a model know, from later rows, which facts are no reasons, and which way the others' figures go."""
    kinds, some = made.task.kinds(app), rows.sample(min(rows.height, MOST_LOOKED_AT), seed=made.seed)
    moved = model.contributions(some) if kinds else None
    if moved is not None:
        model.untold = against_the_answer(some, moved, kinds)
        model.usual = usual_figures(some, moved, kinds)


def _one_each(p: Array, rows: pl.DataFrame) -> Array:
    if p.shape != (rows.height,) or not np.isfinite(p).all():
        raise ValueError("it must give one probability for each row")
    return p


@dataclass(frozen=True)
class _Makes:
    """Makes the learners of a task, with settings other than the task's by learner; `quick`: no heavy ones compete.

    `cluster`: where those are fitted that can be.
    """

    task: BinaryTask[Any]
    seed: int
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    quick: bool = False
    cluster: Cluster | None = None

    def learner(self, kind: type[Learner]) -> Learner:
        """A learner that is not fitted yet."""
        name = kind.name
        return kind(seed=self.seed, **{**self.task.settings.get(name, {}), **self.settings.get(name, {})})
