"""Segments: how strong each player is among comparable play, by a fitted mixture or by quantiles of a score."""

import datetime as dt
from dataclasses import dataclass, replace

import polars as pl

from configs.app import App
from configs.nouns import counted
from models.statistics.mixture_search import MixtureParameters
from models.tasks.segments import PARENT, Measure, SegmentModel, SegmentParameters
from pipelines.engines.laid import Frame
from pipelines.known import Known
from pipelines.players.in_cohorts import strength_in_cohorts
from pipelines.players.snapshots import describe, eligible_players
from pipelines.players.standing import mid_rank, strength

WINDOW_DAYS = 28
PAST_WINDOWS = 6
MOST_SNAPSHOTS = 100_000  # that segments are learned from
# Tenure is no strength and would make a segment of those who came back; a running streak is zero for most, and would
# make one of those who happened to play yesterday.
PLAY = ("active_days_28", "events_28", "recency_days")
TIE = 0.001
FLOOR_IN_COHORTS = 0.03  # of variances, where best scores and means are measured, which hardly repeat as counts do
_ENGAGED = ("active_days_28", "recency_days")


@dataclass(frozen=True)
class SegmentFit:
    """What came of fitting segments.

    Attributes:
        model: None when there were too few players.
        trials: The settings tried, with their cohort.
        note: Why there is no model, or no stable one; else empty.
        why: Why there is no model, as the end of a sentence; else empty.
    """

    model: SegmentModel | None
    trials: pl.DataFrame
    note: str = ""
    why: str = ""


def measures_of(app: App) -> tuple[Measure, ...]:
    """What describes strength: 28-day values of the app's `segments` metrics, then play, then facts of the record.

    Segments are ordered by the app's `segments.score`, whose words their names are; how lately and how often somebody
    plays decides among those who are alike in it. Measured in cohorts, strength has nothing to do with that.
    """
    names = dict.fromkeys([app.segments.score, *app.segments.features])
    leading = {app.segments.score: 1 - TIE * len(_ENGAGED) * (not in_cohorts(app))}
    metrics = [Measure(f"{name}__28", app.metrics[name].better, leading.get(name, 0.0)) for name in names]
    play = [
        Measure(name, "lower" if name == "recency_days" else "higher", TIE if name in _ENGAGED else 0.0)
        for name in PLAY
        if not in_cohorts(app)
    ]
    shaped = [Measure(name, "neither") for name in app.segments.shaped_by]
    return (*metrics, *play, *shaped)


def in_cohorts(app: App) -> bool:
    """Whether strength is measured in cohorts."""
    return app.segments.measured_in == "cohort" and bool(app.cohorts.by)


def player_cohorts(known: Known) -> pl.DataFrame:
    """player_key, cohort of the night's eligible players: what they played most of late, as known at the night."""
    snapshots = eligible_players(known, [known.base_day])
    return cohorts_of(known, snapshots).select("player_key", "cohort")


def cohorts_of(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """player_key, base_day, cohort of each snapshot; `all` for play that belongs to none."""
    asked = pl.DataFrame({"metric": sorted({known.app.segments.score, *known.app.segments.features})})
    with known.lend(snapshots=snapshots.select("player_key", "base_day"), asked=asked):
        return known.frame(known.fixed("players/player_cohorts"), {"within": known.app.challenges.active_within_days})


Strength = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame | None]  # features, cohorts, and see `played_there`


def past_strength(known: Known) -> Strength:
    """Features and cohorts of the last six windows of 28 days, one after another: what segments are learned from.

    One day's players are few in a small app, and not like those of another season. In a large one some players are
    drawn, with all their windows. Third is what was shown in each cohort, where the app measures strength there.
    """
    days = [known.base_day - dt.timedelta(days=WINDOW_DAYS * k) for k in range(PAST_WINDOWS)]
    snapshots = _drawn(eligible_players(known, days), known.night.seed)
    features = describe(known, snapshots)
    return features, cohorts_of(known, snapshots), played_there(known, features)


