"""Will the player act at all within the window?"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import polars as pl

from configs.app import App
from models import habits
from models.explain.reasons import Kind, days_played, percent, what_is_asked
from models.given import SNAPSHOT, Asked, Samples
from models.task import Answering, BinaryTask, Encoding, as_scores

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

# The label and the player's identity are never among them.
FEATURES = (
    *("log_recency", "heat_3", "heat_10", "heat_30", "active_1", "active_3", "active_7", "active_14", "active_28"),
    *("log_events_1", "log_events_7", "log_events_28", "log_life", "streak", "log_tenure", "share_of_tenure"),
    *("habit", "habit_ratio", "weekend_days", "start_weekend", "app_1", "app_3", "app_7", "app_ratio"),
    *("log_gap", "overdue", "newness", "log_usual", "late", "reach", "lead_days", "next_calendar", "last_calendar"),
    *habits.ENDED,
)

# What `predict` reads: features of a snapshot and the window asked about.
INPUTS: dict[str, pl.DataType] = {
    **{
        name: pl.Float64()
        for name in (
            *("recency_days", "tenure_days", "streak_days", "heat_3", "heat_10", "heat_30", "gap_mean_28"),
            *(f"active_days_{n}" for n in (1, 3, 7, 14, 28, "life")),
            *("events_1", "events_7", "events_28", "app_active_1", "app_active_3", "app_active_7", "app_active_28"),
            *(f"on_{day}" for day in WEEKDAYS),
        )
    },
    **{name: pl.Int64() for name in ("next_calendar_days", "last_calendar_days")},
    **{name: pl.Int32() for name in ("window_days", "lead_days")},
    "start_day": pl.Date(),
    **habits.ENDED,
}

_LONGEST = 90  # days, beyond which all pauses are alike

# Alike for all on a day, or a clock that tells one day of a course from another.
COMMON = frozenset(
    {
        *("app_1", "app_3", "app_7", "app_ratio", "log_tenure", "log_life", "newness", "log_usual"),
        *("late", "reach", "next_calendar", "last_calendar"),
    }
)


class Plays(BinaryTask[Encoding]):
    """P(at least one active event within the window)."""

    name: ClassVar[str] = "plays"
    question: ClassVar[str] = "Will the player act at all within the window?"
    doing: ClassVar[str] = "who will play"
    label: ClassVar[str] = "played"
    inputs: ClassVar[Mapping[str, pl.DataType]] = INPUTS
    features: ClassVar[tuple[str, ...]] = FEATURES
    common: ClassVar[frozenset[str]] = COMMON
    asks_for: ClassVar[frozenset[str]] = frozenset({"stack"})
    alike: ClassVar[float] = 0.2  # players come in waves; see docs/choices.md for how it was found
    relevels: ClassVar[bool] = False
    used_for: ClassVar[str] = (
        "Each night's `completion_probability` is its answer times that of `attainment`; whose chance to play is small "
        "gets a message to come back instead of a challenge; of two windows the one likelier to see play is preferred."
    )
    limits: ClassVar[tuple[str, ...]] = (
        "Promises are moved every night to fit what has just settled; this page shows the model before that.",
        "Players not active within the app's `challenges.active_within_days` are not judged.",
    )

    def rows(self, app: App, samples: Samples, encoding: Encoding, *, seed: int) -> pl.DataFrame:  # noqa: ARG002
        """Every window that was over, with whether the player played."""
        return plays_rows(samples.features, samples.labels)

    def ask(self, app: App, asked: Asked) -> pl.DataFrame:  # noqa: ARG002
        """Every window that is open."""
        return plays_rows(asked.features, asked.windows)

    def encode(self, rows: pl.DataFrame, encoding: Encoding) -> pl.DataFrame:  # noqa: ARG002
        """The rows with FEATURES, see `plays_matrix`."""
        return rows.with_columns(plays_matrix(rows))

    def kinds(self, app: App) -> Mapping[str, Kind]:  # noqa: ARG002
        """Those of habit, and on which weekdays."""
        habit = _habit(_length(), pl.col("start_day"))
        weekdays = pl.format("played on {}", percent(habit, "the same weekdays in the last 8 weeks"))
        return {name: replace(habits.KINDS[name], features=features) for name, features in _OF_HABIT.items()} | {
            "often": replace(habits.KINDS["often"], features=_OFTEN, text=days_played("active_days_28", 28)),
            "weekdays": Kind(
                ("habit", "habit_ratio", "weekend_days", "start_weekend"),
                weekdays,
                "on which weekdays they play",
                habit,
            ),
            "ended": habits.TO_AN_END,
            "asked": what_is_asked("lead_days"),
        }

    def scores(self, model: Answering, app: App, asked: Asked) -> pl.DataFrame:  # noqa: ARG002
        """The chances that planning has asked for already; why is told of one player only, who is asked for."""
        return as_scores(asked.chances.with_columns(probability="p_plays"))

    def why(self, model: Answering, app: App, asked: Asked, scores: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002
        """Of none."""
        return scores.clear()

    def explained(self, model: Answering, app: App, asked: Asked) -> pl.DataFrame:
        """The chances, with reasons."""
        rows = self.ask(app, asked)
        rows = rows.with_columns(probability=pl.Series(model.predict(rows)))
        return as_scores(rows.with_columns(reasons=self.reasons(model, app, rows)))


_OF_HABIT = {
    "quiet": ("log_recency", "log_gap", "overdue", "log_usual", "late", "reach"),
    "week": ("active_1", "active_3", "active_7", "heat_3", "log_events_1"),
    "tenure": ("log_tenure", "log_life", "newness"),
    "app": ("app_1", "app_3", "app_7", "app_ratio"),
    "calendar": ("next_calendar", "last_calendar"),
}
_OFTEN = (
    *("active_14", "active_28", "heat_10", "heat_30", "log_events_7", "log_events_28", "share_of_tenure", "streak"),
)


def plays_rows(features: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    """One row per snapshot, lead and length: features joined to distinct windows (with `played` where known)."""
    columns = [c for c in ("lead_days", "window_days", "start_day", "end_day", "played") if c in windows.columns]
    distinct = windows.select(*SNAPSHOT, *columns).unique(maintain_order=True)
    return distinct.join(features, on=list(SNAPSHOT), how="inner", maintain_order="left")


def plays_matrix(rows: pl.DataFrame) -> pl.DataFrame:
    """The model's inputs: columns FEATURES, one row per input row.

    Args:
        rows: Features of a snapshot plus window_days, lead_days and start_day.
    """
    start, length = pl.col("start_day"), _length()
    weekday = start.dt.weekday()
    habit = _habit(length, start)
    anyday = pl.sum_horizontal(pl.col(f"on_{name}") for name in WEEKDAYS) / 7
    recency = pl.col("recency_days").fill_null(_LONGEST)
    gap = pl.col("gap_mean_28").fill_null(14).clip(1, 28)
    usual = _usual_pause()
    tenure = pl.col("tenure_days").fill_null(0)
    return rows.select(
        log_recency=recency.log1p(),
        heat_3=pl.col("heat_3").log1p(),
        heat_10=pl.col("heat_10").log1p(),
        heat_30=pl.col("heat_30").log1p(),
        active_1=pl.col("active_days_1"),
        active_3=pl.col("active_days_3") / 3,
        active_7=pl.col("active_days_7") / 7,
        active_14=pl.col("active_days_14") / 14,
        active_28=pl.col("active_days_28") / 28,
        log_events_1=pl.col("events_1").log1p(),
        log_events_7=pl.col("events_7").log1p(),
        log_events_28=pl.col("events_28").log1p(),
        log_life=pl.col("active_days_life").log1p(),
        streak=pl.col("streak_days").log1p(),
        log_tenure=tenure.log1p(),
        share_of_tenure=pl.col("active_days_28") / tenure.clip(1, 28),
        habit=habit,
        habit_ratio=((habit + 0.02) / (anyday + 0.02)).log(),
        weekend_days=(_in_window(6, length, start) + _in_window(7, length, start)) / length,
        start_weekend=(weekday >= 6).cast(pl.Float64),
        app_1=pl.col("app_active_1"),
        app_3=pl.col("app_active_3"),
        app_7=pl.col("app_active_7"),
        app_ratio=((pl.col("app_active_3") + 0.02) / (pl.col("app_active_28") + 0.02)).log(),
        log_gap=gap.log(),
        overdue=(recency / gap).log1p(),
        newness=1 / _days_played(),
        log_usual=usual.log(),
        late=(recency / usual).log1p(),
        reach=_reaches(usual, recency),
        lead_days=pl.col("lead_days").cast(pl.Float64),
        next_calendar=habits.nearness("next_calendar_days"),
        last_calendar=habits.nearness("last_calendar_days"),
        ended=pl.col("ended").fill_null(0),
    ).cast(pl.Float64)


def _days_played() -> pl.Expr:
    return pl.col("active_days_life").fill_null(1).clip(1)


def _usual_pause() -> pl.Expr:
    """Mean days from one day of play to the next over the whole record; before there are two, the pause so far."""
    life, recency = _days_played(), pl.col("recency_days").fill_null(_LONGEST)
    mean = (pl.col("tenure_days").fill_null(0) - recency) / (life - 1).clip(1)
    return pl.when(life > 1).then(mean).otherwise(recency).clip(1, _LONGEST)


def _reaches(usual: pl.Expr, recency: pl.Expr) -> pl.Expr:
    """Whether the day on which the usual pause ends lies in the window: 1 in its middle, falling to 0 outside of it."""
    half = pl.col("window_days") / 2
    off = (recency + half - usual) / (half + 0.15 * usual)
    return (-(off**2)).exp()


def _length() -> pl.Expr:
    return pl.col("window_days").clip(1, 7)


def _in_window(day: int, length: pl.Expr, start: pl.Expr) -> pl.Expr:
    """1 where a weekday (1 is Monday) is among the days of a window, else 0."""
    return (((day - start.dt.weekday()) % 7) < length).cast(pl.Float64)


def _habit(length: pl.Expr, start: pl.Expr) -> pl.Expr:
    """How often the player played on the weekdays of the window, in the last 8 weeks."""
    days = (pl.col(f"on_{name}") * _in_window(place, length, start) for place, name in enumerate(WEEKDAYS, start=1))
    return pl.sum_horizontal(days) / length
