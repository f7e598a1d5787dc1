"""How likely is it that a badge is earned within a week, two, or four?"""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlglot import exp

from configs.app import App
from configs.badge_rules import BadgeRule, badge_rules, once_rules
from models import habits
from models.calibration import logits
from models.contest.scores import AHEAD_OF, Measured, average_precision, of_drawn
from models.explain.reasons import Kind, counted, spoken
from models.given import SNAPSHOT, Asked, Change, Known, Samples
from models.portable import load_json, save_json
from models.statistics.pace import COUNTED, PACE_DAYS, once_each, reached
from models.task import Answering, BinaryTask, Encoding, as_scores

Array = NDArray[np.float64]
HORIZONS = (7, 14, 28)
EVERY_DAYS, MOST_CUTS, MOST_PAIRS = 7, 20, 120_000
TOLD = 3  # the likeliest badges of each player
ASKED = 8  # of each player the badges that a model is asked about
FAR_DAYS = 3650.0
TIERS = {"bronze": 1.0, "silver": 2.0, "gold": 3.0, "platinum": 4.0}
_END = pl.col("start_day") + pl.duration(days=pl.col("window_days") - 1)
_MISSING = ((1 - pl.col("progress")) * pl.col("goal")).ceil().clip(1)
_PAIR = (*SNAPSHOT, "badge_id")

# How far a player is, and what all came to, as of the day; what the badge's rule is like.
STANDING: dict[str, pl.DataType] = {name: pl.Float64() for name in ("progress", "eta_days", "held_by", "earned_by")}
TRAITS: dict[str, pl.DataType] = {name: pl.Float64() for name in ("goal", "terms", "within", "runs", "tier")}


class Commonness(Encoding):
    """How common each badge was when the model was trained: the share of active players who held it, and earned it.

    Args:
        badges: badge_id, held_by, earned_by.
    """

    def __init__(self, badges: pl.DataFrame) -> None:
        self.badges = badges
        super().__init__(HORIZONS)

    def to_files(self, folder: Path) -> None:
        """Write the shares."""
        save_json(folder / "badges.json", {"badges": self.badges.sort("badge_id").rows()})

    @classmethod
    def from_files(cls, folder: Path) -> Self:
        """Read what `to_files` wrote."""
        return cls(pl.DataFrame(load_json(folder / "badges.json")["badges"], schema=_COMMON, orient="row"))


_COMMON = {"badge_id": pl.String, "held_by": pl.Float64, "earned_by": pl.Float64}


