"""How made-up players answer what a night published: with effects that are planted, and the truth kept beside.

A player who plays sees what is open for them, before doing anything. What is seen for the first time is answered or
not: who answers does what it asks for on the same day, beside their own play.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl
from numpy.random import Generator

NOTHING_SEEN = pl.DataFrame(schema={"content_id": pl.String})
NOTHING_SUITS = pl.DataFrame(schema={"user_id": pl.String, "metric": pl.String})
NOTHING_ASKED = pl.DataFrame(
    schema={
        **dict.fromkeys(("content_id", "user_id", "metric", "arm", "reward_arm"), pl.String),
        "target": pl.Float64,
        "window_days": pl.Int32,
        "valid_from": pl.Date,
        "valid_until": pl.Date,
    }
)
ARMS = ("arm", "reward_arm")  # of the two experiments that can run at once, as challenges tell them
_SEES_S = 5  # so long after the day's first act begins what is open has been seen; own acts come later
_RATING_SPREAD = 0.8


@dataclass(frozen=True)
class Effects:
    """What is planted. Every share lies between 0 and 1; without any effect all content is alike.

    Attributes:
        shown: Chance that a player who plays sees what is open.
        answers: Chance that a challenge seen for the first time is answered.
        arms: What an arm of an experiment, of words or of rewards, adds to that chance, by name: of everybody, or by
            persona.
        personas: What a persona adds to it, by name (of the truth, not of the profile).
        likes: What a liked metric adds to it; which it is, is a player's own (`liked` of the truth).
        rates: Chance to rate what was seen.
        rating: Mean of ratings, 1 to 5, before they are rounded.
        rating_arms: What an arm adds to the mean, by name.
        rating_likes: What a liked metric adds to the mean.
        dismisses: Chance to dismiss what was seen; it is neither rated nor answered then.
        follows: Chance that a player who plays does once what is recommended first, on that day.
    """

    shown: float = 0.95
    answers: float = 0.25
    arms: Mapping[str, float | Mapping[str, float]] = field(default_factory=dict)
    personas: Mapping[str, float] = field(default_factory=dict)
    likes: float = 0.0
    rates: float = 0.4
    rating: float = 3.4
    rating_arms: Mapping[str, float] = field(default_factory=dict)
    rating_likes: float = 0.0
    dismisses: float = 0.05
    follows: float = 0.0


class World(Protocol):
    """A simulated app whose days can be played one at a time."""

    @property
    def truth(self) -> pl.DataFrame:
        """Its players: user_id, persona, and whatever the world needs of them."""

    @property
    def zone(self) -> str:
        """IANA zone of the app: days begin and end in it."""

    @property
    def counts(self) -> Mapping[str, pl.Expr]:
        """What acts of one player and day come to in each metric that can be answered."""

    @property
    def most(self) -> Mapping[str, float]:
        """How much of each of these metrics a player can do on a day."""

    def play(self, rng: Generator, day: dt.date) -> pl.DataFrame:
        """Acts of the players' own accord: user_id, second of the local day, and what `counts` needs."""

    def more(self, wanted: pl.DataFrame, day: dt.date) -> pl.DataFrame:
        """Acts by which players do what is wanted: user_id, metric, amount, and the second from which on."""

    def write(self, acts: pl.DataFrame, folder: Path, day: dt.date) -> list[Path]:
        """Write a day's acts as the app delivers them."""


@dataclass(frozen=True)
class Local:
    """A day in a zone, or in those that the players live in, `zone` of the world's truth."""

    day: dt.date
    zone: str


@dataclass(frozen=True)
class Played:
    """A day that was played.

    Attributes:
        acts: Of the players' own accord and in answer.
        said: nightquest.shown, .rated and .dismissed, in the contract's columns.
        truth: A row for each challenge seen today for the first time: content_id, user_id, day, arm and reward_arm
            (null: none), persona, metric, window_days, target, liked, p_plain (the chance of an answer without what
            arms add; null: nobody can do so much on a day), answered, kept_anyway (own acts of today would have reached
            the target) and kept (all of today's do).
    """

    acts: pl.DataFrame
    said: pl.DataFrame
    truth: pl.DataFrame


def read_suits(home: Path, app: str) -> pl.DataFrame:
    """user_id and metric: what the newest night recommends first to each player, of metrics."""
    rows = pl.read_parquet(_newest(home, app)[1] / "recommendations.parquet")
    return rows.filter(kind="metric", place=1).select("user_id", metric="item")


