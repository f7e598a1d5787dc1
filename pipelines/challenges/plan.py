"""The night's plan: what each player is asked, what it pays, and who is written to instead."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from configs.app import App
from models.given import SNAPSHOT
from pipelines.challenges.choose import EMPTY_RECENT, among_all, choose_of_some, how_many_open, worth_asking
from pipelines.challenges.identity import content_ids
from pipelines.challenges.implied import NOTHING_ASKED
from pipelines.challenges.minutes import estimated_minutes, learn_pace
from pipelines.challenges.not_asked import ASKED_ALREADY, ENDED, ENOUGH_OPEN, NO_DAILIES, OUT_OF_REACH, UNLIKELY
from pipelines.challenges.parts import DAILY, PARTS, each_part
from pipelines.challenges.propose import (
    ChallengeModels,
    OpenWindows,
    chance_of_play,
    propose_targets,
    wanted_probability,
)
from pipelines.engines.buckets import HERE, Buckets, PlayerRows
from pipelines.engines.laid import Frame
from pipelines.known import Known
from pipelines.players.tastes import NO_TASTES

RECENT_DAYS = 30  # of earlier nights whose challenges bear on the choice
AT_A_TIME = 100_000  # challenges whose minutes are worked out together


@dataclass(frozen=True)
class Plan:
    """What a night intends.

    Attributes:
        challenges: The `plan` frame: a row per challenge, numbers only; on the disk once all is planned, if many.
        chances: player_key, base_day, window_days, p_plays for every eligible player.
        unserved: player_key, reason (of NOT_ASKED) for eligible players without a daily challenge.
        windows: What is open to every eligible player.
        missions: Like `challenges`, with occasion: the adaptive missions, where the app writes them.
        left_out: player_key, reason for whom a mission was due and none was found.
        alone: player_key, reason for whose mission asks for one thing.
        choices: content_id, liking and chance of the challenges of players who have answered some: how much they like
            the metric, and the chance with which it was chosen.
    """

    challenges: Frame
    chances: pl.DataFrame
    unserved: pl.DataFrame
    windows: OpenWindows
    missions: Frame = field(default_factory=pl.DataFrame)
    left_out: pl.DataFrame = field(default_factory=pl.DataFrame)
    alone: pl.DataFrame = field(default_factory=pl.DataFrame)
    choices: pl.DataFrame = field(default_factory=pl.DataFrame)


def look_ahead(
    known: Known, models: ChallengeModels, features: Frame, profiles: pl.DataFrame
) -> tuple[OpenWindows, pl.DataFrame]:
    """What is open to the players who are planned for, and `chances`; see `Plan`."""
    snapshots = features.select(*SNAPSHOT).join(profiles, on="player_key", how="inner", maintain_order="left")
    windows = OpenWindows(known.app, snapshots)
    return windows, chance_of_play(models, features, windows.lengths())


def plan_challenges(
    known: Known,
    models: ChallengeModels,
    features: Frame,
    past: pl.DataFrame | PlayerRows,
    profiles: pl.DataFrame,
    ahead: tuple[OpenWindows, pl.DataFrame],
    recent: pl.DataFrame,
    asked: pl.DataFrame = NOTHING_ASKED,
    tastes: pl.DataFrame = NO_TASTES,
    buckets: Buckets = HERE,
) -> Plan:
    """Choose targets for everybody likely enough to play, with difficulty, reward and minutes.

    Args:
        known: What the night may see.
        models: Champions, recalibrated for the night.
        features: One row per eligible player at the night's base day.
        past: Their own past windows.
        profiles: player_key, persona, language, risk_tolerance, skill and start_day (the first whole local day).
        ahead: From `look_ahead`.
        recent: What was issued lately (see choose_challenges), tonight's missions among it.
        asked: What is open for the players, see `what_is_open`, and what tonight's missions ask for.
        tastes: What players like, see `describe_tastes`.
        buckets: Where the players' targets are looked for.
    """
    snapshots = features.select(*SNAPSHOT).join(profiles, on="player_key", how="inner", maintain_order="left")
    windows, chances = ahead
    wanted = wanted_probability(known.app, snapshots, chances)
    frames = (features, past, windows, wanted, chances, recent, asked, tastes)
    found = buckets.each(_choose, (known.app, models, known.as_of, known.night.seed), frames)
    unreached = found.filter("out_of_reach")["player_key"]
    chosen = among_all(found.filter(pl.col("out_of_reach").is_null()).drop("out_of_reach"))
    if DAILY not in known.app.content.types:
        chosen = chosen.clear()
    rows = promise_rows(known, chosen, snapshots, features, DAILY)
    full = how_many_open(asked).filter(pl.col("n_open") >= known.app.challenges.most_open)
    ended = features.select("player_key", "ended").filter(pl.col("ended") > 0)["player_key"]
    reasons = {ENOUGH_OPEN: full["player_key"], OUT_OF_REACH: unreached}
    unserved = _unserved(known.app, snapshots, chances, rows, ended, reasons)
    return Plan(rows, chances, unserved, windows, choices=choices_of(chosen, rows))


def _choose(
    app: App,
    models: ChallengeModels,
    as_of: dt.date,
    seed: int,
    features: pl.DataFrame,
    past: pl.DataFrame,
    windows: pl.DataFrame,
    wanted: pl.DataFrame,
    chances: pl.DataFrame,
    recent: pl.DataFrame,
    asked: pl.DataFrame,
    tastes: pl.DataFrame,
) -> pl.DataFrame:
    """What is chosen for the players of a bucket, see `choose_of_some`; and who has no target that may be asked."""
    windows = worth_asking(app, windows, chances, recent)
    targets = propose_targets(app, models, features, past, windows, wanted, chances)
    chosen = choose_of_some(app, targets, chances, recent, asked, tastes, as_of=as_of, seed=seed)
    none = windows.select("player_key").unique().join(targets, on="player_key", how="anti")
    return pl.concat([chosen, none.with_columns(out_of_reach=pl.lit(value=True))], how="diagonal")


def promise_rows(
    known: Known,
    chosen: pl.DataFrame,
    snapshots: pl.DataFrame,
    features: Frame,
    content_type: str,
) -> pl.DataFrame:
    """What is asked, as promises: with id, difficulty, reward and minutes.

    Args:
        known: What the night may see.
        chosen: From `choose_challenges`.
        snapshots: player_key, base_day, start_day and the players' profiles.
        features: One row per eligible player at the night's base day.
        content_type: Of these challenges.

    Returns:
        The `plan` frame, by player_key and slot.
    """
    rows = chosen.join(snapshots.drop("base_day", "start_day"), on="player_key", how="left", maintain_order="left")
    rows = _with_ids(known, rows.sort("player_key", "slot"))
    pace = known.once("pace", lambda: learn_pace(known, features))
    known.warehouse.ease()  # what it has read of the events would lie beside all that is asked
    minutes = (estimated_minutes(known.app, some, pace) for some in [*rows.iter_slices(AT_A_TIME)] or [rows])
    return _numbers(known.app, rows, content_type, pl.concat(minutes))


def choices_of(chosen: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """content_id, liking and chance of what was chosen for players who have answered; see `Plan.choices`."""
    told = chosen.select("player_key", "slot", "liking", "chance").drop_nulls("chance")
    ids = rows.select("player_key", "slot", "content_id")
    return ids.join(told, on=["player_key", "slot"], how="inner", maintain_order="left").drop("player_key", "slot")


def difficulty(probability: pl.Expr) -> pl.Expr:
    """1 (nearly certain) to 10 (a long shot): the tenths of the chance of missing it, given play."""
    return (10 * (1 - probability)).ceil().clip(1, 10).cast(pl.Int32)


def reward(app: App, level: pl.Expr) -> pl.Expr:
    """XP = base * difficulty ** exponent, rounded to the app's step and never below it."""
    pay = app.rewards
    return (
        ((pay.base_xp * level.cast(pl.Float64) ** pay.exponent / pay.step).round() * pay.step)
        .clip(pay.step)
        .cast(pl.Int32)
    )


