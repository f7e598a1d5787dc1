"""Does a player's last week look like theirs at all?"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import polars as pl

from configs.app import App
from models.contest.scores import Measured, share_interval
from models.explain.reasons import Kind, as_said, counted
from models.given import SNAPSHOT, Asked, Samples
from models.task import Answering, BinaryTask, Encoding, as_scores

WEEK = 7
MOST_SNAPSHOTS = 20_000  # with 4,000 it was too sure of who plays neither hardly ever nor nearly always
UNUSUAL = 0.8  # what is told: a week that goes four times as well with another player's weeks before as with their own
_LUCK = 2_654_435_761  # spreads player keys, so that neighbours are nobody's in particular

# What the last week was, and what the weeks before it were: never of the same days.
LAST = ("events_7", "active_days_7", "active_days_1")
BEFORE = {
    "events_21": ("events_28", "events_7"),
    "active_21": ("active_days_28", "active_days_7"),
    "events_83": ("events_90", "events_7"),
    "active_83": ("active_days_90", "active_days_7"),
}


_DAYS = ("active_7", "active_1", "log_active_21", "log_active_83", "more_days")
_AMOUNT = ("log_events_7", "per_day", "log_events_21", "log_events_83", "more_events")


class Anomaly(BinaryTask[Encoding]):
    """P(the last week is another player's), where half of all weeks are, which is known only by what both did before.

    No week is marked as unusual in any app's history. So half of the weeks are put with the weeks before of somebody
    else, and who tells these from the true ones knows which weeks do not go with a player (Hastie, Tibshirani and
    Friedman 2009, The Elements of Statistical Learning, section 14.2.4). An isolation forest and the error of
    reconstruction, which learn from true weeks alone, are in the contest.
    """

    name: ClassVar[str] = "anomaly"
    question: ClassVar[str] = "Does the player's last week look like somebody else's?"
    doing: ClassVar[str] = "whose week is unusual"
    label: ClassVar[str] = "mixed"
    inputs: ClassVar[Mapping[str, pl.DataType]] = {
        **{name: pl.Float64() for name in (*LAST, *BEFORE, "tenure_days", "most_7", "most_21", "least_7", "least_21")},
        "window_days": pl.Int32(),
    }
    features: ClassVar[tuple[str, ...]] = (
        *("log_events_7", "active_7", "active_1", "per_day", "log_events_21", "log_active_21", "log_events_83"),
        *("log_active_83", "log_tenure", "more_events", "more_days", "rose", "fell"),
    )
    asks_for: ClassVar[frozenset[str]] = frozenset({"isolation_forest", "reconstruction"})
    moves: ClassVar[bool] = False  # nothing settles
    used_for: ClassVar[str] = (
        "Nights publish unusual weeks in `scores`; a judged badge whose app file says `hold_unusual` is then left to a "
        "person. No earned badge waits."
    )
    notes: ClassVar[Mapping[str, str]] = {
        "rightly_called_unusual": "of weeks called unusual, where half of all are another player's: how many were",
        "found_unusual": "of weeks that were another player's: how many are called unusual",
        "false_alarms": "of players' own weeks: how many are called unusual, as about so many are each night",
    }
    limits: ClassVar[tuple[str, ...]] = (
        "Unusual is no offence: a holiday, an exam and a shared account look alike.",
        "Weeks of other players stand for unusual ones; what is odd in another way may not be found.",
        "Only the number of actions, days with play and what challenges measure are looked at.",
    )

    def horizons(self, app: App) -> tuple[int, ...]:  # noqa: ARG002
        """The last week."""
        return (WEEK,)

    def rows(self, app: App, samples: Samples, encoding: Encoding, *, seed: int) -> pl.DataFrame:  # noqa: ARG002
        """Weeks of at most MOST_SNAPSHOTS snapshots, every second one put with the weeks before of somebody else."""
        features = samples.features.sample(min(samples.features.height, MOST_SNAPSHOTS), seed=seed)
        rows = _weeks(app, features)
        luck = ((pl.col("player_key") * _LUCK) % 1_000_003 + (pl.col("base_day").dt.epoch("d") * 7_919)) % 1_000_003
        rows = rows.with_columns(luck=luck).sort("base_day", "luck", "player_key")
        mine = pl.int_range(pl.len()).over("base_day")
        rows = rows.with_columns(mixed=(mine % 2 == 1) & (pl.len().over("base_day") > 1))
        last = [*LAST, *(name for name in rows.columns if name.endswith("__last"))]
        others = (pl.col(last).shift(1).over("base_day")).name.suffix("_other")
        rows = rows.with_columns(others).with_columns(
            pl.when("mixed").then(pl.col(f"{name}_other")).otherwise(pl.col(name)).alias(name) for name in last
        )
        return _extremes(app, rows.drop(f"{name}_other" for name in last).drop("luck"))

    def days(self, samples: Samples) -> pl.Series:
        """Those of the snapshots: nothing follows them."""
        return samples.features["base_day"]

    def ask(self, app: App, asked: Asked) -> pl.DataFrame:
        """The last week of each of tonight's players."""
        return _extremes(app, _weeks(app, asked.features))

    def encode(self, rows: pl.DataFrame, encoding: Encoding) -> pl.DataFrame:  # noqa: ARG002
        """The rows with the week, the weeks before, and how far they are apart."""
        events, days = pl.col("events_7"), pl.col("active_days_7")
        return rows.with_columns(
            log_events_7=events.log1p(),
            active_7=days / WEEK,
            active_1=pl.col("active_days_1"),
            per_day=(events / days.clip(1)).log1p() - (pl.col("events_21") / pl.col("active_21").clip(1)).log1p(),
            log_events_21=pl.col("events_21").log1p(),
            log_active_21=pl.col("active_21").log1p(),
            log_events_83=pl.col("events_83").log1p(),
            log_active_83=pl.col("active_83").log1p(),
            log_tenure=pl.col("tenure_days").fill_null(0).log1p(),
            more_events=events.log1p() - (pl.col("events_21") / 3).log1p(),
            more_days=days / WEEK - pl.col("active_21") / 21,
            rose=_rise("most"),
            fell=_rise("least"),
        )

    def kinds(self, app: App) -> Mapping[str, Kind]:
        """How much, on how many days, and which metric stands out."""
        before = "{} in the last 7 days, and {} in the 21 before"
        days = pl.format(
            "played on {} of the last 7 days, and on {} of the 21 before",
            as_said("active_days_7"),
            as_said("active_21"),
        )
        amount = pl.format(before, counted("events_7", "action"), as_said("events_21"))
        names = {name: app.figured(name) for name in _metrics(app)}
        fell = _rise("least").abs() > _rise("most").abs()  # what changed more is told

        def changed(what: str) -> pl.Expr:
            return pl.when(fell).then(f"least_{what}").otherwise(f"most_{what}")

        metric = changed("metric").replace_strict(names, default=None, return_dtype=pl.String)
        told = pl.format(f"{{}}: {before}", metric, as_said(changed("7")), as_said(changed("21")))
        active = pl.col("active_days_7") > 0  # else all of it is that they did not play
        return {
            "days": Kind(_DAYS, days, "on which days they play"),
            "amount": Kind(_AMOUNT, pl.when(active).then(amount), "how much they do"),
            "metric": Kind(("rose", "fell"), pl.when(active).then(told), "what they do more or less of than before"),
            "tenure": Kind(("log_tenure",), pl.lit(None, dtype=pl.String), "how long they are there"),
        }

    def scores(self, model: Answering, app: App, asked: Asked) -> pl.DataFrame:
        """The unusual weeks alone."""
        rows = self.ask(app, asked)
        rows = rows.with_columns(probability=pl.Series(model.predict(rows)), band=pl.lit("unusual"))
        return as_scores(rows.filter(pl.col("probability") >= UNUSUAL))

    def why(self, model: Answering, app: App, asked: Asked, scores: pl.DataFrame) -> pl.DataFrame:
        """Of these weeks."""
        rows = self.ask(app, asked).join(scores, on="player_key", how="semi", maintain_order="left")
        return as_scores(rows.with_columns(reasons=self.reasons(model, app, rows)))

    def figures(self, holdout: pl.DataFrame) -> dict[str, Measured]:
        """Beside the usual, how often weeks are called unusual, and how often rightly so."""
        called, y, players = holdout["p"] >= UNUSUAL, holdout["y"], holdout["player_key"]

        def share(of: pl.Series, among: pl.Series) -> Measured:
            one = of.filter(among).cast(pl.Float64).to_numpy()
            return (float(one.mean()), *share_interval(one, players.filter(among).to_numpy())) if len(one) else math.nan

        return {
            **super().figures(holdout),
            "rightly_called_unusual": share(y, called),
            "found_unusual": share(called, y == 1),
            "false_alarms": share(called, y == 0),
        }

    def example(self, app: App) -> dict[str, Sequence[Any]]:  # noqa: ARG002
        """A week."""
        return {"window_days": [WEEK]}


def times_another(probability: float) -> str:
    """How much better a week goes with another player's weeks before than with their own, as people say it.

    The probability is of a week of which half are another's, and hardly any are on a night: no chance that it is.
    """
    times = probability / max(1 - probability, 0.01)
    return f"{times:.0f} times" if times < 99 else "99 times and more"


def _metrics(app: App) -> list[str]:
    """The metrics of challenges of which a week and the weeks before it are apart."""
    asked = {name: app.metrics[name] for name in sorted(set(app.challenges.metrics))}
    return [name for name, metric in asked.items() if metric.aggregation.adds_up and metric.agg != "distinct"]


def _weeks(app: App, features: pl.DataFrame) -> pl.DataFrame:
    """The week and the weeks before of each snapshot: LAST, BEFORE, and `<metric>__last`, `<metric>__before`.

    With how much they play, which no learner sees: the page tells kinds of players by it.
    """
    day = pl.col("base_day")
    parts = {name: (pl.col(whole).fill_null(0) - pl.col(last)).clip(0) for name, (whole, last) in BEFORE.items()}
    for name in _metrics(app):
        last = pl.col(f"{name}__7").fill_null(0)
        parts[f"{name}__last"] = last
        parts[f"{name}__before"] = (pl.col(f"{name}__28").fill_null(0) - last).clip(0)
    start, days = day - dt.timedelta(days=WEEK), pl.lit(WEEK, dtype=pl.Int32)
    kept = (*SNAPSHOT, *LAST, "tenure_days", "active_days_28")
    return features.select(*kept, start_day=start, window_days=days, **parts)


def _extremes(app: App, rows: pl.DataFrame) -> pl.DataFrame:
    """With the metric that rose most and the one that fell most: most_metric, most_7, most_21, least_7, least_21."""
    metrics = _metrics(app)
    if not metrics:
        none = {name: pl.lit(0.0) for name in ("most_7", "most_21", "least_7", "least_21")}
        unnamed = {f"{which}_metric": pl.lit(None, dtype=pl.String) for which in ("most", "least")}
        return rows.with_columns(**unnamed, **none)
    of_part = {part: [f"{name}__{part}" for name in metrics] for part in ("last", "before")}
    last, before = (rows.select(pl.col(names).cast(pl.Float64)).to_numpy() for names in of_part.values())
    changes, each = np.log1p(last) - np.log1p(before / 3), np.arange(rows.height)
    columns = {}
    for which, place in (("most", changes.argmax(axis=1)), ("least", changes.argmin(axis=1))):
        columns[f"{which}_metric"] = pl.Series(metrics, dtype=pl.String)[place]
        columns |= {f"{which}_7": pl.Series(last[each, place]), f"{which}_21": pl.Series(before[each, place])}
    return rows.drop(of_part["last"] + of_part["before"]).with_columns(**columns)


def _rise(which: str) -> pl.Expr:
    return pl.col(f"{which}_7").log1p() - (pl.col(f"{which}_21") / 3).log1p()
