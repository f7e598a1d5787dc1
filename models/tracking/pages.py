"""What is written down about a trained model, and the page from which a reviewer decides."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from models.kinds import OfKind
from models.portable import Portable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Measured = float | tuple[float, float, float]  # a value, or a value with the low and high of its 95 % interval

MUCH = 0.1  # an answer that moves so far moves much

WIDE = " &emsp; "  # MLflow's page sets table cells without space between them

TO_DECIDE = """### To decide
Open the source run: its plots show what was promised against what was kept, what the model looks at and how the rivals
did. Then move the alias `champion` to the version that should serve from the next night on."""

PAGE = """## {question}

Task `{task}` of the app `{app}`. The night loads the version that holds the alias `champion`; `challenger` is the one
trained last.

- **To choose another version**, move `champion` to it. The next training notices that a person chose, sets the tag
  `promotion` to `manual`, and leaves the alias alone from then on.
- **Where the app file says `promotion: review`**, training never moves `champion`. The version that its contest would
  let serve gets the alias `review` and waits: move `champion` to it, and it serves from the next night on.
- **To hand back**, set the tag `promotion` to `automatic`.
- **To stop the model**, remove the alias: the night then runs without it and says so.
"""


@dataclass(frozen=True)
class Decision:
    """Whether the new version should serve, and why, in a sentence."""

    promote: bool
    reason: str


@dataclass(frozen=True)
class Rival:
    """A learner's loss on the later holdout with its 95 % interval; lower is better.

    Attributes:
        behind: Mean loss more than the chosen one on the same rows, with its interval; None when not measured. It
            tells apart rivals whose own intervals overlap only because players differ.
    """

    name: str
    loss: float
    low: float
    high: float
    behind: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Moved:
    """What changes for players where one model takes the place of another: their answers to the same rows.

    Attributes:
        rows: Of the later holdout.
        before: The mean answer of what serves.
        after: That of the other.
        apart: How far answers move in the mean, up or down.
        much: The share that moves by MUCH or more.
        stay: The share of the tenth with the highest answers that is in it before and after.
    """

    rows: int
    before: float
    after: float
    apart: float
    much: float
    stay: float


@dataclass(frozen=True)
class Cost:
    """Seconds of processors that a model takes: to be fitted on its rows, and to answer a million.

    Attributes:
        fit_s: Of the fit on all rows.
        rows: How many these were.
        answer_s: For a million rows, told by those of the later holdout.
    """

    fit_s: float
    rows: int
    answer_s: float


@dataclass(frozen=True)
class ModelRun:
    """A trained model with everything a reviewer needs. No field holds rows of players.

    Attributes:
        model: The learner, fitted.
        question: What it answers, as a question.
        decision: What the contest says about serving it.
        data_window: Named days: `first` and `last` snapshot, and where calibration and test begin.
        rows: Number of rows by part: train, calibrate, test.
        inputs: Names and types of the columns that `model.predict` reads: the signature.
        first_night: The first night that it could serve: the day as of which it was trained.
        app_hash: Of the app file it was trained for.
        code_version: Of Nightquest.
        parameters: How it was fitted.
        metrics: Figures on the holdout.
        rivals: The contest, the winner among them.
        chosen: The name of the winner.
        score: What the rivals' loss is.
        gains: By name what it was compared with, the base rate and what serves: mean loss less, with its interval.
        challenges: The version that it was compared with, and how often others had been before; None: with none.
        kinds: How it does for each kind of players and questions on the holdout.
        moved: What changes for players if it serves, and instead of which version.
        cost: What it takes.
        figures: Plots by file name without suffix.
        tables: Kept as CSV, by name.
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
    rivals: Sequence[Rival] = ()
    chosen: str = ""
    score: str = "log loss"
    gains: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    challenges: tuple[int, int] | None = None
    kinds: Sequence[OfKind] = ()
    moved: tuple[str, Moved] | None = None
    cost: Cost | None = None
    figures: Mapping[str, "Figure"] = field(default_factory=dict)
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
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


def flat_metrics(metrics: Mapping[str, Measured]) -> dict[str, float]:
    """name, name_low and name_high; ends and values that are not finite are left out."""
    flat: dict[str, float] = {}
    for name, measured in metrics.items():
        values = measured if isinstance(measured, tuple) else (measured,)
        flat |= {name + end: float(v) for end, v in zip(("", "_low", "_high"), values, strict=False)}
    return {name: value for name, value in flat.items() if math.isfinite(value)}