class BadgeOdds(BinaryTask[Commonness]):
    """One discrete-time hazard of earning, pooled over players, badges and days.

    A row asks of a badge that a player did not hold on a day: not earned in the weeks before, is it in these? What is
    known of the badge is how far the player is, at what pace, what its rule is like and how common it was by then, so
    the model answers for badges that it never saw. The name of a badge is no feature.
    """

    name: ClassVar[str] = "badge_odds"
    question: ClassVar[str] = "How likely is it that a badge is earned within a week, two, or four?"
    doing: ClassVar[str] = "which badges they will earn"
    label: ClassVar[str] = "earned"
    inputs: ClassVar[Mapping[str, pl.DataType]] = {
        **habits.INPUTS,
        **STANDING,
        **TRAITS,
        "window_days": pl.Int32(),
    }
    features: ClassVar[tuple[str, ...]] = (
        *(*habits.FEATURES, "progress", "missing", "log_eta", "has_pace", "closed_form", "held_by", "earned_by"),
        *("log_goal", "terms", "within", "runs", "tier"),
    )
    settings: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        name: {"min_leaf": 50} for name in ("lightgbm", "who_and_when")
    }
    asks_for: ClassVar[frozenset[str]] = frozenset({"who_and_when", "xgboost", "stack", "catboost"})
    prefers: ClassVar[str] = "who_and_when"
    asks_of_badges: ClassVar[bool] = True
    relevels: ClassVar[bool] = False  # as of churn
    moves: ClassVar[bool] = False  # to see it settle means to look through all events
    wanted: ClassVar[int] = 1
    sorts: ClassVar[tuple[str, ...]] = ("window_days", "badge_id")
    used_for: ClassVar[str] = (
        "Nights publish each player's likeliest badges in `scores`, and draw from them which badges `recommendations` "
        "names. Who earns a badge depends on its rule alone."
    )
    notes: ClassVar[Mapping[str, str]] = {
        "earned": "the share of rows in which the badge was earned",
        "pr_auc": "area under precision and recall: as much as `earned` is guessing, 1 is without fault",
        "pr_auc_ahead_of_the_closed_form": "how much better than by pace and what is missing alone",
        "brier_skill_over_the_rate_of_each_badge": "the squared error saved beside each badge's own rate; 0 is none",
    }
    encoding_type: ClassVar[type[Encoding]] = Commonness
    limits: ClassVar[tuple[str, ...]] = (
        (
            "A row asks of days 1 to 7, 8 to 14 or 15 to 28 alone, of who had not earned the badge before them; "
            "players are told the odds of all days up to the last of them."
        ),
        "Badges given by judgement are not asked about.",
        "A player who leaves earns nothing: leaving is part of the odds, not told apart.",
        "How common a badge is, is known as of the last day of the training whose outcome is known.",
        "How many earn a badge in a season that was not seen before, such as before other deadlines, is not foreseen.",
    )

    def horizons(self, app: App) -> tuple[int, ...]:  # noqa: ARG002
        """One week, two and four."""
        return HORIZONS

    def labels(self, known: Known, samples: Samples) -> pl.DataFrame:
        """One row per player, badge not held, day and span of weeks at risk: STANDING, earned."""
        players = samples.features.select(SNAPSHOT)
        days = _apart(players["base_day"].unique().sort(descending=True).to_list())
        earned = known.badges_earned() if once_rules(known.app) else _NONE
        pairs = known.badges_on(players.filter(pl.col("base_day").is_in(days)))
        pairs = pairs.join(earned, on=["player_key", "badge_id"], how="left")
        pairs = pairs.filter(
            pl.col("progress") < 1, pl.col("earned_day").is_null() | (pl.col("earned_day") >= pl.col("base_day"))
        )
        pairs = pairs.join(commonness(players, earned), on=["base_day", "badge_id"], how="left")
        pairs = pairs.with_columns(pl.col("held_by", "earned_by").fill_null(0.0)).sort(_PAIR)
        pairs = pairs.sample(min(pairs.height, MOST_PAIRS), seed=7)
        return known.over(_at_risk(pairs).with_columns(end_day=_END)).drop("end_day", "earned_day")

    def encoding(self, app: App, samples: Samples, before: dt.date, *, seed: int) -> Commonness:  # noqa: ARG002
        """How common badges were on the last day before."""
        past = samples.labels.filter(pl.col("base_day") < before)
        latest = past.sort("base_day").group_by("badge_id").agg(pl.col("held_by", "earned_by").last())
        return Commonness(latest.select(*_COMMON))

    def rows(self, app: App, samples: Samples, encoding: Commonness, *, seed: int) -> pl.DataFrame:  # noqa: ARG002
        """Every pair at risk, with the player's habits and what the badge's rule is like."""
        rows = samples.labels.join(_traits(app), on="badge_id", maintain_order="left")
        return rows.join(samples.features, on=list(SNAPSHOT), maintain_order="left")

    def encode(self, rows: pl.DataFrame, encoding: Commonness) -> pl.DataFrame:  # noqa: ARG002
        """The rows with FEATURES, and the closed form's own answer as `chance`."""
        rows = rows.with_columns(missing=_MISSING, has_pace=pl.col("eta_days").is_not_null().cast(pl.Float64))
        rows = rows.with_columns(chance=pl.Series(closed_form(rows)))
        return rows.with_columns(
            **habits.FEATURES,
            missing=pl.col("missing").log1p(),
            log_eta=pl.col("eta_days").fill_null(FAR_DAYS).clip(0).log1p(),
            closed_form=pl.Series(logits(rows["chance"].to_numpy())),
            log_goal=pl.col("goal").log1p(),
        )

    def kinds(self, app: App) -> Mapping[str, Kind]:  # noqa: ARG002
        """How far and at what pace, how common; and those of habit.

        How far and how fast is one fact, since the closed form rests on both: where little is missing it is high even
        without a pace.
        """
        percent = _percent(pl.col("progress"))
        far = (
            pl.when(pl.col("progress") <= 0)
            .then(pl.lit("nothing of it done yet"))
            .when(percent < 1)
            .then(pl.lit("less than 1 % of the way"))
            .otherwise(pl.format("{} % of the way", spoken(percent)))
        )
        pace = pl.format("{} to go at the recent pace", counted("eta_days", "day")).fill_null("no recent pace to go by")
        idle = (pl.col("progress") <= 0) & pl.col("eta_days").is_null()
        told = pl.when(idle).then(far).otherwise(pl.format("{}, {}", far, pace))
        standing = ("progress", "missing", "log_goal", "log_eta", "has_pace", "closed_form")
        share = (
            pl.when(pl.col("held_by") <= 0)
            .then(pl.lit("no active player"))
            .when(pl.col("held_by") < 0.01)
            .then(pl.lit("less than 1 % of active players"))
            .otherwise(pl.format("{} % of active players", spoken(100 * pl.col("held_by"))))
        )
        common = pl.format("held by {} when the model was trained", share)
        return {
            "progress": Kind(
                standing,
                told,
                "how far they are, and at what pace",
                "progress",
                alone=False,
                only=-idle.cast(pl.Float64),
            ),
            "common": Kind(("held_by", "earned_by"), common, "how common the badge is", "held_by"),
            "rule": Kind(("terms", "within", "runs", "tier"), pl.lit(None, pl.String), "what the badge's rule is like"),
            **habits.KINDS,
        }

    def changes(self, app: App) -> Sequence[Change]:  # noqa: ARG002
        """That a player were further, or got on faster; and those of habit."""
        return [*(_further(step) for step in (0.1, 0.2, 0.3, 0.4)), *map(_faster, (1.5, 2, 4)), *habits.changes()]

    def scores(self, model: Answering, app: App, asked: Asked) -> pl.DataFrame:
        """P(earned within 7, 14, 28 days) of each player's likeliest badges, with the days until it is half.

        The model is asked of those that are `likely_enough`.
        """
        mine = ["player_key", "badge_id"]
        pairs = likely_enough(_pairs(model, app, asked.badges))
        # Trees answer faster where alike rows follow each other.
        pairs = pairs.sort("badge_id", "progress", "player_key").join(
            self.needed(asked.features), on="player_key", maintain_order="left"
        )
        rows = pl.concat(pairs.with_columns(window_days=pl.lit(days, pl.Int32)) for days in HORIZONS)
        hazards = model.predict(rows).reshape(len(HORIZONS), -1)
        odds = rows.select(*mine, "window_days", probability=pl.Series((1 - np.cumprod(1 - hazards, axis=0)).ravel()))
        likeliest = odds.filter(window_days=HORIZONS[-1]).sort("probability", "badge_id", descending=[True, False])
        odds = odds.join(likeliest.group_by("player_key").head(TOLD), on=mine, how="semi").sort(*mine, "window_days")
        half = odds.filter(pl.col("probability") >= 0.5).group_by(mine).agg(days=pl.col("window_days").min())
        return as_scores(odds.join(half, on=mine, how="left", maintain_order="left").rename({"badge_id": "target"}))

    def why(self, model: Answering, app: App, asked: Asked, scores: pl.DataFrame) -> pl.DataFrame:
        """Of earning each of these badges in the first span."""
        mine = ["player_key", "target"]
        pairs = _pairs(model, app, asked.badges).rename({"badge_id": "target"}).cast({"target": pl.String})
        pairs = pairs.join(scores, on=mine, how="semi")
        rows = pairs.join(self.needed(asked.features), on="player_key", maintain_order="left")
        rows = rows.with_columns(window_days=pl.lit(HORIZONS[0], pl.Int32))
        return as_scores(rows.with_columns(reasons=self.reasons(model, app, rows)))

    def sort_called(self, app: App, column: str, value: Any) -> str:
        """Which days it asks about, and of which badge."""
        if column == "badge_id":
            return app.badges[value].title if value in app.badges else str(value)
        if column == "window_days" and value in HORIZONS:
            before = max((days for days in HORIZONS if days < value), default=0)
            return f"earned on days {before + 1} to {value}"
        return super().sort_called(app, column, value)

    def figures(self, holdout: pl.DataFrame) -> dict[str, Measured]:
        """Beside the usual, how well those who earn rank first, and the skill over each badge's own rate by then."""
        y, p, players = (holdout[name].to_numpy() for name in ("y", "p", "player_key"))
        chance = self.encode(holdout, Commonness(pl.DataFrame(schema=_COMMON)))["chance"].to_numpy()
        rate = (holdout["earned_by"] * _length(holdout) / PACE_DAYS).clip(0, 1).to_numpy()
        ours, theirs = average_precision(y, p), average_precision(y, chance)
        off, without = (p - y) ** 2, (rate - y) ** 2
        return {
            **super().figures(holdout),
            "earned": float(y.mean()),
            "pr_auc": of_drawn(ours, players),
            f"pr_auc{AHEAD_OF}the_closed_form": of_drawn(lambda w: ours(w) - theirs(w), players),
            "brier_skill_over_the_rate_of_each_badge": of_drawn(lambda w: float(1 - w @ off / (w @ without)), players),
        }

    def example(self, app: App) -> dict[str, Sequence[Any]]:  # noqa: ARG002
        """Windows of weeks."""
        return {"window_days": HORIZONS, "goal": [10.0], "progress": [0.5], "eta_days": [9.0]}


