"""What is written down about a trained model, and the page from which a reviewer decides."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from models.contest.kinds import OfKind
from models.contest.outcome import Cost, Decision, Moved, Rival
from models.contest.scores import Measured
from models.portable import Portable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = """## {question}

Task `{task}` of the app `{app}`. The night loads the version that holds the alias `champion`; `challenger` is the one
trained last.

- **To choose another version**, move `champion` to it. The next training notices that a person chose, sets the tag
  `promotion` to `manual`, and leaves the alias alone from then on.
- **Where the app file says `promotion: review`**, training never moves `champion`. The version that its contest would
  let serve gets the alias `review` and waits: move `champion` to it, and it serves from the next night on.
- **To hand back**, set the tag `promotion` to `automatic`. (`champion_seen` is the version that the last training left
  as champion, by which the next one notices.)
- **To stop the model**, remove the alias: the night then runs without it and says so.
"""


@dataclass(frozen=True)
class Shown:
    """A table on a version's page.

    Attributes:
        title: Above it.
        rows: Its cells as they are shown; null is empty.
        told: What must be known to read it.
    """

    title: str
    rows: pl.DataFrame
    told: str


@dataclass(frozen=True)
class ModelRun:
    """A trained model with everything a reviewer needs. No field holds rows of players.

    Attributes:
        model: The learner, fitted.
        question: What it answers, as a question.
        decision: What the contest says about serving it.
        data_window: Named days: `first` and `last` snapshot, and where calibration and test begin.
        rows: Number of rows by part: train, calibrate, test.
        players: Whose those of the test are; 0 where nothing was tested.
        inputs: Names and types of the columns that `model.predict` reads: the signature.
        first_night: The first night that it could serve: the day as of which it was trained.
        app_hash: Of the app file it was trained for.
        code_version: Of Nightquest.
        parameters: How it was fitted.
        metrics: Figures on the holdout.
        rivals: The contest, the winner among them.
        chosen: The name of the winner.
        prefers: The learner that stays unless another is clearly better; without it the simplest.
        score: What the rivals' loss is.
        gains: By name what it was compared with, the base rate and what serves: mean loss less, with its interval.
        challenges: The version that it was compared with, and how often others had been before; None: with none.
        kinds: How it does for each kind of players and questions on the holdout.
        never_held: Kinds of question that it learned from and the holdout has none of.
        moved: What changes for players if it serves, and instead of which version.
        changes: The same in a sentence, where its answers are no chances.
        cost: What it takes.
        figures: Plots by file name without suffix.
        used_for: What nights do with its answers.
        beside: What it was compared with, and rows of what, its own and the other's value; None: with nothing.
        notes: What metrics say, by name, beside those that cards.py explains.
        tables: Kept as CSV, by name.
        shown: Tables of its own kind on the page: how it was chosen, where that was no contest of learners.
        limits: What the reviewer must know that the figures do not show; a sentence each.
        example: Made-up values for inputs where any value will not do, such as metric names.
        requires: Packages that the model needs beside those that all do.
    """

    model: Portable
    question: str
    decision: Decision
    data_window: Mapping[str, dt.date]
    rows: Mapping[str, int]
    inputs: Mapping[str, pl.DataType]
    app_hash: str
    code_version: str
    first_night: dt.date | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Measured] = field(default_factory=dict)
    players: int = 0
    rivals: Sequence[Rival] = ()
    chosen: str = ""
    prefers: str = ""
    score: str = "log loss"
    gains: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    challenges: tuple[int, int] | None = None
    kinds: Sequence[OfKind] = ()
    never_held: Sequence[str] = ()
    moved: tuple[str, Moved] | None = None
    changes: str = ""
    cost: Cost | None = None
    figures: Mapping[str, "Figure"] = field(default_factory=dict)
    used_for: str = ""
    beside: tuple[str, Sequence[tuple[str, str, str]]] | None = None
    notes: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    shown: Sequence[Shown] = ()
    limits: Sequence[str] = ()
    example: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    requires: Sequence[str] = ()


def synthetic_rows(inputs: Mapping[str, pl.DataType], example: Mapping[str, Sequence[Any]], n: int = 3) -> pl.DataFrame:
    """Made-up rows of the given types, shape (n, len(inputs)); they come from names and types alone.

    Raises:
        TypeError: If a type has no place in a model's signature.
    """
    return pl.DataFrame(
        {name: _made_up(name, dtype, example.get(name), n) for name, dtype in inputs.items()}, schema=dict(inputs)
    )


def took(seconds: float) -> str:
    """How long something took, as a page tells it."""
    return f"{seconds:.1f} s" if seconds >= 0.05 else "less than 0.1 s"


def flat_metrics(metrics: Mapping[str, Measured]) -> dict[str, float]:
    """name, name_low and name_high, to six places; ends and values that are not finite are left out."""
    flat: dict[str, float] = {}
    for name, measured in metrics.items():
        values = measured if isinstance(measured, tuple) else (measured,)
        flat |= {name + end: float(v) for end, v in zip(("", "_low", "_high"), values, strict=False)}
    return {name: round(value, 6) for name, value in flat.items() if math.isfinite(value)}


def model_page(app: str, task: str, question: str) -> str:
    """The registered model's page, in Markdown: what it is for and how to choose who serves."""
    return PAGE.format(app=app, task=task, question=question)


def _made_up(name: str, dtype: pl.DataType, example: Sequence[Any] | None, n: int) -> Sequence[Any]:
    if example:
        return [example[i % len(example)] for i in range(n)]
    if dtype.is_integer():
        return list(range(1, n + 1))
    if dtype.is_float():
        return [(i + 1) / (n + 1) for i in range(n)]
    if dtype == pl.Boolean:
        return [i % 2 == 0 for i in range(n)]
    if dtype == pl.String:
        return [f"made up {i + 1}" for i in range(n)]
    if dtype == pl.Date:
        return [dt.date(2024, 1, 1) + dt.timedelta(days=i) for i in range(n)]
    raise TypeError(f"model input '{name}' is {dtype}; use numbers, text, booleans or dates")
