"""How likely is it that a player has left, or will leave within the weeks to come?"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import polars as pl

from configs.app import App
from models import habits
from models.contest.scores import AHEAD_OF, Measured, auc_gain, auc_interval
from models.explain.reasons import Kind, what_is_asked
from models.given import SNAPSHOT, Asked, Change, Known, Samples
from models.portable import load_json, save_json
from models.task import Answering, BinaryTask, Encoding, as_scores

WEEKS = 4  # how far ahead leaving is foreseen
USUAL_SHARE = 0.95  # of pauses that players come back from
SHORTEST, LONGEST = 7, 28  # days without play that may mean leaving, where the app file says nothing
LOOK_BACK_DAYS = 180
BANDS = (("high", 0.5), ("medium", 0.2), ("low", 0.0))


class Quiet(Encoding):
    """How many days without play mean that somebody left; a window for each week in which they may leave.

    Args:
        days: Of a week's end and of the silence after it: the first is the silence alone.
    """

    def __init__(self, days: int) -> None:
        self.days = days
        super().__init__(windows_of(days))

    def to_files(self, folder: Path) -> None:
        """Write the days."""
        save_json(folder / "quiet.json", {"days": self.days})

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        return cls(load_json(folder / "quiet.json")["days"])


class Churn(BinaryTask[Quiet]):
    """Discrete-time hazard of leaving, in weeks (Singer and Willett 1993, J. Educ. Stat. 18, 155).

    A player leaves on the first of N days in a row without play. A row asks of one week: who has not left before it, do
    they leave in it? Its window ends with the N days after that week, when the answer is known; the week 0 asks whether
    they left already. Players are those active within the app's `challenges.active_within_days` before the base day.
    """

    name: ClassVar[str] = "churn"
    question: ClassVar[str] = "Has the player left, or will they leave within the weeks to come?"
    doing: ClassVar[str] = "who will leave"
    label: ClassVar[str] = "left"
    inputs: ClassVar[Mapping[str, pl.DataType]] = {
        **habits.INPUTS,
        **habits.ENDED,
        "week": pl.Int32(),
        "window_days": pl.Int32(),
    }
    features: ClassVar[tuple[str, ...]] = (*habits.FEATURES, "week", *habits.ENDED)
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        name: {"trees": 80} for name in ("lightgbm", "who_and_when", "trees_and_lines")
    }
    asks_for: ClassVar[frozenset[str]] = frozenset({"trees_and_lines", "xgboost", "stack", "catboost"})
    prefers: ClassVar[str] = "trees_and_lines"  # contests of one season chose worse for the next; docs/choices.md
    moves: ClassVar[bool] = False  # what settles tonight began weeks ago
    relevels: ClassVar[bool] = False  # the newest rows are weeks old, and whole courses begin and end; docs/choices.md
    as_it_serves: ClassVar[bool] = True  # of short histories few rows are left to calibrate by
    wanted: ClassVar[int] = -1
    sorts: ClassVar[tuple[str, ...]] = ("week",)
    used_for: ClassVar[str] = (
        "Nights publish its answers in `scores`, for people and apps to act on; no challenge, reward or badge depends "
        "on them."
    )
    notes: ClassVar[Mapping[str, str]] = {
        "auc_left_already": "how well it ranks who has left already: 0.5 is guessing, 1 is without fault",
        "auc_left_already_ahead_of_recency": "how much better than the days since the last play alone",
        "left_already": "the share of those asked about who had left",
        "quiet_days": "days without play after which somebody counts as gone",
    }
    encoding_type: ClassVar[type[Encoding]] = Quiet
    limits: ClassVar[tuple[str, ...]] = (
        (
            "A row asks of one week, of who had not left before it; players are told the chance of having left by the "
            "end of each week."
        ),
        "Leaving is N days in a row without play (`quiet days`), so the newest answers are N days old.",
        "Players not active within `challenges.active_within_days` are not judged: to foresee what is over flatters.",
        f"Nothing is foreseen beyond {WEEKS} weeks.",
        "How many leave in a season that was not seen before is not foreseen; who leaves sooner than others is.",
    )

    def lacks(self, app: App, encoding: Quiet) -> str:
        """What the app file says of leaving that the model was not trained for."""
        said = app.engagement.gone_after_days
        return f"who is quiet for {said} days has left" if said and said != encoding.days else ""

    def kinds(self, app: App) -> Mapping[str, Kind]:  # noqa: ARG002
        """Those of habit."""
        return {**habits.KINDS, "ended": habits.TO_AN_END, "asked": what_is_asked("week")}

    def changes(self, app: App) -> Sequence[Change]:  # noqa: ARG002
        """Those of habit."""
        return habits.changes()

    def sort_called(self, app: App, column: str, value: Any) -> str:  # noqa: ARG002
        """Which week it is."""
        return f"leaves in week {value}" if value else "left already"

    def labels(self, known: Known, samples: Samples) -> pl.DataFrame:
        """One row per snapshot and week that it was at risk in and that is known: week, quiet_days, window, left."""
        snapshots, quiet = samples.features.select(SNAPSHOT), quiet_days(known)
        weeks = pl.DataFrame({"week": range(WEEKS + 1)}, schema={"week": pl.Int32})
        spans = snapshots.join(weeks, how="cross").with_columns(
            quiet_days=pl.lit(quiet, dtype=pl.Int32), window_days=quiet + 7 * pl.col("week"), start_day="base_day"
        )
        over = known.over(spans.with_columns(end_day=_end()))
        with known.lend(snapshots=snapshots):
            asked = {"quiet": quiet, "reach": windows_of(quiet)[-1]}
            left = known.frame(known.fixed("learning/days_left"), asked)
        over = over.join(left, on=list(SNAPSHOT), how="left", maintain_order="left")
        at, opens, closes = pl.col("days_left"), 7 * (pl.col("week") - 1), 7 * pl.col("week")
        at_risk = (pl.col("week") == 0) | at.is_null() | (at > opens)
        return over.filter(at_risk).with_columns(left=(at <= closes).fill_null(value=False)).drop("days_left")

    def encoding(self, app: App, samples: Samples, before: dt.date, *, seed: int) -> Quiet:  # noqa: ARG002
        """The days that the labels rest on."""
        return Quiet(int(samples.labels["quiet_days"][0]) if samples.labels.height else LONGEST)

    def rows(self, app: App, samples: Samples, encoding: Quiet, *, seed: int) -> pl.DataFrame:  # noqa: ARG002
        """Every week that a snapshot was at risk in."""
        return samples.labels.join(samples.features, on=list(SNAPSHOT), maintain_order="left")

    def encode(self, rows: pl.DataFrame, encoding: Quiet) -> pl.DataFrame:  # noqa: ARG002
        """The rows with the features of habit."""
        return rows.with_columns(**habits.FEATURES)

    def scores(self, model: Answering, app: App, asked: Asked) -> pl.DataFrame:  # noqa: ARG002
        """P(left by the end of each week), from the hazards; with the days that a player is half likely to stay."""
        rows = self._questions(model, asked, WEEKS)
        rows = rows.with_columns(hazard=pl.Series(model.predict(rows))).sort("player_key", "week")
        rows = rows.with_columns(stays=(1 - pl.col("hazard")).cum_prod().over("player_key"))
        rows = rows.with_columns(probability=1 - pl.col("stays"), band=_band())
        return as_scores(rows.join(_half_likely(rows), on="player_key", how="left", maintain_order="left"))

    def why(self, model: Answering, app: App, asked: Asked, scores: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002
        """Of having left already."""
        now = self._questions(model, asked, 0)
        return as_scores(now.with_columns(reasons=self.reasons(model, app, now)))

    def _questions(self, model: Answering, asked: Asked, last: int) -> pl.DataFrame:
        """Each week up to the last, of each player."""
        weeks = pl.DataFrame({"week": range(last + 1)}, schema={"week": pl.Int32})
        days = (model.encoding.days + 7 * pl.col("week")).cast(pl.Int32)
        return self.needed(asked.features).join(weeks, how="cross").with_columns(window_days=days)

    def figures(self, holdout: pl.DataFrame) -> dict[str, Measured]:
        """Beside the usual: who left already, told from who did not, and how well recency alone tells them apart."""
        now = holdout.filter(pl.col("week") == 0)
        y, p, players, recency = (now[name].to_numpy() for name in ("y", "p", "player_key", "recency_days"))
        return {
            **super().figures(holdout),
            "auc_left_already": auc_interval(y, p, players),
            f"auc_left_already{AHEAD_OF}recency": auc_gain(y, p, recency, players),
            "left_already": float(y.mean()) if len(y) else math.nan,
            "quiet_days": float(holdout["quiet_days"][0]),
        }

    def example(self, app: App) -> dict[str, Sequence[Any]]:  # noqa: ARG002
        """Weeks and windows that belong together."""
        return {"week": [0, 1], "window_days": windows_of(LONGEST)[:2]}


def windows_of(quiet: int) -> tuple[int, ...]:
    """After how many days it is known whether somebody left, week by week."""
    return tuple(quiet + 7 * week for week in range(WEEKS + 1))


def quiet_days(known: Known) -> int:
    """How many days without play mean leaving: what the app file says, else the whole weeks that few pauses outlast."""
    if said := known.app.engagement.gone_after_days:
        return said
    asked = {"share": USUAL_SHARE, "base_day": known.base_day, "back": LOOK_BACK_DAYS}
    pause = known.frame(known.fixed("learning/usual_pause"), asked)["pause"][0]
    return LONGEST if pause is None else min(max(7 * math.ceil(pause / 7), SHORTEST), LONGEST)


def _end() -> pl.Expr:
    return pl.col("start_day") + pl.duration(days=pl.col("window_days") - 1)


def _band() -> pl.Expr:
    """How likely it is that the player left already, in a word."""
    now = 1 - pl.col("stays").first().over("player_key")
    return pl.coalesce(pl.when(now >= least).then(pl.lit(band)) for band, least in BANDS)


def _half_likely(rows: pl.DataFrame) -> pl.DataFrame:
    """player_key, days: until the curve falls to one half, straight between weeks; absent where it stays above."""
    before = pl.col("stays").shift(1).over("player_key")
    share = ((before - 0.5) / (before - pl.col("stays"))).fill_null(0.0)
    crossed = rows.with_columns(days=7 * (pl.col("week") - 1) + 7 * share).filter(pl.col("stays") <= 0.5)
    first = crossed.group_by("player_key").agg(pl.col("days").sort_by("week").first())
    return first.select("player_key", pl.col("days").clip(0).ceil().cast(pl.Int32))
