"""If they play, how likely is t of metric m within the window?"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from configs.app import App
from configs.nouns import minutes_of
from models.calibration import logits
from models.explain.reasons import Kind, counted, days_played, lately, none_lowers, percent, spoken, what_is_asked
from models.given import SNAPSHOT, Asked, Samples
from models.habits import dated
from models.learners.empirical_bayes import KEY, PLAYER_KEY, EmpiricalBayes
from models.menus import ask_menu
from models.task import Answering, BinaryTask, Encoding, as_scores
from models.tasks.plays import INPUTS as PLAYS
from models.tasks.plays import plays_matrix, plays_rows

MOST_QUESTIONS = 150_000
_ASKED = (*PLAYER_KEY, "lead_days", "start_day", "target", "hit")
_OWN = ("7", "28", "per_day", "trend")
_END = pl.col("start_day") + pl.duration(days=pl.col("window_days") - 1)

# Name and direction in which the probability may move as the feature rises (0: any). Everything that rests on the
# target falls with it, so the whole model falls with it.
MONOTONE: dict[str, int] = {
    "log_target": -1,
    "over_mean": -1,
    "record": 1,
    "population": 1,
    "evidence": 0,
    "past_mean": 0,
    "past_sd": 0,
    "window_days": 0,
    "lead_days": 0,
    "own_7": 0,
    "own_28": 0,
    "own_per_day": 0,
    "own_trend": 0,
    "active_7": 0,
    "active_28": 0,
    "log_recency": 0,
    "log_events_7": 0,
    "streak": 0,
    "habit": 0,
    "weekend_days": 0,
    "next_calendar": 0,
    "last_calendar": 0,
    "metric": 0,
}
FEATURES = tuple(MONOTONE)
FROM_PLAY = (
    *("active_7", "active_28", "log_recency", "log_events_7", "streak", "habit", "weekend_days"),
    *("next_calendar", "last_calendar"),
)

# What `predict` reads: a question, the evidence on it, the metric's own features and those of play.
INPUTS: dict[str, pl.DataType] = {
    "metric": pl.String(),
    **{name: pl.Int32() for name in ("window_days", "lead_days")},
    **{
        name: pl.Float64()
        for name in (
            *("target", "reached", "evidence", "population", "past_mean", "past_sd"),
            *("own_7", "own_28", "own_per_day", "own_trend"),
            *FROM_PLAY,
        )
    },
}


class Record(Encoding):
    """What all players reached, and how much to trust it; each metric and window has a calibration of its own."""

    def __init__(self, record: EmpiricalBayes) -> None:
        self.record = record
        self.places = {key: i for i, key in enumerate(record.strengths.select(KEY).sort(KEY).iter_rows())}
        self.codes = {metric: i for i, metric in enumerate(sorted({m for m, _ in self.places}))}
        super().__init__(sorted({days for _, days in self.places}))

    @property
    def groups(self) -> int:
        """How many intercepts there are."""
        return len(self.places)

    def group(self, rows: pl.DataFrame) -> NDArray[np.int64]:
        """The place of each row's metric and window, shape (n,); -1 for one never seen."""
        places = pl.DataFrame(
            [(m, w, i) for (m, w), i in self.places.items()],
            schema={"metric": pl.String, "window_days": rows.schema["window_days"], "_place": pl.Int64},
            orient="row",
        )
        found = rows.select(KEY).join(places, on=KEY, how="left", maintain_order="left")["_place"]
        return found.fill_null(-1).to_numpy()

    def lacks(self, windows: Sequence[int]) -> str:  # noqa: ARG002
        """Nothing: a window too long to have been over yet is asked of nobody."""
        return ""

    def to_files(self, folder: Path) -> None:
        """Write the record's tables."""
        self.record.to_files(folder)

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        return cls(EmpiricalBayes.from_files(folder))


