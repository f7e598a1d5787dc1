"""Adaptive missions: a week's challenge of two or three things, harder or easier by how the last missions went.

A mission is a challenge like any other: the same models choose its targets, the same predicate settles each of them,
and its promise is a probability: that all are reached. It has a slot of its own, and a new one follows when the window
of the last is over.
"""

import datetime as dt
from dataclasses import dataclass
from functools import partial

import polars as pl

from configs.app import App
from models.given import SNAPSHOT
from models.joint import Joint
from pipelines.challenges.choose import among_all, fit, share_among, to_taste, weigh_later
from pipelines.challenges.implied import NOTHING_ASKED, as_asked, without_implied
from pipelines.challenges.parts import MISSION, OCCASIONS, PARTS, each_part
from pipelines.challenges.plan import as_recent, choices_of, promise_rows
from pipelines.challenges.propose import (
    EASIEST,
    HARDEST,
    ChallengeModels,
    open_windows,
    propose_targets,
    wanted_probability,
)
from pipelines.challenges.together import (
    COMPANIONS,
    ROOM,
    combine,
    in_order,
    parts_wanted,
    set_together,
)
from pipelines.engines.buckets import HERE, Buckets, PlayerRows
from pipelines.engines.laid import Frame
from pipelines.known import Known
from pipelines.luck import luck
from pipelines.players.tastes import NO_TASTES

SLOT = 101  # beyond those of daily challenges
WEEK = 7
RECORD_DAYS = 90
LAST_MISSIONS = 4
GAIN, MOST = 0.15, 0.15
_TELLING = 0.03  # a smaller shift is no occasion
ASKED_ALREADY, OUT_OF_REACH = "asked_already", "out_of_reach"
NOTHING_ELSE, ONE_DEED, NOT_TOGETHER = "nothing_else", "one_deed", "not_together"
EMPTY_RECORD = pl.DataFrame(
    schema={
        "player_key": pl.Int64,
        "metric": pl.String,
        "probability_if_active": pl.Float64,
        "start_day": pl.Date,
        "end_day": pl.Date,
        "hit": pl.Boolean,
        "played": pl.Boolean,
    }
)


@dataclass(frozen=True)
class Missions:
    """A night's missions.

    Attributes:
        rows: The columns of `Plan.challenges` and occasion: 'rising', 'steady' or 'easing', by where the last missions
            have moved the wanted probability. `also` is what is asked beside metric, op and target; nothing where no
            other thing goes with them.
        left_out: player_key, reason: who would have got one, had a target been in reach ('out_of_reach') that asks for
            a deed of its own ('asked_already').
        alone: player_key, reason: whose mission asks for one thing, since all else is asked already ('nothing_else'),
            one follows from the other ('one_deed'), or all are too likely or unlikely together ('not_together').
        choices: See `Plan.choices`.
    """

    rows: pl.DataFrame
    left_out: pl.DataFrame
    alone: pl.DataFrame
    choices: pl.DataFrame


def mission_days(app: App) -> int:
    """How many days a mission takes: a week, or the app's longest window where it has no week."""
    return WEEK if WEEK in app.challenges.windows else max(app.challenges.windows)


def mission_record(known: Known) -> pl.DataFrame:
    """The missions of the last 90 days and their outcomes as settled by a night: the columns of EMPTY_RECORD."""
    since = known.as_of - dt.timedelta(days=RECORD_DAYS)
    with known.lend(pauses=known.pauses()):
        return known.frame(known.fixed("challenges/mission_record"), {"as_of": known.as_of, "since": since})


