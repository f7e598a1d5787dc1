"""What the file of an algorithm says; models/learners/ holds one a file."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from models.tuning import Setting, Suggest

if TYPE_CHECKING:
    from distributed import Client

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sheet:
    """A task's rows as learners read them, all of one height.

    Attributes:
        rows: As the task gives them, for a learner that knows what they mean.
        x: The task's features, Float64; null is unknown, which not every learner can read.
        windows: The days that each row asks about, shape (n,).
        common: Features that are alike for all players on a day or a course: they tell a learner that can fit anything
            which past day it sees, not what the player does.
        monotone: By feature, whether the answer may only rise with it (1) or fall (-1); 0 and absent: either.
        categories: Features that are names in numbers.
    """

    rows: pl.DataFrame
    x: pl.DataFrame
    windows: NDArray[np.int64]
    common: frozenset[str] = frozenset()
    monotone: Mapping[str, int] | None = None
    categories: tuple[str, ...] = ()

    def personal(self) -> pl.DataFrame:
        """The features without the common ones, and with the days asked about."""
        return replace(self, x=self.x.select(pl.exclude(*self.common))).whole() if self.common else self.whole()

    def whole(self) -> pl.DataFrame:
        """All features, the common ones among them, and the days asked about."""
        if "window_days" in self.x.columns:
            return self.x
        return self.x.with_columns(window_days=pl.Series(self.windows, dtype=pl.Float64))

    def only(self, at: NDArray[np.bool_]) -> "Sheet":
        """Some of the rows."""
        kept = pl.Series(at)
        return replace(self, rows=self.rows.filter(kept), x=self.x.filter(kept), windows=self.windows[at])


@dataclass(frozen=True)
class Nothing:
    """The parameters of a learner that has none."""


class Learner(ABC):
    """An algorithm that answers a question with a probability.

    Attributes:
        name: As its file is called.
        does: What it does, for who reads a contest: the end of a sentence that begins with its name.
        suits: The forms of task (`binary`), or the names of single tasks, whose contests it enters; with none, those of
            the tasks that ask for it (`asks_for`).
        rank: From simple (0: it needs no rows to be fitted on) to complex. A simpler one stays unless another is better
            by more than a standard error.
        requires: Packages that it cannot do without, as they are called in the package index.
        optional: Without them it does not compete, and training says so; else Nightquest is not whole without them.
        heavy: It enters only trainings that take their time to tune, not those that are to be quick.
        flexible: It can fit the noise of its rows, and so looks surer on them than it may be.
        spreads: It can be fitted on a Dask cluster, too (`fit_on`).
        keeps_order: Its answers obey `Sheet.monotone`, so that it may enter the contest of a task with such features.
        parameters_type: How it is fitted: a frozen dataclass whose defaults a task may move (`Task.settings`).
    """

    name: ClassVar[str]
    does: ClassVar[str] = ""
    suits: ClassVar[frozenset[str]]
    rank: ClassVar[int] = 3
    requires: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[bool] = False
    heavy: ClassVar[bool] = False
    flexible: ClassVar[bool] = False
    spreads: ClassVar[bool] = False
    keeps_order: ClassVar[bool] = False
    parameters_type: ClassVar[type[Any]] = Nothing

    def __init__(self, *, seed: int = 7, **given: Any) -> None:
        """Take parameters other than the defaults.

        Raises:
            TypeError: It has no parameter of such a name.
        """
        self.seed = seed
        self.parameters = self.parameters_type(**given)

    @classmethod
    def space(cls, ask: Suggest) -> dict[str, Setting]:  # noqa: ARG003 (for those who have something to tune)
        """Parameters to try, each asked for by its name within bounds that hold the default; none: nothing to tune."""
        return {}

    @abstractmethod
    def fit(self, sheet: Sheet, y: Array, weights: Array) -> Self:
        """Learn from what happened.

        Args:
            sheet: The rows.
            y: What happened, 0 or 1, shape (n,).
            weights: How much each row counts, shape (n,).
        """

    def fit_on(self, client: "Client", sheet: Sheet, y: Array, weights: Array) -> Self:  # noqa: ARG002 (for those who can)
        """The same as `fit`, by the workers of a Dask cluster: close to what `fit` gives, and the same files.

        Raises:
            TypeError: It does not spread.
        """
        raise TypeError(f"{self.name} cannot be fitted on a cluster")

    @abstractmethod
    def predict(self, sheet: Sheet) -> Array:
        """Probabilities, shape (n,)."""

    def contributions(self, sheet: Sheet) -> pl.DataFrame | None:  # noqa: ARG002 (for those who can tell)
        """How far each feature moves each row's log-odds from what all share: a column a feature; None: it can't tell.

        They add up to the row's log-odds but for a constant (of a length of window).
        """
        return None

    @abstractmethod
    def importance(self) -> dict[str, float]:
        """What it looks at: shares by feature that add up to 1."""

    def to_files(self, folder: Path) -> None:  # noqa: B027 (who learns nothing has nothing to write)
        """Write what was learned into an existing, empty folder, in plain files or its library's own format."""

    def from_files(self, folder: Path) -> Self:  # noqa: ARG002 (as above)
        """Read what `to_files` wrote into a learner made with the same parameters."""
        return self

    def told(self) -> dict[str, Any]:
        """How it was fitted, for the record."""
        return {**asdict(self.parameters), "seed": self.seed}


def missing(learner: type[Learner]) -> list[str]:
    """The packages that a learner requires and that are not installed."""
    return [package for package in learner.requires if not _installed(package)]


def shares(names: list[str], values: Array) -> dict[str, float]:
    """Values as shares of their sum, by name."""
    total = float(np.sum(values)) or 1.0
    return {name: float(value) / total for name, value in zip(names, values, strict=True)}


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