def card_of(run: ModelRun, decision: Decision, *, proposed: bool = False) -> str:
    """The version's page, in Markdown, with the decision that was carried out; `proposed`: it waits for a person."""
    state = "becomes champion" if decision.promote else "waits as challenger"
    state = "waits under the alias `review`" if proposed else state
    limits = "\n".join(f"- {limit}" for limit in run.limits or ("None recorded.",))
    parts = [
        f"At registration it **{state}**: {decision.reason}.",
        f"## {run.question}",
        *([_contest(run)] if run.rivals else []),
        *([_measures(run.metrics)] if run.metrics else []),
        *([_by_kind(run.kinds)] if run.kinds else []),
        *([_moving(run)] if run.rivals else []),
        _trained_on(run),
        f"### Known limits\n{limits}",
        TO_DECIDE,
    ]
    return "\n\n".join(parts) + "\n"


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


def _contest(run: ModelRun) -> str:
    rows = []
    for rival in sorted(run.rivals, key=lambda r: r.loss):
        name = f"**{rival.name}** (chosen)" if rival.name == run.chosen else rival.name
        behind = "{:+.4f} ({:+.4f} to {:+.4f})".format(*rival.behind) if rival.behind else ""
        rows.append(f"| {name} |{WIDE}{rival.loss:.4f}{WIDE}| {rival.low:.4f} to {rival.high:.4f}{WIDE}| {behind} |")
    head = f"| learner | {run.score} | 95 % interval | behind the chosen one |\n|---|---|---|---|\n"
    told = (
        "Lower is better. The last column compares on the same rows, so it can tell apart what the intervals cannot. "
        "The simpler learner stays unless another is better by more than the standard error of that, by player."
    )
    return f"### Contest on the later holdout\n{head}" + "\n".join(rows) + f"\n\n{told}"


def _measures(metrics: Mapping[str, Measured]) -> str:
    rows = []
    for name, measured in metrics.items():
        value, *ends = measured if isinstance(measured, tuple) else (measured,)
        shown = f"{ends[0]:.4f} to {ends[1]:.4f}" if ends and all(map(math.isfinite, ends)) else ""
        rows.append(f"| {name.replace('_', ' ')} |{WIDE}{value:.4f}{WIDE}| {shown} |")
    head = "### Figures of the chosen one\n| figure | value | 95 % interval |\n|---|---|---|\n"
    return head + "\n".join(rows)


def _by_kind(kinds: Sequence[OfKind]) -> str:
    head = (
        "### By kind of player and question\n"
        "| kind | rows | promised | happened | log loss | better than the base rate |\n|---|---|---|---|---|---|\n"
    )
    rows = []
    for each in kinds:
        happened = "{:.3f} ({:.3f} to {:.3f})".format(*each.happened) + (" \\*" if each.off else "")
        ahead = "{:+.4f} ({:+.4f} to {:+.4f})".format(*each.ahead)
        cells = (each.name, f"{each.rows:,}", f"{each.promised:.3f}", happened, f"{each.loss:.4f}", ahead)
        rows.append("| " + f"{WIDE}| ".join(cells) + " |")
    told = "\\* what happened differs from what was promised beyond the noise of these players."
    return head + "\n".join(rows) + (f"\n\n{told}" if any(each.off for each in kinds) else "")


def _moving(run: ModelRun) -> str:
    """What moving the alias changes."""
    if run.moved is None:
        told = "Nothing that can answer serves this question now: with the alias, nights answer it."
    else:
        name, moved = run.moved
        told = (
            f"Beside {name}, which serves, on the {moved.rows:,} rows of the later holdout: the mean answer goes from "
            f"{moved.before:.3f} to {moved.after:.3f}; an answer moves by {moved.apart:.3f} in the mean, and "
            f"{moved.much:.1%} of them by {MUCH:g} or more; of the tenth with the highest answers "
            f"{moved.stay:.0%} stay the same."
        )
    return f"### What moving the alias changes\n{told}"


def _trained_on(run: ModelRun) -> str:
    days = ", ".join(f"{name.replace('_', ' ')} {day.isoformat()}" for name, day in run.data_window.items())
    rows = ", ".join(f"{name} {n:,}" for name, n in run.rows.items())
    cost = ""
    if run.cost:
        fit, rows_s, asked = f"{run.cost.fit_s:.1f} s", f"{run.cost.rows:,} rows", f"{run.cost.answer_s:.1f} s"
        cost = f"\n- Cost: {fit} of processors to fit on {rows_s}, {asked} to answer a million"
    return (
        f"### Trained on\n- Days: {days or 'not recorded'}\n- Rows: {rows or 'not recorded'}\n"
        f"- App file `{run.app_hash[:12]}`, code `{run.code_version}`{cost}"
    )