def _numbers(app: App, rows: pl.DataFrame, content_type: str, minutes: pl.Series) -> pl.DataFrame:
    level = difficulty(pl.col("probability_if_active"))
    return rows.select(
        *("content_id", "player_key", "slot"),
        pl.lit(content_type).alias("content_type"),
        *("metric", "op", "target", "window_days"),
        (pl.col("also") if "also" in rows.columns else pl.lit(None)).cast(PARTS).alias("also"),
        reward(app, level).alias("xp"),
        level.alias("difficulty_level"),
        *("completion_probability", "probability_if_active", "personalization_score"),
        minutes.alias("estimated_minutes"),
        *("persona", "language"),
        pl.col("start_day").alias("valid_from"),
        pl.col("end_day").alias("valid_until"),
        "p_plays",
    )


def _with_ids(known: Known, rows: pl.DataFrame) -> pl.DataFrame:
    """content_id of the player and slot; a later revision's promises are new ones."""
    players = known.frame("SELECT player_key, user_id FROM players")
    named = rows.join(players, on="player_key", how="left", maintain_order="left")
    names = named.select(pl.col("user_id") + "/" + pl.col("slot").cast(pl.String)).to_series()
    return named.with_columns(content_id=content_ids(known, names)).drop("user_id")


def _unserved(
    app: App,
    snapshots: pl.DataFrame,
    chances: pl.DataFrame,
    rows: pl.DataFrame,
    ended: pl.Series,
    reasons: Mapping[str, pl.Series],
) -> pl.DataFrame:
    best = chances.group_by("player_key").agg(pl.col("p_plays").max())
    of_some = {reason: pl.col("player_key").is_in(players.implode()) for reason, players in reasons.items()}
    if DAILY not in app.content.types:
        of_some = {NO_DAILIES: pl.lit(value=True)}
    unlikely = pl.col("p_plays") < app.challenges.min_plays
    of_some = {ENDED: unlikely & pl.col("player_key").is_in(ended.implode()), UNLIKELY: unlikely} | of_some
    why = pl.coalesce(
        *(pl.when(applies).then(pl.lit(reason)) for reason, applies in of_some.items()), pl.lit(ASKED_ALREADY)
    )
    return (
        snapshots.select("player_key", "persona", "language")
        .join(rows.select("player_key"), on="player_key", how="anti", maintain_order="left")
        .join(best, on="player_key", how="left", maintain_order="left")
        .with_columns(reason=why)
    )


def recent_challenges(known: Known) -> pl.DataFrame:
    """What earlier nights issued lately that is open or of the last night: nothing else bears on what is asked tonight.

    Returns:
        The columns of EMPTY_RECENT.
    """
    rows = known.frame(
        """SELECT player_key, metric, op, window_days, target, also, as_of AS issued_on, valid_until FROM challenges
           WHERE as_of < $as_of AND as_of >= $since AND (valid_until >= $as_of OR as_of >= $last_night)
           ORDER BY as_of, content_id""",
        {
            "as_of": known.as_of,
            "since": known.as_of - dt.timedelta(days=RECENT_DAYS),
            "last_night": known.as_of - dt.timedelta(days=1),
        },
    )
    return as_recent(rows)


def as_recent(issued: pl.DataFrame) -> pl.DataFrame:
    """What was issued (metric, op, target, also, window_days, issued_on, valid_until), a row for each thing asked."""
    keys = ("player_key", "window_days", "issued_on", "valid_until")
    rows = each_part(issued, *keys).with_columns(counts=pl.col("part") == 0)
    return rows.sort("issued_on", maintain_order=True).select(EMPTY_RECENT.columns)