def plan_missions(
    known: Known,
    models: ChallengeModels,
    features: Frame,
    past: pl.DataFrame | PlayerRows,
    profiles: pl.DataFrame,
    chances: pl.DataFrame,
    recent: pl.DataFrame,
    record: pl.DataFrame,
    asked: pl.DataFrame = NOTHING_ASKED,
    tastes: pl.DataFrame = NO_TASTES,
    buckets: Buckets = HERE,
    joint: Joint | None = None,
) -> Missions:
    """A mission for each player who is likely enough to play and whose last mission's window is over.

    They are chosen before the night's daily challenges, which find another day, while a mission waits for a week. Of
    the metrics with a target that suits and asks for a deed of its own (what is open neither implies it nor is
    implied), the one with the best fit + 0.3 u - 0.5 [it was the last mission's] comes first, where fit is
    1 - |probability - wanted| / 0.5 and u is uniform, fixed by player, metric and night. A metric that is still asked
    of the player over as many days is left out. Beside it come one or two of the next three, so that the chance to
    reach all of them is nearest the wanted one. Where nothing goes with it the mission is the first alone, at the
    wanted chance.

    Args:
        known: What the night may see.
        models: Champions, recalibrated for the night.
        features: One row per eligible player at the night's base day.
        past: Their own past windows.
        profiles: player_key, persona, language, risk_tolerance, skill and start_day.
        chances: player_key, base_day, window_days, p_plays.
        recent: What was issued lately (see choose_challenges).
        record: The missions before this one, see `mission_record`.
        asked: What is open for the players, see `what_is_open`.
        tastes: What players like: as in `choose_challenges` it moves the choice of who has answered.
        buckets: Where the players' targets are looked for.
        joint: What targets come to together; by default what holds until outcomes say otherwise.
    """
    app, days = known.app, mission_days(known.app)
    snapshots = features.select(*SNAPSHOT).join(profiles, on="player_key", how="inner", maintain_order="left")
    shifted = snapshots.join(mission_shift(record), on="player_key", how="left", maintain_order="left")
    wanted = _shifted(wanted_probability(app, snapshots, chances), shifted.select(*SNAPSHOT, "shift"))
    likely = chances.filter((pl.col("window_days") == days) & (pl.col("p_plays") >= app.challenges.min_plays))
    due = _without_running(snapshots.join(likely.select(*SNAPSHOT), on=list(SNAPSHOT), how="semi"), record, days)
    frames = (due, features, past, wanted, likely, recent, record, asked, tastes)
    found = buckets.each(_choose, (app, models, joint or Joint(), known.night.seed), frames)
    looks = found.filter(pl.col("reason").is_null()).partition_by("of_one", include_key=False)
    chosen = pl.concat([among_all(look) for look in looks] or [among_all(found)]).sort(SNAPSHOT)
    alone = chosen.filter(pl.col("alone").is_not_null()).select("player_key", reason="alone")
    chosen = chosen.join(likely, on=[*SNAPSHOT, "window_days"], how="inner")
    chosen = chosen.with_columns(completion_probability=pl.col("p_plays") * pl.col("probability_if_active"))
    rows = promise_rows(known, chosen, snapshots, features, MISSION)
    return Missions(_with_occasion(rows, shifted), _left_out(due, found), alone, choices_of(chosen, rows))