_STANDING = {"player_key": pl.Int64(), "badge_id": pl.String(), "progress": pl.Float64(), "eta_days": pl.Float64()}
_NONE = pl.DataFrame(schema={"player_key": pl.Int64, "badge_id": pl.String, "earned_day": pl.Date})


def _percent(progress: pl.Expr) -> pl.Expr:
    """Whole percents of the way; 0.57 of it are 57, of which floating point makes a little less."""
    return (100 * progress + 1e-6).floor()


def _further(step: float) -> Change:
    """So much further on the way; at the same pace the rest takes less long."""
    progress = pl.col("progress")
    left = (1 - progress - step) / (1 - progress)
    told = [spoken(_percent(each)) for each in (progress + step, progress)]
    text = pl.format("they were {} % of the way rather than {} %", *told)
    values = {"progress": progress + step, "eta_days": (pl.col("eta_days") * left).ceil()}
    return Change("further", step, text, badges=values, possible=progress + step < 1)


def _faster(times: float) -> Change:
    """At so many times the pace."""
    eta = (pl.col("eta_days") / times).ceil()
    text = pl.format("at a pace that leaves {} rather than {}", counted(eta, "day"), counted("eta_days", "day"))
    return Change("faster", times, pl.format("they got on {}", text), badges={"eta_days": eta})


