"""The search for good settings. The only module that imports Optuna, and only when a search begins."""

import fcntl
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol, cast

Setting = int | float | str
SUFFIX = ".journal"
MOST_KEPT = 5  # searches of a kind, the newest ones


class Suggest(Protocol):
    """How an objective asks for a setting to try."""

    def whole(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """A whole number, both ends included, on a logarithmic scale when asked."""

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number between two ends, on a logarithmic scale when asked."""

    def choice(self, name: str, among: Sequence[str]) -> str:
        """One of several names."""

    def so_far(self, value: float) -> None:
        """How it goes before all is done; a trial that goes worse than half of those before it ends here."""


@dataclass(frozen=True)
class Outcome:
    """What an objective says of a setting.

    Attributes:
        value: To be made small.
        violation: How far it breaks the constraint; 0 or less keeps it.
        details: What else is worth keeping about it.
    """

    value: float
    violation: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tried:
    """One setting with its outcome."""

    settings: Mapping[str, Setting]
    outcome: Outcome

    @property
    def keeps(self) -> bool:
        """Whether it keeps the constraint."""
        return self.outcome.violation <= 0


@dataclass(frozen=True)
class Tuned:
    """The best setting, and every one that was tried, each once, in the order of their first trial.

    Attributes:
        pruned: Trials that were ended before all was done.
        kept: Trials of earlier runs that it went on from.
    """

    best: Tried
    tried: tuple[Tried, ...]
    pruned: int = 0
    kept: int = 0


@dataclass(frozen=True)
class Store:
    """Where a search keeps its trials, so that it goes on after a kill, and the next of its kind begins with its best.

    Attributes:
        folder: Of all searches of a kind; each has a file, in Optuna's journal format.
        name: Of this search; it sorts after those before it. One of the same name is gone on with.
    """

    folder: Path
    name: str

    @property
    def path(self) -> Path:
        """The file of this search."""
        return self.folder / f"{self.name}{SUFFIX}"

    @property
    def others(self) -> list[Path]:
        """The files of the other searches of its kind, the newest first."""
        return sorted((path for path in self.folder.glob(f"*{SUFFIX}") if path != self.path), reverse=True)


def tune(
    objective: Callable[[Suggest], Outcome],
    *,
    seed: int,
    trials: int,
    timeout_s: float | None = None,
    store: Store | None = None,
    first: Sequence[Mapping[str, Setting]] = (),
) -> Tuned:
    """Find the settings that an objective likes best.

    The search is a tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter
    Optimization", section 4); the same seed tries the same settings unless the timeout ends the search earlier. The
    best is the least value among settings that keep the constraint; where none does, the least violation.

    Args:
        objective: Judges one setting. It may be asked again for one it has judged, so it should remember.
        seed: Of the search.
        trials: At most this many settings, those of earlier runs among them.
        timeout_s: No trial but the first begins after this many seconds; None lets all of them run.
        store: Where trials are kept; None keeps none.
        first: Settings to begin with; after them the best of the newest other search of the store.

    Raises:
        ValueError: `trials` is not positive.
    """
    if trials < 1:
        raise ValueError("a search needs at least one trial")
    found: dict[tuple[tuple[str, Setting], ...], Tried] = {}

    def judge(trial: Any) -> float:
        outcome = objective(_Asked(trial))
        trial.set_constraint("constraint", outcome.violation)
        found.setdefault(_key(trial.params), Tried(dict(trial.params), outcome))
        return outcome.value

    with _quiet() as optuna:
        study, kept = _open(optuna, store, seed)
        for settings in (*first, *_best_of_before(optuna, store)):
            study.enqueue_trial(dict(settings), skip_if_exists=True)
        complete = optuna.trial.TrialState.COMPLETE
        for trial in study.get_trials(states=[complete]):
            found.setdefault(_key(trial.params), Tried(dict(trial.params), Outcome(trial.value)))
        if kept < trials:
            study.optimize(judge, n_trials=trials - kept, timeout=timeout_s)
        if not found:  # no time was left, or all earlier trials had been pruned
            study.optimize(judge, n_trials=1)
        pruned = len(study.get_trials(states=[optuna.trial.TrialState.PRUNED]))
    tried = tuple(found.values())
    keeping = [one for one in tried if one.keeps]
    if keeping:
        return Tuned(min(keeping, key=lambda one: one.outcome.value), tried, pruned, kept)
    return Tuned(min(tried, key=lambda one: (one.outcome.violation, one.outcome.value)), tried, pruned, kept)


@contextmanager
def _quiet() -> Iterator[Any]:
    """Optuna, saying nothing for a while."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import optuna  # noqa: PLC0415 (it takes a second, and most commands never search)

        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            yield optuna
        finally:
            optuna.logging.set_verbosity(before)


def _open(optuna: Any, store: Store | None, seed: int) -> tuple[Any, int]:
    """The study, and how many trials of earlier runs it holds; one that a kill left running counts as failed."""
    if store is None:
        return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed)), 0
    store.folder.mkdir(parents=True, exist_ok=True)
    for path in store.others[MOST_KEPT - 1 :]:
        path.unlink()
    study = _load(optuna, store.path)
    for trial in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
    over = [optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED]
    kept = len(study.get_trials(states=over))
    study.sampler = optuna.samplers.TPESampler(seed=seed + kept)  # else it would begin with the same settings again
    return study, kept


def _load(optuna: Any, path: Path) -> Any:
    _cut_torn_line(path)
    backend = optuna.storages.journal.JournalFileBackend(str(path), lock_obj=_Lock(path))
    return optuna.create_study(
        study_name="search",
        storage=optuna.storages.JournalStorage(backend),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
        load_if_exists=True,
    )


def _best_of_before(optuna: Any, store: Store | None) -> list[dict[str, Setting]]:
    """The best settings of the newest other search that has any; one whose file cannot be read has none."""
    for path in store.others if store else []:
        try:
            return [dict(_load(optuna, path).best_params)]
        except ValueError:  # no trial is complete, or its lines are no JSON
            continue
    return []


def _cut_torn_line(path: Path) -> None:
    """Take away what a kill left of a line that was being written."""
    if path.exists() and not (text := path.read_bytes()).endswith(b"\n"):
        path.write_bytes(text[: text.rfind(b"\n") + 1])


def _key(settings: Mapping[str, Setting]) -> tuple[tuple[str, Setting], ...]:
    return tuple(sorted(settings.items()))


class _Lock:
    """Keeps other processes out of a journal; it goes with its process, where Optuna's own would outlive a kill."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path.with_suffix(".lock"), cast("IO[str] | None", None)

    def acquire(self) -> bool:
        self._file = self._path.open("a", encoding="utf-8")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        if self._file is not None:
            self._file.close()


class _Asked:
    """An Optuna trial behind our own words."""

    def __init__(self, trial: Any) -> None:
        self._trial, self._step = trial, 0

    def whole(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        return cast("int", self._trial.suggest_int(name, low, high, log=log))

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return cast("float", self._trial.suggest_float(name, low, high, log=log))

    def choice(self, name: str, among: Sequence[str]) -> str:
        return cast("str", self._trial.suggest_categorical(name, list(among)))

    def so_far(self, value: float) -> None:
        from optuna import TrialPruned  # noqa: PLC0415 (as above)

        self._trial.report(value, self._step)
        self._step += 1
        if self._trial.should_prune():
            raise TrialPruned