def _drawn(snapshots: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The snapshots of some players, about MOST_SNAPSHOTS; all where there are no more."""
    if snapshots.height <= MOST_SNAPSHOTS:
        return snapshots
    players = snapshots["player_key"].unique().sort()
    drawn = players.sample(fraction=MOST_SNAPSHOTS / snapshots.height, seed=seed)
    return snapshots.filter(pl.col("player_key").is_in(drawn.implode()))


def on_day(strength: Strength, day: dt.date) -> Strength:
    """Of past strength the newest window, that of a night of this base day."""
    features, cohorts, played = strength
    there = pl.col("base_day") == day
    return features.filter(there), cohorts.filter(there), None if played is None else played.filter(there)


def played_there(known: Known, features: Frame) -> pl.DataFrame | None:
    """Strength in each cohort played, see `strength_in_cohorts`; None where the app measures it over all play."""
    app = known.app
    if not in_cohorts(app):
        return None
    columns = ["player_key", "base_day", *(m.column for m in measures_of(app))]
    return strength_in_cohorts(known, features.select(*columns))


def fit_segments(
    app: App, features: pl.DataFrame, cohorts: pl.DataFrame, played: pl.DataFrame | None = None, *, seed: int
) -> SegmentFit:
    """Fit a mixture for all players and for each cohort with enough of them; too few in all give no model and a note.

    Args:
        app: Its `segments` and `cohorts.min_players`.
        features: player_key and the columns of `measures_of`; with base_day when players stand there more than once.
        cohorts: player_key (base_day) and cohort; a player who is not there is of the cohort `all`.
        played: From `played_there`.
        seed: Of samples and search.
    """
    rows = _with_cohorts(app, features, cohorts)
    players = rows["player_key"].n_unique()
    empty = pl.DataFrame(schema={"cohort": pl.String})
    if players < app.cohorts.min_players:
        few = f"{counted(players, 'player')}, {app.cohorts.min_players:,} are needed"
        return SegmentFit(None, empty, f"Segments follow the quantiles of the score: {few}.", few)
    mixture = replace(MixtureParameters(), seed=seed)
    if played is not None:
        mixture = replace(mixture, even_out=True, floor=FLOOR_IN_COHORTS, again=3)
        played = played.drop_nulls(f"{app.segments.score}__{WINDOW_DAYS}")  # without a score no strength was shown
    model = SegmentModel(SegmentParameters(app.cohorts.min_players, mixture), measures_of(app), app.segments.levels)
    trials = model.fit(rows, played)
    unstable = model.quality.filter(~pl.col("stable") | ~pl.col("converged"))["cohort"].to_list()
    return SegmentFit(
        model,
        pl.concat([table.with_columns(cohort=pl.lit(cohort)) for cohort, table in trials.items()]),
        f"No stable segments were found for {', '.join(unstable)}; the most stable ones serve." if unstable else "",
    )


def assign_segments(
    app: App,
    features: Frame,
    model: SegmentModel | None,
    cohorts: pl.DataFrame,
    played: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """The segment of each player.

    Args:
        app: Its segment levels.
        features: player_key and the columns of `measures_of`.
        model: None, or one that does not suit the app any more, lets quantiles of `engagement_score` within the cohort
            decide, for certain: posterior 1.
        cohorts: player_key, cohort.
        played: From `played_there`: who is judged among a cohort is so by what came to pass there.

    Returns:
        In the order of `features`: player_key, cohort, judged_as (the cohort compared with: `all` where the own one has
        too few players), segment, posterior.
    """
    rows = _with_cohorts(app, features, cohorts)
    if played is not None:
        rows = _as_played(app, rows, played, model)
    judged = model.predict(rows) if model is not None and suits(app, model) else _by_quantiles(app, rows)
    return pl.concat([rows.select("player_key", "cohort"), judged], how="horizontal")


def in_each_cohort(known: Known, main: pl.DataFrame, by_model: pl.DataFrame | None = None) -> pl.DataFrame:
    """The segments of players in every cohort that they played in 28 days, that of their main cohort marked.

    Beside the main one, a segment is what the model says of what came to pass in that cohort, where the app measures
    strength there and the cohort has a mixture of its own. Elsewhere it is a standing in `segments.score` as it came to
    in that cohort alone, among all who
    played there: levels of equal size, players who are alike in one level. A cohort in which fewer than
    `cohorts.min_players` have a value tells nothing of anybody but those whose main cohort it is.

    Args:
        known: Its app's segments and cohorts.
        main: From `assign_segments`.
        by_model: From `judge_cohorts`.

    Returns:
        player_key, cohort, judged_as (as in `assign_segments`), segment, posterior, is_main; the main segment of a
        player first, others by cohort.
    """
    app = known.app
    columns = ("player_key", "cohort", "judged_as", "segment", "posterior", "is_main")
    first = main.with_columns(is_main=pl.lit(value=True)).select(columns)
    if not app.cohorts.by:
        return first
    snapshots = main.select("player_key", base_day=pl.lit(known.base_day))
    with known.lend(snapshots=snapshots):
        values = known.frame(known.fixed("players/cohort_values"), {"metric": app.segments.score})
    score = app.metrics[app.segments.score]
    standing = mid_rank(strength("value", score.better), "cohort")
    others = (
        values.drop_nulls("value")
        .filter(pl.len().over("cohort") >= app.cohorts.min_players)
        .with_columns(segment=_named(app, standing), judged_as="cohort", posterior=pl.lit(1.0), is_main=False)
        .join(first, on=["player_key", "cohort"], how="anti", maintain_order="left")
        .select(columns)
    )
    if by_model is not None:
        judged = by_model.with_columns(is_main=pl.lit(value=False)).select(columns)
        judged = judged.join(first, on=["player_key", "cohort"], how="anti", maintain_order="left")
        modelled = by_model["cohort"].unique().implode()
        others = pl.concat([judged, others.filter(~pl.col("cohort").is_in(modelled))]).sort("player_key", "cohort")
    return pl.concat([first, others])


def judge_cohorts(app: App, model: SegmentModel | None, played: pl.DataFrame | None) -> pl.DataFrame | None:
    """The segment of players in every cohort played that has a mixture of its own.

    Args:
        app: Its segments.
        model: The champion's segments, or None.
        played: From `played_there`.

    Returns:
        player_key, cohort, judged_as (the same), segment, posterior; None where the app or the model knows no such
        thing.
    """
    if model is None or played is None or not suits(app, model):
        return None
    rows = played.filter(pl.col("cohort").is_in(model.cohorts))
    return rows.select("player_key", "cohort").hstack(model.predict(rows))


def suits(app: App, model: SegmentModel) -> bool:
    """Whether a model still knows the app's levels and nothing but its measures; the app file may have changed."""
    columns = {"cohort", *(m.column for m in measures_of(app))}
    return model.levels == tuple(app.segments.levels) and set(model.inputs) <= columns


def engagement_score(app: App, over: str) -> pl.Expr:
    """Mean standing, 0 to 1, among the rows that share `over`, by `segments.score`; where that is alike, by play."""
    weighed = [measure for measure in measures_of(app) if measure.weight]
    return pl.sum_horizontal(mid_rank(strength(m.column, m.better), over) * m.weight for m in weighed)


def _as_played(app: App, rows: pl.DataFrame, played: pl.DataFrame, model: SegmentModel | None) -> pl.DataFrame:
    """The rows with the measures of the player's own cohort, where players are judged among that."""
    columns = [m.column for m in measures_of(app)]
    there = played.select("player_key", "cohort", *columns, own=pl.lit(value=True))
    both = rows.select("player_key", "cohort").join(
        there, on=["player_key", "cohort"], how="left", maintain_order="left"
    )
    enough = pl.col("player_key").n_unique().over("cohort") >= app.cohorts.min_players
    among = pl.col("cohort").is_in(model.cohorts) if model is not None and suits(app, model) else enough
    whole = rows.select(pl.exclude("own")).with_columns(among=among)
    takes = (whole["among"] & both["own"].is_not_null()).to_frame("takes")
    return whole.hstack(takes).with_columns(
        pl.when("takes").then(both[column]).otherwise(pl.col(column)).alias(column) for column in columns
    ).drop("among", "takes")  # fmt: skip


def _by_quantiles(app: App, rows: pl.DataFrame) -> pl.DataFrame:
    """Levels of equal size by engagement score; players who are alike share a level."""
    enough = pl.col("player_key").n_unique().over("cohort") >= app.cohorts.min_players
    judged = rows.with_columns(judged_as=pl.when(enough).then("cohort").otherwise(pl.lit(PARENT)))
    scored = judged.with_columns(score=engagement_score(app, "judged_as").round(12))
    place = (pl.col("score").rank("average").over("judged_as") - 0.5) / pl.len().over("judged_as")
    return scored.select("judged_as", segment=_named(app, place), posterior=pl.lit(1.0))


def _named(app: App, place: pl.Expr) -> pl.Expr:
    """The level, of equal size, in which a standing from 0 to 1 lies."""
    levels = app.segments.levels
    level = (place * len(levels)).floor().clip(0, len(levels) - 1).cast(pl.Int32)
    return level.replace_strict(dict(enumerate(levels)), return_dtype=pl.String)


def _with_cohorts(app: App, features: Frame, cohorts: pl.DataFrame) -> pl.DataFrame:
    """Features with `cohort`; the measures as numbers."""
    keys = (
        ["player_key", "base_day"] if {"base_day"} <= set(features.columns) & set(cohorts.columns) else ["player_key"]
    )
    columns = [m.column for m in measures_of(app)]
    return (
        features.select(*keys, *columns)
        .join(cohorts.select(*keys, "cohort"), on=keys, how="left", maintain_order="left")
        .with_columns(pl.col("cohort").fill_null(PARENT))
    )
