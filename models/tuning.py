"""The search for good settings. The only module that imports Optuna, and only when a search begins."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

Setting = int | float | str


class Suggest(Protocol):
    """How an objective asks for a setting to try."""

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number, both ends included."""

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """A number between two ends, on a logarithmic scale when asked."""

    def choice(self, name: str, among: Sequence[str]) -> str:
        """One of several names."""


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
    """The best setting, and every one that was tried, each once, in the order of their first trial."""

    best: Tried
    tried: tuple[Tried, ...]


def tune(objective: Callable[[Suggest], Outcome], *, seed: int, trials: int, timeout_s: float | None = None) -> Tuned:
    """Find the settings that an objective likes best.

    The search is a tree-structured Parzen estimator (Bergstra et al. 2011, "Algorithms for Hyper-Parameter
    Optimization", section 4); the same seed tries the same settings unless the timeout ends the search earlier. The
    best is the least value among settings that keep the constraint; where none does, the least violation.

    Args:
        objective: Judges one setting. It may be asked again for one it has judged, so it should remember.
        seed: Of the search.
        trials: At most this many settings.
        timeout_s: No trial begins after this many seconds; None lets all of them run.

    Raises:
        ValueError: `trials` is not positive.
    """
    if trials < 1:
        raise ValueError("a search needs at least one trial")
    found: dict[tuple[tuple[str, Setting], ...], Tried] = {}

    def judge(trial: Any) -> float:
        outcome = objective(_Asked(trial))
        trial.set_constraint("constraint", outcome.violation)
        found.setdefault(tuple(sorted(trial.params.items())), Tried(dict(trial.params), outcome))
        return outcome.value

    _search(judge, seed, trials, timeout_s)
    tried = tuple(found.values())
    keeping = [one for one in tried if one.keeps]
    if keeping:
        return Tuned(min(keeping, key=lambda one: one.outcome.value), tried)
    return Tuned(min(tried, key=lambda one: (one.outcome.violation, one.outcome.value)), tried)


def _search(judge: Callable[[Any], float], seed: int, trials: int, timeout_s: float | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import optuna  # noqa: PLC0415 (it takes a second, and most commands never search)

        before = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        try:
            study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
            study.optimize(judge, n_trials=trials, timeout=timeout_s)
        finally:
            optuna.logging.set_verbosity(before)


class _Asked:
    """An Optuna trial behind our own words."""

    def __init__(self, trial: Any) -> None:
        self._trial = trial

    def whole(self, name: str, low: int, high: int) -> int:
        return cast("int", self._trial.suggest_int(name, low, high))

    def number(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        return cast("float", self._trial.suggest_float(name, low, high, log=log))

    def choice(self, name: str, among: Sequence[str]) -> str:
        return cast("str", self._trial.suggest_categorical(name, list(among)))
