"""What the file of a learned question says; models/tasks/ holds one a file."""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, Self, TypeVar, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from configs.app import App
from configs.nouns import counted
from models.contest.kinds import SORTS, as_columns_say
from models.contest.outcome import Decision
from models.contest.promotion import Against, Gain, better_than_guessing, with_interval
from models.contest.scores import Measured, auc_interval, calibration_error, clustered_floor
from models.explain.reasons import WAYS, Kind, Usual, Ways, reasons
from models.given import SNAPSHOT, Asked, Change, Known, Samples
from models.portable import load_json, save_json

if TYPE_CHECKING:
    from models.learner import Learner

Array = NDArray[np.float64]
SCORES: dict[str, pl.DataType] = {
    "player_key": pl.Int64(),
    "target": pl.String(),
    "horizon_days": pl.Int32(),
    "probability": pl.Float64(),
    "days": pl.Int32(),
    "band": pl.String(),
    "reasons": pl.String(),
}
SCORE = ("player_key", "target", "horizon_days")  # what tells one from another


class Answering(Protocol):
    """A model that answers a task's rows.

    Attributes:
        encoding: What its task needs to turn rows into features.
    """

    encoding: Any

    @property
    def untold(self) -> Collection[str]:
        """Kinds of fact that run against its answers, and are no reasons."""

    @property
    def usual(self) -> Mapping[str, Usual]:
        """By kind of fact what its figure usually is, and which way more of it moves answers."""

    def predict(self, rows: pl.DataFrame) -> Array:
        """Probabilities, shape (n,)."""

    def contributions(self, rows: pl.DataFrame) -> pl.DataFrame | None:
        """What each feature adds to each row's log-odds; None where its learner cannot tell."""


class Encoding:
    """What a task needs to turn rows into features, and which rows share a calibration: here the length of the window.

    Args:
        windows: Lengths in days, each with an intercept of its own.
    """

    def __init__(self, windows: Sequence[int]) -> None:
        self.windows = tuple(windows)

    @property
    def groups(self) -> int:
        """How many intercepts there are."""
        return len(self.windows)

    def group(self, rows: pl.DataFrame) -> NDArray[np.int64]:
        """Which intercept each row has, shape (n,); -1 for none of its own."""
        places = {days: i for i, days in enumerate(self.windows)}
        return rows["window_days"].replace_strict(places, default=-1).to_numpy().astype(np.int64)

    def lacks(self, windows: Sequence[int]) -> str:
        """What of these windows it was not made for, as a phrase; empty where it suits."""
        new = sorted(set(windows) - set(self.windows))
        return f"windows of {', '.join(map(str, new))} days" if new else ""

    def to_files(self, folder: Path) -> None:
        """Write it into an existing, empty folder."""
        save_json(folder / "windows.json", {"windows": list(self.windows)})

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        return cls(load_json(folder / "windows.json")["windows"])


E = TypeVar("E", bound=Encoding)


class Task(ABC):
    """A learned question.

    Attributes:
        name: As its file is called; its model is registered as `<app>.<name>`.
        question: What it answers, for people.
        doing: What is found out while it is learned, for the bar that training shows.
        limits: What a reviewer must know that the figures do not show; a sentence each.
        used_for: What nights do with its answers: what changes for players with the version that serves.
        notes: What figures of its own say, by name; beside FIGURES of the page.
    """

    name: ClassVar[str]
    question: ClassVar[str]
    doing: ClassVar[str]
    limits: ClassVar[tuple[str, ...]] = ()
    used_for: ClassVar[str] = "Nights publish its answers in `scores`."
    notes: ClassVar[Mapping[str, str]] = {}