def _pairs(model: Answering, app: App, standing: pl.DataFrame) -> pl.DataFrame:
    """Each badge that a player has not earned, with STANDING and TRAITS; badges by number, so that they sort sooner."""
    traits = _traits(app)
    numbered = pl.col("badge_id").cast(pl.Enum(traits["badge_id"].sort()), strict=False)
    told, common = (rows.with_columns(numbered) for rows in (traits, model.encoding.badges))
    pairs = standing.filter(pl.col("progress") < 1).select(pl.col(n).cast(t) for n, t in _STANDING.items())
    pairs = pairs.with_columns(numbered).join(told, on="badge_id").join(common, on="badge_id", how="left")
    return pairs.with_columns(pl.col("held_by", "earned_by").fill_null(0.0))


def likely_enough(pairs: pl.DataFrame) -> pl.DataFrame:
    """Of each player the ASKED badges that lead two lists in turn: the likeliest at their pace, and the most earned.

    The closed form tells within 28 days where what counts adds up; of best scores and of rules that look back it knows
    little, and how many earned a badge lately says more. A model that knows both orders them anew.

    Args:
        pairs: player_key, badge_id, progress, goal, eta_days, earned_by; in any order.
    """
    asked = pairs.with_columns(missing=_MISSING, window_days=pl.lit(HORIZONS[-1], pl.Int32))
    asked = asked.with_columns(chance=pl.Series(once_each(asked.select(COUNTED), reached)))
    place = pl.int_range(pl.len()).over("player_key")
    for by in ("chance", "earned_by"):
        asked = asked.sort(by, "progress", "badge_id", descending=[True, True, False]).with_columns(
            place.alias(f"by_{by}")
        )
    ranked = asked.sort(pl.min_horizontal("by_chance", "by_earned_by"), "by_chance")
    return ranked.group_by("player_key").head(ASKED).select(pairs.columns)


