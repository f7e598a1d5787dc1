"""Who is written to beyond challenges and encouragement: mission briefs, tutorials and social prompts."""

import datetime as dt
import math

import polars as pl

from configs.app import App
from pipelines.challenges.identity import content_ids
from pipelines.known import Known
from pipelines.luck import lot
from pipelines.players.targets import EVERYONE, FEWEST_PLAYERS

BRIEF, TUTORIAL, SOCIAL = "mission_brief", "tutorial", "social_prompt"
WEEK_DAYS = 7
SHOWN_DAYS = 30
# A tutorial teaches what at least this share of comparable players do, to who does none of it or stands below `_LOW`.
USUAL_SHARE = 0.5
_LOW = 0.25
ASKS = pl.Schema(
    {
        "content_id": pl.String(),
        "player_key": pl.Int64(),
        "content_type": pl.String(),
        "persona": pl.String(),
        "language": pl.String(),
        "metric": pl.String(),
        "goal": pl.Float64(),
        "percentile": pl.Int32(),
        "recency_days": pl.Int32(),
        "occasion": pl.String(),
        "window_days": pl.Int32(),
        "mission": pl.String(),
    }
)


def ask_in_addition(
    known: Known,
    features: pl.DataFrame,
    segments: pl.DataFrame,
    profiles: pl.DataFrame,
    missions: pl.DataFrame,
    unlikely: pl.DataFrame,
) -> pl.DataFrame:
    """The mission briefs, tutorials and social prompts of a night, as far as the app writes them.

    Nobody gets a tutorial and a social prompt in one night, and who is too unlikely to play gets neither.

    Args:
        known: What the night may see.
        features: One row per player at the night's base day.
        segments: player_key, judged_as, segment.
        profiles: From `describe_players`; players with `opted_out` are never written to.
        missions: The night's new missions: the `plan` frame.
        unlikely: player_key of those who get a come-back message.

    Returns:
        The columns of ASKS, one row for each message.
    """
    kinds = set(known.app.content.types)
    welcome = profiles.filter(~pl.col("opted_out")).join(unlikely, on="player_key", how="anti", maintain_order="left")
    none = pl.DataFrame(schema={"player_key": pl.Int64, "metric": pl.String, "occasion": pl.String})
    standings, steps = compare(known.app, features, segments), first_steps(known.app, features)
    teaching = [
        name for name, step in steps.items() if step is not None and _is_a_step(known.app, features, name, step)
    ]
    taught = standings.filter(pl.col("metric").is_in(teaching))
    tutorials = choose_tutorials(known, taught) if TUTORIAL in kinds else none
    tutorials = tutorials.join(welcome, on="player_key", how="semi", maintain_order="left")
    prompts = choose_prompts(known, standings, profiles) if SOCIAL in kinds else none
    prompts = prompts.join(tutorials, on="player_key", how="anti", maintain_order="left")
    rows = [
        _brief_missions(missions if BRIEF in kinds else missions.clear()),
        *(
            wanted.with_columns(
                content_type=pl.lit(kind), goal=pl.col("metric").replace_strict(steps, return_dtype=pl.Float64)
            )
            for kind, wanted in ((TUTORIAL, tutorials), (SOCIAL, prompts))
        ),
    ]
    told = welcome.select("player_key", "user_id", "persona", "language")
    asks = pl.concat(rows, how="diagonal").join(told, on="player_key", how="inner", maintain_order="left")
    names = asks.select(pl.col("user_id") + "/" + pl.col("content_type")).to_series()
    asks = asks.with_columns(content_id=content_ids(known, names))
    return asks.select(
        (pl.col(name) if name in asks.columns else pl.lit(None)).cast(kind).alias(name) for name, kind in ASKS.items()
    )


def taught_metrics(app: App) -> list[str]:
    """The metrics that a tutorial may teach: those of challenges, other than days of play."""
    return [name for name in app.challenges.metrics if app.metrics[name].agg != "days"]