def read_night(home: Path, app: str) -> tuple[dt.date, pl.DataFrame]:
    """The day that an app's newest night serves, and its open challenges with their ARMS (null: no experiment).

    Raises:
        FileNotFoundError: Nothing is published.
    """
    day, folder = _newest(home, app)
    rows = pl.read_parquet(folder / "challenges.parquet")
    asked = rows.filter(pl.col("requirements").list.len() == 1).explode("requirements").unnest("requirements")
    arms = (pl.col("metadata").str.json_path_match(f"$.{name}").alias(name) for name in ARMS)
    columns = ("content_id", "user_id", "metric", "target", "window_days", "valid_from", "valid_until")
    return day, asked.select(*columns, *arms)


def _newest(home: Path, app: str) -> tuple[dt.date, Path]:
    folder = home / "published" / app
    latest = json.loads((folder / "latest.json").read_text(encoding="utf-8"))
    return dt.date.fromisoformat(latest["as_of"]), folder / latest["folder"]


def respond(
    world: World,
    asked: pl.DataFrame,
    day: dt.date,
    effects: Effects,
    *,
    seed: int,
    seen: pl.DataFrame = NOTHING_SEEN,
    suits: pl.DataFrame = NOTHING_SUITS,
) -> Played:
    """Play a day of a world on which its players were asked for something.

    Args:
        world: Which app it is; its truth has `liked`, a metric for each player, where something is liked.
        asked: From `read_night`.
        day: The day that is played.
        effects: What is planted.
        seed: The same seed and day give the same rows.
        seen: content_id of what was seen on earlier days.
        suits: From `read_suits`.
    """
    rng = np.random.default_rng([seed, day.toordinal()])
    own = world.play(rng, day)
    came = own.group_by("user_id").agg(began=pl.col("second").min(), ended=pl.col("second").max())
    open_now = asked.filter(pl.lit(day).is_between("valid_from", "valid_until")).sort("content_id")
    met = open_now.join(came, on="user_id", how="inner", maintain_order="left")
    met = met.join(seen.select("content_id"), on="content_id", how="anti", maintain_order="left")
    met = met.filter(pl.Series(rng.random(met.height) < effects.shown))
    met = _decided(rng, world, met, effects)
    took = suits.join(came, on="user_id", how="inner", maintain_order="left").sort("user_id")
    took = took.filter(pl.Series(rng.random(took.height) < effects.follows) & pl.col("metric").is_in([*world.counts]))
    doing = pl.concat(
        [
            met.filter("answered").select("user_id", "metric", "ended", amount="target"),
            took.select("user_id", "metric", "ended", amount=pl.lit(1.0)),
        ]
    )
    wanted = doing.group_by("user_id", "metric").agg(pl.col("amount").max(), second=pl.col("ended").max() + 60)
    acts = pl.concat([own, world.more(wanted.sort("user_id", "metric"), day)])
    told = _kept(world, _kept(world, met, own, "kept_anyway"), acts, "kept").with_columns(day=pl.lit(day))
    columns = ("content_id", "user_id", "day", *ARMS, "persona", "metric", "window_days", "target", "liked", "p_plain")
    return Played(
        acts, _said(rng, met, effects, Local(day, world.zone)), told.select(*columns, "answered", "kept_anyway", "kept")
    )


def true_lift(truth: pl.DataFrame, effects: Effects, first: str, other: str, of: str = "arm") -> float:
    """What `other` adds to the completed share of what was seen against `first`, as planted.

    A challenge that own play would have kept is kept in either arm, the others as often as they are answered; the
    chance of either arm is known of every row, whichever it was in.

    Args:
        truth: From `Played.truth`; of some of the players it is what is planted in those.
        effects: What was planted.
        first: The arm that is compared with.
        other: Another arm of the same experiment.
        of: Which of the ARMS it is; in the other experiment's a row stays in the arm that it was in.
    """
    beside = sum((_of_arm(name, effects.arms) for name in ARMS if name != of), pl.col("p_plain"))
    chances = [(beside + _added(effects.arms.get(arm, 0.0))).clip(0, 1) for arm in (first, other)]
    gain = pl.when("kept_anyway").then(0.0).otherwise(chances[1] - chances[0]).fill_null(0.0)
    return float(truth.select(gain.mean()).item()) if truth.height else 0.0


def with_likes(truth: pl.DataFrame, metrics: list[str], *, seed: int) -> pl.DataFrame:
    """Players who each like one of the metrics."""
    chosen = np.random.default_rng([seed, 77]).integers(0, len(metrics), truth.height)
    return truth.with_columns(liked=pl.Series(metrics).gather(chosen))