class Attainment(BinaryTask[Record]):
    """P(metric reaches the target within the window, given that the player plays); it falls as the target rises.

    Targets and values are signed, so that higher is always better (see models/learners/empirical_bayes.py).
    """

    name: ClassVar[str] = "attainment"
    question: ClassVar[str] = "If they play, how likely is it that a metric reaches a target within the window?"
    doing: ClassVar[str] = "what they can reach"
    label: ClassVar[str] = "hit"
    inputs: ClassVar[Mapping[str, pl.DataType]] = INPUTS
    features: ClassVar[tuple[str, ...]] = FEATURES
    monotone: ClassVar[Mapping[str, int]] = MONOTONE
    categories: ClassVar[tuple[str, ...]] = ("metric",)
    least: ClassVar[float] = 1e-3
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "lightgbm": {"trees": 120, "leaves": 12, "min_leaf": 150, "features": 0.8}
    }
    moves: ClassVar[bool] = False  # planning moves it by the challenges that it would have chosen
    leans_on: ClassVar[str] = "p_plays"
    encoding_type: ClassVar[type[Encoding]] = Record
    used_for: ClassVar[str] = (
        "Each night chooses by it which target of which metric a player is asked for, and says it as "
        "`probability_if_active`; difficulty and XP follow from it."
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Targets come from the menu of round numbers that players reached in training; nothing beyond it is asked.",
        "The probability holds given play; `plays` supplies the other factor.",
    )

    def days(self, samples: Samples) -> pl.Series:
        """The base days of the windows with play."""
        return samples.labels.filter("played")["base_day"]

    def encoding(self, app: App, samples: Samples, before: dt.date, *, seed: int) -> Record:
        """The record of the windows with play that were over before a day."""
        signed, past = _signed(app, samples)
        return Record(EmpiricalBayes.fit(signed.filter(before > _END), past, whole_metrics(app), seed=seed))

    def rows(self, app: App, samples: Samples, encoding: Record, *, seed: int) -> pl.DataFrame:
        """Up to four targets for each window with play, near what the player's record makes interesting."""
        record, (signed, past) = encoding.record, _signed(app, samples)
        windows = signed.sample(min(signed.height, MOST_QUESTIONS // 2), seed=seed)
        asked = ask_menu(record, past, windows, lowest=0.06, highest=0.95)
        chosen = asked.filter(pl.int_range(pl.len()).shuffle(seed=seed).over([*PLAYER_KEY, "lead_days"]) < 4)
        hit = (pl.col("value").fill_null(float("-inf")) >= pl.col("target")).cast(pl.Float64)
        questions = chosen.sort(*PLAYER_KEY, "lead_days", "target").with_columns(hit=hit)
        return self.seen_by(app, samples, encoding, questions)

    def seen_by(self, app: App, samples: Samples, encoding: Record, rows: pl.DataFrame) -> pl.DataFrame:
        """The same questions, weighed by another record."""
        asked, (_, past) = rows.select(_ASKED), _signed(app, samples)
        return encoding.record.weigh(with_inputs(samples.features, asked), past)

    def encode(self, rows: pl.DataFrame, encoding: Record) -> pl.DataFrame:
        """The rows with FEATURES, and the record's own answer as `chance`."""
        record = encoding.record
        rows = rows.with_columns(chance=pl.Series(record.probability(rows)))

        def log(name: str) -> pl.Expr:
            return pl.col(name).sign() * pl.col(name).abs().log1p()

        return rows.with_columns(
            log_target=log("target"),
            over_mean=log("target") - log("past_mean"),
            record=pl.Series(logits(rows["chance"].to_numpy())),
            population=(pl.col("population") / (1 - pl.col("population"))).log(),
            past_mean=log("past_mean"),
            past_sd=pl.col("past_sd").log1p(),
            own_7=log("own_7"),
            own_28=log("own_28"),
            own_per_day=log("own_per_day"),
            metric=pl.col("metric").replace_strict(encoding.codes, default=-1),
        )

    def kinds(self, app: App) -> Mapping[str, Kind]:
        """Their own record, what they did lately, what all players come to, and how they play."""
        what, values = _by_metric(app, app.figured), {28: "own_28", 7: "own_7"}
        everybody = pl.format(
            "{} % of all players' windows with play come to as much", spoken(100 * pl.col("population"))
        )
        return {
            "record": Kind(_RECORD, _record(), "how often they came to as much themselves"),
            "lately": Kind(
                ("own_7", "own_28", "own_per_day", "own_trend"),
                lately(what, values),
                "how much of it they did lately",
                only=none_lowers("own_28"),
                lowering=lately(what, values, much=False),
            ),
            "all": Kind(("population",), everybody, "how often all players come to as much", "population"),
            "asked": what_is_asked("metric", "window_days", "lead_days"),
            **_PLAY,
        }

    def explained(self, model: Answering, app: App, asked: Asked) -> pl.DataFrame:
        """The chance of each target of the windows, which have one each as `target` (signed), with reasons."""
        rows = with_inputs(asked.features, asked.windows)
        rows = model.encoding.record.weigh(rows, asked.past.with_columns(pl.col("value") * sign_of(app)))
        rows = rows.with_columns(probability=pl.Series(model.predict(rows)), reasons=self.reasons(model, app, rows))
        unsigned = _number(pl.col("target") * sign_of(app))
        beyond = pl.when(sign_of(app) > 0).then(pl.lit("at least")).otherwise(pl.lit("at most"))
        return as_scores(rows.with_columns(target=pl.format("{} {} {}", _by_metric(app, app.called), beyond, unsigned)))


_RECORD = ("record", "over_mean", "log_target", "evidence", "past_mean", "past_sd")
_SHARE = pl.col("reached") / pl.col("evidence")


def _record() -> pl.Expr:
    """How often the player came to as much in windows of the same length, as the record weighs them."""
    window = (
        pl.when(pl.col("window_days") == 1)
        .then(pl.lit("days"))
        .otherwise(pl.format("{} of {}", pl.lit("windows"), counted("window_days", "day")))
    )
    told = pl.format(
        "came to as much in {} % of their own {} with play, newer ones count more", spoken(100 * _SHARE), window
    )
    return pl.when(pl.col("evidence") > 0).then(told).otherwise(pl.lit("no whole window with play to go by"))


def _by_metric(app: App, told: Callable[[str], str]) -> pl.Expr:
    """What people are told of the metric; its id where challenges ask for it no more."""
    labels = {name: told(name) for name in app.challenges.metrics}
    return pl.col("metric").replace_strict(labels, default=pl.col("metric"), return_dtype=pl.String)


def _number(value: str | pl.Expr) -> pl.Expr:
    """A number as people say it: whole where it is, else with at most two decimals."""
    number = pl.col(value) if isinstance(value, str) else value
    return number.round(2).cast(pl.String).str.strip_suffix(".0")


_PLAY = {
    "often": Kind(
        ("active_7", "active_28", "log_events_7", "streak"),
        pl.when(pl.col("active_7") == 0)
        .then(days_played(28 * pl.col("active_28"), 28) + pl.lit(", none of the last 7"))
        .otherwise(
            pl.format("{}, {} of the last 7", days_played(28 * pl.col("active_28"), 28), spoken(7 * pl.col("active_7")))
        ),
        "how often they play",
        "active_28",
    ),
    "quiet": Kind(
        ("log_recency",),
        pl.format("last played {} ago", counted(pl.col("log_recency").exp() - 1, "day")),
        "how long ago they last played",
        "log_recency",
    ),
    "weekdays": Kind(
        ("habit", "weekend_days"),
        pl.format("played on {}", percent("habit", "the same weekdays in the last 8 weeks")),
        "on which weekdays they play",
        "habit",
    ),
    "calendar": Kind(
        ("next_calendar", "last_calendar"),
        dated(-7 * pl.col("next_calendar").log(), -7 * pl.col("last_calendar").log()),
        "how near the dates of the calendar are",
    ),
}


def _signed(app: App, samples: Samples) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The windows with play, with start_day, and the players' own past ones; values signed."""
    signed = samples.labels.filter("played").with_columns(pl.col("value") * sign_of(app))
    signed = signed.with_columns(start_day=pl.col("base_day") + pl.duration(days="lead_days"))
    return signed, samples.past.with_columns(pl.col("value") * sign_of(app))


def sign_of(app: App) -> pl.Expr:
    """1 where more is better, -1 where less is, by metric; signed values are always better when higher."""
    lower = [name for name, metric in app.metrics.items() if metric.better == "lower"]
    return pl.when(pl.col("metric").is_in(lower)).then(-1.0).otherwise(1.0)


def whole_metrics(app: App) -> dict[str, bool]:
    """Which metrics come, or are asked for, in whole numbers: nobody sits down for 6.5 minutes."""
    return {
        name: metric.aggregation.whole or minutes_of(metric.unit) == 1 or _of_integers(app, name)
        for name, metric in app.metrics.items()
    }


def with_inputs(features: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with what a question's metric and window say of the player: the own_* columns and FROM_PLAY.

    Args:
        features: One row per snapshot (samples.describe).
        rows: PLAYER_KEY, lead_days, start_day, any others.
    """
    own = rows.join(_own_values(features, rows), on=[*SNAPSHOT, "metric"], how="left", maintain_order="left")
    spans = plays_rows(features.select(*SNAPSHOT, *(name for name in PLAYS if name in features.columns)), rows)
    play = pl.concat(
        [spans.select(*SNAPSHOT, "lead_days", "window_days"), plays_matrix(spans).select(FROM_PLAY)], how="horizontal"
    )
    keys = [*SNAPSHOT, "lead_days", "window_days"]
    return own.join(play.unique(keys, maintain_order=True), on=keys, how="left", maintain_order="left")


def _own_values(features: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """own_7, own_28, own_per_day, own_trend of each asked metric, in long form."""
    own = {f"own_{measure}": pl.Float64 for measure in _OWN}
    of_each = [
        features.lazy().select(
            *SNAPSHOT,
            pl.lit(metric).alias("metric"),
            *(pl.col(f"{metric}__{measure}").fill_null(0.0).alias(f"own_{measure}") for measure in _OWN),
        )
        for metric in asked["metric"].unique().sort()
    ]
    none = pl.LazyFrame(schema={**{k: features.schema[k] for k in SNAPSHOT}, "metric": pl.String, **own})
    return pl.concat(of_each or [none]).collect()


def _of_integers(app: App, name: str) -> bool:
    metric = app.metrics[name]
    declared = [app.property_of(event, metric.of) for event in metric.events or app.active_events] if metric.of else []
    return bool(declared) and all(p is not None and p.type == "integer" for p in declared)