def choose_tutorials(known: Known, standings: pl.DataFrame) -> pl.DataFrame:
    """What each player could learn next, if anything.

    Taught is a metric of challenges, other than days of play, that at least half of the comparable players have done
    in the last 28 days, to a player who has not, or who stands in the lowest quarter among them. What was not done
    comes before what is done seldom, then what sets the player apart most (share of those who do it - standing), then
    the order of the app file. Nobody gets a second one within seven nights, nor the same within thirty.

    Args:
        known: What the night may see.
        standings: From `compare`.

    Returns:
        player_key, metric, occasion: 'new' for what the player has not done, else 'seldom'; one row for a player.
    """
    app = known.app
    taught = taught_metrics(app)
    order = dict(zip(taught, range(len(taught)), strict=True))
    lately = _told(known, TUTORIAL)
    this_week = lately.filter(pl.col("as_of") > known.as_of - dt.timedelta(days=WEEK_DAYS))
    wanting = ~pl.col("does") | (pl.col("standing") < _LOW)
    return (
        standings.filter(pl.col("metric").is_in(taught) & (pl.col("share") >= USUAL_SHARE) & wanting)
        .join(this_week, on="player_key", how="anti", maintain_order="left")
        .join(lately, on=["player_key", "metric"], how="anti", maintain_order="left")
        .with_columns(
            apart=(pl.col("share") - pl.col("standing")).round(6),
            order=pl.col("metric").replace_strict(order, return_dtype=pl.Int32),
            occasion=pl.when("does").then(pl.lit("seldom")).otherwise(pl.lit("new")),
        )
        .sort("player_key", "does", "apart", "order", descending=[False, False, True, False])
        .unique("player_key", keep="first", maintain_order=True)
        .select("player_key", "metric", "occasion")
    )


def choose_prompts(known: Known, standings: pl.DataFrame, profiles: pl.DataFrame) -> pl.DataFrame:
    """Whom to invite to something social, and to what.

    Invited is a player who has done none of the app's social metrics in seven days ('quiet'), or who likes one of them
    best of all that may be asked ('keen': it is their preferred content). The keen are invited to what they like, the
    quiet to the social metric in which they stand highest over 28 days; of equals to the one they were invited to
    longest ago, then to one that changes by player and night. Nobody gets a second one within seven nights.

    Args:
        known: What the night may see.
        standings: From `compare`.
        profiles: player_key, preferred_content.

    Returns:
        player_key, metric, occasion; one row for a player.
    """
    lately = _told(known, SOCIAL)
    this_week = lately.filter(pl.col("as_of") > known.as_of - dt.timedelta(days=WEEK_DAYS))
    last = lately.group_by("player_key", "metric").agg(last=pl.col("as_of").max())
    liked = profiles.select("player_key", "preferred_content")
    rows = (
        standings.filter(pl.col("metric").is_in(known.app.content.social_metrics))
        .with_columns(quiet=(pl.col("week").fill_null(0) == 0).all().over("player_key"))
        .join(liked, on="player_key", how="left", maintain_order="left")
        .join(last, on=["player_key", "metric"], how="left", maintain_order="left")
        .with_columns(
            likes=(pl.col("metric") == pl.col("preferred_content")).fill_null(value=False),
            done=pl.when("does").then("standing").otherwise(0.0),
            tie=lot("player_key", "metric", seed=known.night.seed),
        )
    )
    return (
        rows.filter(pl.col("quiet") | pl.col("likes"))
        .join(this_week, on="player_key", how="anti", maintain_order="left")
        .with_columns(occasion=pl.when("quiet").then(pl.lit("quiet")).otherwise(pl.lit("keen")))
        .sort(
            *("player_key", "likes", "done", "last", "tie"),
            descending=[False, True, True, False, False],
            nulls_last=[False, False, False, False, False],
        )
        .unique("player_key", keep="first", maintain_order=True)
        .select("player_key", "metric", "occasion")
    )


def compare(app: App, features: pl.DataFrame, segments: pl.DataFrame) -> pl.DataFrame:
    """How each player stands in each metric of challenges and of social prompts among comparable players.

    Comparable are the players of the same cohort and segment; of fewer than FEWEST_PLAYERS those of the cohort, of
    fewer of those everyone.

    Returns:
        player_key, metric, does (whether the last 28 days have any of it), share (of the comparable players who do),
        standing (mid-rank share of the 28-day value, 0 to 1; no value stands lowest) and week (the 7-day value).
    """
    names = list(dict.fromkeys([*app.challenges.metrics, *app.content.social_metrics]))
    signs = {name: 1.0 if app.metrics[name].better == "higher" else -1.0 for name in names}
    months, weeks = (_long(features, names, days) for days in ("28", "7"))
    who = segments.select(
        "player_key", in_segment=pl.format("{}\n{}", "judged_as", "segment"), in_cohort=pl.col("judged_as")
    )
    rows = months.hstack([weeks["value"].rename("week")]).join(who, on="player_key", how="inner", maintain_order="left")
    sizes = who.with_columns(
        group=pl.when(pl.len().over("in_segment") >= FEWEST_PLAYERS)
        .then(pl.lit("in_segment"))
        .when(pl.len().over("in_cohort") >= FEWEST_PLAYERS)
        .then(pl.lit("in_cohort"))
        .otherwise(pl.lit(EVERYONE))
    ).select("player_key", "group")
    value = pl.col("value").fill_nan(None)
    rows = rows.join(sizes, on="player_key", how="left", maintain_order="left").with_columns(
        does=(value != 0).fill_null(value=False),
        strength=(value * pl.col("metric").replace_strict(signs, return_dtype=pl.Float64)).fill_null(float("-inf")),
    )
    return rows.with_columns(
        share=_by_group(pl.col("does").mean()),
        standing=_by_group((pl.col("strength").rank("average") - 0.5) / pl.len()),
    ).select("player_key", "metric", "does", "share", "standing", "week")