class BinaryTask(Task, Generic[E]):
    """A question that is answered with a probability, learned in a contest and promoted, scored and published by it.

    A row asks it of one player, or of one player and target, about one window. Levels, times and badges are asked as
    several such rows: is the level reached, is this the last week, is this badge earned.

    Attributes:
        label: The column of `rows` with what happened, 0 or 1.
        inputs: The columns of `rows` from which it is answered: the signature of its model.
        features: The columns that `encode` gives; never the label.
        common: See `Sheet.common`.
        monotone: See `Sheet.monotone`; only learners that keep such an order then enter the contest.
        categories: See `Sheet.categories`.
        least: No answer is nearer to 0 or 1 than this.
        settings: Parameters other than the defaults, by learner.
        only: The learners that may enter its contest; None takes all that suit.
        asks_for: Learners that enter it beside those that suit.
        prefers: Who stays unless another is clearly better, see `models.contest.choice`; else the simplest does.
        encoding_type: What `encode` needs, as it is kept with the model.
        asks_of_badges: Tonight's players come with how far they are with badges, `Asked.badges`.
        asks_of_past: Tonight's players come with their own past windows, `Asked.past`.
        asks_of_days: Players come with what they did on each of so many days before, `Samples.days` and `Asked.days`: a
            sequence, for learners that read one.
        moves: Every night its answers are moved to fit what has just settled.
        alike: How much outcomes of the same days have in common beyond what their features tell, as a correlation: the
            more, the less the last days tell of what is to come, see `models.contest.split.evidence`.
        relevels: A flexible winner, refitted on all rows, is recalibrated by the newest of them, which it knows.
        as_it_serves: Candidates compete as they would have served: fitted on all that was over when the holdout began,
            recalibrated as the winner is. Else they are fitted on earlier, calibrated on later ones of these rows.
        leans_on: The chance of the condition under which its answers hold: a column of what it is asked at night, by
            which what has settled moves them; see `Recalibration`.
        wanted: Which way its answer is good for the app: 1 up, -1 down, 0 neither; see `changes`.
        ways: What is said of a fact that moves its answer up, and of one that moves it down.
        sorts: Columns of `rows` each value of which is a kind of question, for which it is told how answers do.
    """

    form: ClassVar[str] = "binary"
    label: ClassVar[str]
    inputs: ClassVar[Mapping[str, pl.DataType]]
    features: ClassVar[tuple[str, ...]]
    common: ClassVar[frozenset[str]] = frozenset()
    monotone: ClassVar[Mapping[str, int]] = {}
    categories: ClassVar[tuple[str, ...]] = ()
    least: ClassVar[float] = 1e-4
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    only: ClassVar[frozenset[str] | None] = None
    asks_for: ClassVar[frozenset[str]] = frozenset()
    prefers: ClassVar[str] = ""
    asks_of_badges: ClassVar[bool] = False
    asks_of_past: ClassVar[bool] = False
    asks_of_days: ClassVar[int] = 0
    moves: ClassVar[bool] = True
    alike: ClassVar[float] = 0.0
    relevels: ClassVar[bool] = True
    as_it_serves: ClassVar[bool] = False
    leans_on: ClassVar[str] = ""
    wanted: ClassVar[int] = 0
    ways: ClassVar[Ways] = WAYS
    sorts: ClassVar[tuple[str, ...]] = SORTS
    encoding_type: ClassVar[type[Encoding]] = Encoding

    # Whom it asks, and what became of it.

    @property
    def told_as_served(self) -> bool:
        """Whether its winner serves otherwise than it competed: not recalibrated, since it knows the newest rows."""
        return not (self.relevels or self.as_it_serves)

    def horizons(self, app: App) -> tuple[int, ...]:
        """The lengths of window in days that it is asked about."""
        return tuple(app.challenges.windows)

    def labels(self, known: Known, samples: Samples) -> pl.DataFrame:  # noqa: ARG002 (for those who look further)
        """What followed the snapshots, as known by the night of the training; by default what windows came to."""
        return samples.labels

    @abstractmethod
    def rows(self, app: App, samples: Samples, encoding: E, *, seed: int) -> pl.DataFrame:
        """Past questions with their answers: player_key, base_day, start_day, window_days, the label and the inputs."""

    def days(self, samples: Samples) -> pl.Series:
        """The base days of its questions, by which the contest is split into training, calibration and test."""
        return samples.labels["base_day"]

    def seen_by(self, app: App, samples: Samples, encoding: E, rows: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002
        """The same questions, in the same order, as a model with another encoding sees them."""
        return rows

    def ask(self, app: App, asked: Asked) -> pl.DataFrame | None:  # noqa: ARG002
        """Tonight's questions: player_key, window_days, the inputs, and `target` where it asks about one.

        None, the default, is for a task that publishes no scores.
        """
        return None

    # What its learners look at.

    def encoding(self, app: App, samples: Samples, before: dt.date, *, seed: int) -> E:  # noqa: ARG002
        """What `encode` needs, from windows that were over before a day."""
        return cast("E", self.encoding_type(self.horizons(app)))

    def encode(self, rows: pl.DataFrame, encoding: E) -> pl.DataFrame:  # noqa: ARG002 (for those who have one)
        """Rows with `features` added, in the same order; by default they are there already."""
        return rows

    def lacks(self, app: App, encoding: E) -> str:
        """What an app file asks that a model with this encoding was not made for, as a phrase; empty where it suits."""
        return encoding.lacks(self.horizons(app))

    def goes_by(self, app: App) -> str | None:  # noqa: ARG002 (for those whose labels rest on another)
        """The metric that its labels rest on beside those of challenges, '' for events of any kind; None: none."""
        return None

    def kinds(self, app: App) -> Mapping[str, Kind]:  # noqa: ARG002 (for those whose words name what the app counts)
        """What its features say of a player in words, see models/explain/reasons.py; with none no reasons are told."""
        return {}

    def changes(self, app: App) -> Sequence[Change]:  # noqa: ARG002 (for those whose answer a player can change)
        """What a player might have done otherwise, from the least of each way on, see models/explain/changes.py."""
        return ()

    def sort_called(self, app: App, column: str, value: Any) -> str:
        """What people call a kind of question: all of one value of a column of `sorts`, in the app's own words."""
        if column == "metric":
            return app.called(value) if value in app.metrics else str(value).replace("_", " ")
        return f"window of {counted(value, 'day')}" if column == "window_days" else as_columns_say(column, value)

    def takes(self, learner: "type[Learner]") -> bool:
        """Whether a learner may enter its contest."""
        suits = bool({self.name, self.form} & learner.suits) or learner.name in self.asks_for
        allowed = self.only is None or learner.name in self.only
        return suits and allowed and (learner.keeps_order or not any(self.monotone.values()))

    # What is decided, published and shown.

    def decide(self, gain: Gain, against: Against | None) -> Decision:
        """Whether the contest's winner should serve; see `better_than_guessing`."""
        return better_than_guessing(gain, against)

    def scores(self, model: Answering, app: App, asked: Asked) -> pl.DataFrame:
        """What it writes into the published table `scores`: columns SCORES, without reasons."""
        rows = self.ask(app, asked)
        if rows is None:
            return pl.DataFrame(schema=SCORES)
        return as_scores(rows.with_columns(probability=pl.Series(model.predict(rows))))

    def why(self, model: Answering, app: App, asked: Asked, scores: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002 (for those who tell of some)
        """The reasons of scores, of all or some of them: columns SCORES, of which SCORE and reasons are read.

        Args:
            model: Who answers.
            app: The app.
            asked: The players.
            scores: What `scores` gave of them.
        """
        rows = self.ask(app, asked)
        if rows is None:
            return pl.DataFrame(schema=SCORES)
        return as_scores(rows.with_columns(reasons=self.reasons(model, app, rows)))

    def needed(self, features: pl.DataFrame, *more: str) -> pl.DataFrame:
        """Features without the columns that it does not ask for: rows for many questions of each player stay narrow."""
        return features.select(n for n in features.columns if n in {*SNAPSHOT, *self.inputs, *more})

    def explained(self, model: Answering, app: App, asked: Asked) -> pl.DataFrame:
        """What is told of one player who is asked for: columns SCORES, with reasons; by default what is published."""
        scores = self.scores(model, app, asked)
        return with_reasons(scores, self.why(model, app, asked, scores))

    def reasons(self, model: Answering, app: App, rows: pl.DataFrame) -> pl.Series:
        """The strongest reasons of each row in words; null where the model cannot tell.

        Args:
            model: Who answers.
            app: The app.
            rows: Its rows.
        """
        kinds = {name: kind for name, kind in self.kinds(app).items() if name not in model.untold}
        if not kinds or not rows.height:  # trees refuse to be asked about nobody
            return pl.Series("reasons", [None] * rows.height, dtype=pl.String)
        return reasons(rows, model.contributions(rows), kinds, model.usual, self.ways)

    def figures(self, holdout: pl.DataFrame) -> dict[str, Measured]:
        """What the model page tells of the winner on the later holdout, beside its log-loss.

        Args:
            holdout: The task's rows with `y`, what happened, and `p`, what the winner promised.
        """
        y, p, players = (holdout[name].to_numpy() for name in ("y", "p", "player_key"))
        return {
            "auc": auc_interval(y, p, players),
            "brier": with_interval((y - p) ** 2, players),
            "calibration_error": calibration_error(y, p),
            "calibration_floor": clustered_floor(y, p, players),
        }

    def example(self, app: App) -> dict[str, Sequence[Any]]:
        """Made-up values for inputs where any value will not do."""
        return {"metric": app.challenges.metrics, "window_days": self.horizons(app), "lead_days": [0, 1]}


def as_scores(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows as the published table `scores` has them.

    Args:
        rows: player_key, window_days and probability; others of SCORES are null where they are not there.
    """
    there = {"horizon_days": "window_days", **{name: name for name in SCORES if name in rows.columns}}
    return rows.select(
        (pl.col(there[name]) if name in there else pl.lit(None)).cast(kind).alias(name) for name, kind in SCORES.items()
    )


def with_reasons(scores: pl.DataFrame, why: pl.DataFrame) -> pl.DataFrame:
    """Scores, in their order, with the reasons that `BinaryTask.why` told of some."""
    told = why.select(*SCORE, "reasons")
    return scores.drop("reasons").join(told, on=list(SCORE), how="left", nulls_equal=True, maintain_order="left")