def closed_form(rows: pl.DataFrame) -> Array:
    """P(what is missing comes in the span, not having come before it) at a player's pace, see `pace.reached`.

    Args:
        rows: missing (whole, at least 1), eta_days (null without a pace), window_days.
    """
    return once_each(rows.select(COUNTED), _hazard)


def _hazard(rows: pl.DataFrame) -> Array:
    before = reached(rows.with_columns(pl.col("window_days") - _days()))
    hazard: Array = np.clip((reached(rows) - before) / np.maximum(1 - before, 1e-9), 1e-6, 1 - 1e-6)
    return hazard


def commonness(players: pl.DataFrame, earned: pl.DataFrame) -> pl.DataFrame:
    """base_day, badge_id, held_by, earned_by: shares of the active players of each day, from what was earned before it.

    Args:
        players: player_key, base_day.
        earned: player_key, badge_id, earned_day.
    """
    active = players.group_by("base_day").len("active")
    before = players.join(earned, on="player_key").filter(pl.col("earned_day") < pl.col("base_day"))
    lately = pl.col("earned_day") >= pl.col("base_day") - pl.duration(days=PACE_DAYS)
    counts = before.group_by("base_day", "badge_id").agg(held=pl.len(), new=lately.sum())
    shares = counts.join(active, on="base_day")
    return shares.select(
        "base_day", "badge_id", held_by=pl.col("held") / pl.col("active"), earned_by=pl.col("new") / pl.col("active")
    )


def _at_risk(pairs: pl.DataFrame) -> pl.DataFrame:
    """A row for each span of weeks before which the badge was not earned: window_days, start_day, earned."""
    windows = pl.DataFrame({"window_days": HORIZONS}, schema={"window_days": pl.Int32})
    rows = pairs.join(windows, how="cross").with_columns(start_day="base_day")
    after = (pl.col("earned_day") - pl.col("base_day")).dt.total_days()
    rows = rows.with_columns(after=after).filter(
        pl.col("after").is_null() | (pl.col("after") >= pl.col("window_days") - _days())
    )
    return rows.with_columns(earned=(pl.col("after") < pl.col("window_days")).fill_null(value=False)).drop("after")


def _days() -> pl.Expr:
    """How many days the span has that ends with a window."""
    lengths = dict(zip(HORIZONS, np.diff([0, *HORIZONS]).tolist(), strict=True))
    return pl.col("window_days").replace_strict(lengths, return_dtype=pl.Int32)


def _length(rows: pl.DataFrame) -> pl.Series:
    return rows.select(_days().cast(pl.Float64)).to_series()


def _apart(days: list[dt.date]) -> list[dt.date]:
    """Of days from the newest on, those at least a week apart, at most MOST_CUTS; oldest first."""
    kept: list[dt.date] = []
    for day in days:
        if not kept or (kept[-1] - day).days >= EVERY_DAYS:
            kept.append(day)
    return kept[:MOST_CUTS][::-1]


def _traits(app: App) -> pl.DataFrame:
    """badge_id and TRAITS of every badge that is earned by rule."""
    rows = [(rule.badge_id, *_like(app, rule)) for rule in badge_rules(app)]
    return pl.DataFrame(rows, schema={"badge_id": pl.String, **TRAITS}, orient="row")


def _like(app: App, rule: BadgeRule) -> tuple[float, ...]:
    """The largest number it asks for, how many figures it rests on, within how many days, of runs or not, its tier."""
    numbers = [float(each.this) for each in rule.rule.expression.find_all(exp.Literal) if each.is_number]
    terms = rule.rule.terms
    runs = any(app.metrics[term.metric].aggregation.runs for term in terms)
    within = float(max((term.days or 0 for term in terms), default=0))
    return max(numbers, default=1.0), float(len(terms)), within, float(runs), TIERS.get(rule.badge.tier, 0.0)