def first_steps(app: App, features: pl.DataFrame) -> dict[str, float | None]:
    """A small amount of each metric to begin with.

    1 of what is counted; of a sum what the lowest quarter of the players come to on a day with any of it; of a best
    what the lowest quarter reach in 28 days. Both are rounded to 1, 2 or 5 of a power of ten on the easier side, a best
    that everybody reaches like that to two digits. A metric without a task has none.
    """
    names = dict.fromkeys([*app.challenges.metrics, *app.content.social_metrics])
    return {name: _first_step(app, features, name) if "{goal}" in app.metrics[name].task else None for name in names}


def _first_step(app: App, features: pl.DataFrame, name: str) -> float:
    metric = app.metrics[name]
    if metric.aggregation.whole:
        return 1.0
    values = features[f"{name}__{'per_day' if metric.agg == 'sum' else '28'}"].fill_nan(None).drop_nulls()
    more = metric.better == "higher"
    easy = values.filter(values > 0).quantile(0.25 if more else 0.75, "lower" if more else "higher")
    if easy is None:
        return 1.0
    power = 10.0 ** math.floor(math.log10(easy))
    coarse = _easier(easy, [step * power for step in (1, 2, 5, 10)], more=more)
    if _is_a_step(app, features, name, coarse):
        return coarse
    return _easier(easy, [round(step * power / 10, 9) for step in range(10, 101)], more=more)


def _easier(value: float, steps: list[float], *, more: bool) -> float:
    """The step nearest to a value among those that are no harder."""
    return max(step for step in steps if step <= value) if more else min(step for step in steps if step >= value)


def _is_a_step(app: App, features: pl.DataFrame, name: str, step: float) -> bool:
    """Whether it asks for more than any deed comes to: to buy 1 record in one basket is to buy."""
    metric = app.metrics[name]
    if not metric.aggregation.single:
        return True
    values = features[f"{name}__28"].fill_nan(None).drop_nulls()
    return bool((values < step if metric.better == "higher" else values > step).any())


def _brief_missions(missions: pl.DataFrame) -> pl.DataFrame:
    """A message for each new mission, about the same metric, goal and window."""
    if not missions.width:
        return pl.DataFrame(schema={"player_key": pl.Int64, "content_type": pl.String})
    return missions.select(
        "player_key",
        "metric",
        "window_days",
        content_type=pl.lit(BRIEF),
        goal="target",
        mission="content_id",
        occasion=pl.lit(""),
    )


def _told(known: Known, kind: str) -> pl.DataFrame:
    """player_key, metric, as_of of the messages of a kind that players got within thirty nights."""
    params = {"content_type": kind, "since": known.as_of - dt.timedelta(days=SHOWN_DAYS), "as_of": known.as_of}
    return known.frame(known.fixed("challenges/told_lately"), params)


def _long(features: pl.DataFrame, names: list[str], days: str) -> pl.DataFrame:
    columns = {f"{name}__{days}": name for name in names}
    long = features.select("player_key", *(pl.col(c).cast(pl.Float64) for c in columns)).unpivot(
        index="player_key", variable_name="metric", value_name="value"
    )
    return long.with_columns(metric=pl.col("metric").replace_strict(columns, return_dtype=pl.String))


def _by_group(value: pl.Expr) -> pl.Expr:
    """An expression over the players that each one is compared with in a metric."""
    return (
        pl.when(pl.col("group") == "in_segment")
        .then(value.over("in_segment", "metric"))
        .when(pl.col("group") == "in_cohort")
        .then(value.over("in_cohort", "metric"))
        .otherwise(value.over("metric"))
    )