def _decided(rng: Generator, world: World, met: pl.DataFrame, effects: Effects) -> pl.DataFrame:
    """With persona, liked (whether the metric is), p_plain, answered."""
    who = world.truth if "liked" in world.truth.columns else world.truth.with_columns(liked=pl.lit(None, pl.String))
    known = [name for name in ("user_id", "persona", "liked", "zone") if name in who.columns]
    rows = met.join(who.select(known), on="user_id", how="left", maintain_order="left")
    liked = (pl.col("metric") == pl.col("liked")).fill_null(value=False)
    plain = pl.lit(effects.answers) + _of("persona", effects.personas) + liked * effects.likes
    most = pl.col("metric").replace_strict(dict(world.most), default=0.0, return_dtype=pl.Float64)
    rows = rows.with_columns(liked=liked, p_plain=pl.when(pl.col("target") <= most).then(plain))
    chance = sum((_of_arm(name, effects.arms) for name in ARMS), pl.col("p_plain")).clip(0, 1).fill_null(0.0)
    return rows.with_columns(answered=pl.Series(rng.random(rows.height)) < chance)


def _of(column: str, effects: Mapping[str, float]) -> pl.Expr:
    return (
        pl.col(column).replace_strict(dict(effects), default=0.0, return_dtype=pl.Float64) if effects else pl.lit(0.0)
    )


def _of_arm(column: str, effects: Mapping[str, float | Mapping[str, float]]) -> pl.Expr:
    """What the arm of a row adds to the chance of an answer."""
    added = (pl.when(pl.col(column) == name).then(_added(effect)) for name, effect in effects.items())
    return pl.coalesce(*added, 0.0)


def _added(effect: float | Mapping[str, float]) -> pl.Expr:
    return _of("persona", effect) if isinstance(effect, Mapping) else pl.lit(float(effect))


def _kept(world: World, met: pl.DataFrame, acts: pl.DataFrame, name: str) -> pl.DataFrame:
    """Whether acts of the day reach each target, as `name`."""
    values = acts.group_by("user_id").agg(**{metric: count.cast(pl.Float64) for metric, count in world.counts.items()})
    long = values.unpivot(index="user_id", variable_name="metric", value_name="value")
    rows = met.join(long, on=["user_id", "metric"], how="left", maintain_order="left")
    return rows.with_columns((pl.col("value").fill_null(0.0) >= pl.col("target")).alias(name)).drop("value")


def _said(rng: Generator, met: pl.DataFrame, effects: Effects, day: Local) -> pl.DataFrame:
    """What players let the app report: seen before their first act, rated or dismissed after their last."""
    n = met.height
    mean = pl.lit(effects.rating) + pl.col("liked") * effects.rating_likes
    mean = sum((_of(name, effects.rating_arms) for name in ARMS), mean)
    stars = (mean + pl.Series(rng.normal(0, _RATING_SPREAD, n))).round().clip(1, 5)
    luck = pl.Series(rng.random(n))
    rated = luck < effects.rates
    gone = ~rated & (luck < effects.rates + effects.dismisses) & ~pl.col("answered")
    late = pl.col("ended") + 3600
    parts = [
        _event(met, "shown", (pl.col("began") - _SEES_S).clip(0), day, pl.lit(None, pl.Float64)),
        _event(met.with_columns(stars=stars).filter(rated), "rated", late, day, pl.col("stars")),
        _event(met.with_columns(gone=gone).filter("gone"), "dismissed", late, day, pl.lit(None, pl.Float64)),
    ]
    return pl.concat(parts).sort("occurred_at", "event_id")


def utc(rows: pl.DataFrame, wall: pl.Expr, zone: str) -> pl.Expr:
    """Moments of wall times where each player lives (`zone` of the rows), or in one zone.

    A time that the clocks skip is an hour later; one that they show twice is the first.
    """
    zones = rows["zone"].unique().drop_nulls().sort().to_list() if "zone" in rows.columns else []
    told = {
        each: pl.coalesce(
            at.dt.replace_time_zone(each, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
            for at in (wall, wall + pl.duration(hours=1))
        )
        for each in (zones or [zone])
    }
    if "zone" not in rows.columns or not zones:
        return told[zone]
    return pl.coalesce(pl.when(pl.col("zone") == each).then(at) for each, at in told.items())


def _event(rows: pl.DataFrame, name: str, second: pl.Expr, day: Local, value: pl.Expr) -> pl.DataFrame:
    moment = pl.lit(day.day).cast(pl.Datetime("us")) + pl.duration(seconds=second)
    return rows.select(
        pl.format("{}/{}/{}", pl.lit(name), "content_id", pl.lit(str(day.day))).alias("event_id"),
        "user_id",
        pl.lit(f"nightquest.{name}").alias("event"),
        utc(rows, moment, day.zone).alias("occurred_at"),
        pl.lit(0, pl.Int64).alias("sequence"),
        value.alias("value"),
        pl.format('{{"content_id":"{}"}}', "content_id").alias("properties"),
    )