def beside_missions(
    known: Known, missions: pl.DataFrame, recent: pl.DataFrame, asked: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What was issued lately and what is asked of the players, with tonight's missions among both.

    They count for nothing among what a player may have open.
    """
    if missions.is_empty():
        return recent, asked
    more = as_recent(missions.with_columns(issued_on=pl.lit(known.as_of)))
    parts = each_part(missions, "player_key", "valid_from", "valid_until")
    new = as_asked(parts.rename({"valid_from": "start_day", "valid_until": "end_day"}))
    return pl.concat([recent, more]), pl.concat([asked, new.with_columns(counts=pl.lit(value=False))])


def _choose(
    app: App,
    models: ChallengeModels,
    joint: Joint,
    seed: int,
    due: pl.DataFrame,
    features: pl.DataFrame,
    past: pl.DataFrame,
    wanted: pl.DataFrame,
    likely: pl.DataFrame,
    recent: pl.DataFrame,
    record: pl.DataFrame,
    asked: pl.DataFrame,
    tastes: pl.DataFrame,
) -> pl.DataFrame:
    """What is chosen for the players of a bucket who are due, to be weighed `among_all`.

    Returns:
        The chosen rows, of several things and `of_one`, with why; what came into question, see `choose_of_some`; and
        player_key and reason of who gets none.
    """
    look = partial(_targets, app, models, features, past, likely)
    parts = look(due, parts_wanted(wanted, seed))
    new = in_question(app, parts, recent, asked)
    ranked = rank_missions(new, record, tastes, seed)
    sets = set_together(app, joint, ranked, wanted, seed)
    rest = due.join(sets, on="player_key", how="anti", maintain_order="left")
    alone = look(rest, wanted)
    others = in_question(app, alone, recent, asked)
    single = rank_missions(others, record, tastes, seed).filter(pl.col("place") == 0)
    single = single.with_columns(also=pl.lit(None, PARTS), fit=fit(), alone=_why_alone(app, ranked, single))
    within = pl.col("player_key").is_in(pl.concat([parts["player_key"], alone["player_key"]]).unique().implode())
    none = rest.join(single, on="player_key", how="anti", maintain_order="left").select(
        "player_key", reason=pl.when(within).then(pl.lit(ASKED_ALREADY)).otherwise(pl.lit(OUT_OF_REACH))
    )
    sets, single = (weigh_later(*found) for found in ((sets, new), (single, others)))
    told = [sets.with_columns(of_one=pl.lit(value=False)), single.with_columns(of_one=pl.lit(value=True)), none]
    return pl.concat(told, how="diagonal")


def _why_alone(app: App, ranked: pl.DataFrame, single: pl.DataFrame) -> pl.Series:
    """Why each of the missions of one thing is of one: see `Missions.alone`."""
    several = ranked.filter(pl.col("place") > 0)["player_key"].unique()
    apart = combine(app, ranked.join(single, on="player_key", how="semi", maintain_order="left"))["player_key"].unique()
    why = (
        pl.when(pl.col("player_key").is_in(apart.implode()))
        .then(pl.lit(NOT_TOGETHER))
        .when(pl.col("player_key").is_in(several.implode()))
        .then(pl.lit(ONE_DEED))
        .otherwise(pl.lit(NOTHING_ELSE))
    )
    return single.select(why).to_series()


def _targets(
    app: App,
    models: ChallengeModels,
    features: pl.DataFrame,
    past: pl.DataFrame,
    likely: pl.DataFrame,
    due: pl.DataFrame,
    wanted: pl.DataFrame,
) -> pl.DataFrame:
    """The targets of those who are due, see `propose_targets`."""
    windows = open_windows(app, due).filter(pl.col("window_days") == mission_days(app))
    features, wanted = (
        rows.join(due, on=list(SNAPSHOT), how="semi", maintain_order="left") for rows in (features, wanted)
    )
    return propose_targets(app, models, features, past, windows, wanted, likely)


def _with_occasion(rows: pl.DataFrame, shifted: pl.DataFrame) -> pl.DataFrame:
    """Missions with the word for where the last ones have moved the wanted probability."""
    shift = shifted.select("player_key", pl.col("shift").fill_null(0.0))
    rising, easing = pl.col("shift") < -_TELLING, pl.col("shift") > _TELLING
    word = (
        pl.when(rising)
        .then(pl.lit(OCCASIONS[0]))
        .when(easing)
        .then(pl.lit(OCCASIONS[2]))
        .otherwise(pl.lit(OCCASIONS[1]))
    )

    told = rows.join(shift, on="player_key", how="left", maintain_order="left")
    return told.with_columns(occasion=word).drop("shift")


def mission_shift(record: pl.DataFrame) -> pl.DataFrame:
    """How the last missions move the wanted probability: player_key, shift.

    shift = 0.15 * sum of (p_k - hit_k) / 2^k over the last four settled missions in which the player played, k = 0 for
    the newest, kept within 0.15 of nothing. p_k is what was promised given play: a mission kept makes the next one
    harder, a mission missed easier, and one that went as promised on average leaves things as they are.
    """
    settled = record.filter(pl.col("hit").fill_null(value=False) | pl.col("played").fill_null(value=False))
    ranked = settled.drop_nulls("hit").with_columns(
        k=pl.col("end_day").rank("ordinal", descending=True).over("player_key").cast(pl.Int32) - 1
    )
    surprise = (pl.col("probability_if_active") - pl.col("hit").cast(pl.Float64)) * 0.5 ** pl.col("k")
    return (
        ranked.filter(pl.col("k") < LAST_MISSIONS)
        .sort("player_key", "k")
        .group_by("player_key", maintain_order=True)
        .agg(shift=(GAIN * surprise.sum()).clip(-MOST, MOST))
    )


def _left_out(due: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Why a mission that was due is not among the chosen, in the order of `due`: player_key, reason."""
    reasons = found.filter(pl.col("reason").is_not_null()).select("player_key", "reason")
    return due.select("player_key").join(reasons, on="player_key", how="inner", maintain_order="left")


def _shifted(wanted: pl.DataFrame, shifts: pl.DataFrame) -> pl.DataFrame:
    """`wanted` moved by each player's shift, kept away from what is never asked."""
    moved = pl.col("wanted") + pl.col("shift").fill_null(0.0)
    return (
        wanted.join(shifts, on=list(SNAPSHOT), how="left", maintain_order="left")
        .with_columns(wanted=moved.clip(HARDEST + ROOM, EASIEST - ROOM))
        .drop("shift")
    )


def _without_running(snapshots: pl.DataFrame, record: pl.DataFrame, days: int) -> pl.DataFrame:
    """The players with no mission whose window shares a day with the one they would get."""
    running = record.select("player_key", first="start_day", last="end_day")
    end = pl.col("start_day") + pl.duration(days=days - 1)
    busy = snapshots.join(running, on="player_key", how="inner").filter(
        (pl.col("first") <= end) & (pl.col("last") >= pl.col("start_day"))
    )
    return snapshots.join(busy, on="player_key", how="anti", maintain_order="left")


def in_question(
    app: App, targets: pl.DataFrame, recent: pl.DataFrame, asked: pl.DataFrame = NOTHING_ASKED
) -> pl.DataFrame:
    """The targets that a mission may ask for: deeds of their own, of metrics that are not asked over as many days."""
    running = recent.group_by("player_key", "metric", "window_days").agg(pl.col("valid_until").max())
    return (
        without_implied(app, targets, asked)
        .join(running, on=["player_key", "metric", "window_days"], how="left", maintain_order="left")
        .filter(pl.col("valid_until").is_null() | (pl.col("valid_until") < pl.col("start_day")))
        .drop("valid_until")
    )


def rank_missions(targets: pl.DataFrame, record: pl.DataFrame, tastes: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Each player's best targets for a mission, the first and those that may go with it, with their place.

    Args:
        targets: What comes into question.
        record: The missions before this one.
        tastes: What players like.
        seed: The night's.

    Returns:
        Rows of `targets` with place (0 for the first) and slot, and of the first liking and chance as
        `choose_challenges` tells them.
    """
    last = record.sort("start_day").unique("player_key", keep="last", maintain_order=True)
    last = last.select("player_key", last="metric")
    rows = targets.join(last, on="player_key", how="left", maintain_order="left").with_columns(fit=fit())
    base = pl.col("fit") - 0.5 * (pl.col("metric") == pl.col("last")).fill_null(value=False)
    score = base + 0.3 * luck("player_key", "metric", "base_day", seed=seed)
    tasted = to_taste(rows.with_columns(score=score), tastes, base, seed + 1)
    placed = in_order(tasted.with_columns(chance=share_among(pl.col("worth")))).filter(pl.col("place") <= COMPANIONS)
    return placed.drop("last", "score", "worth", "fit").with_columns(slot=pl.lit(SLOT, dtype=pl.Int32))
