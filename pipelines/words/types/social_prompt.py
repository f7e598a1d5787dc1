"""Social prompts: an invitation to one of the app's social metrics."""

import datetime as dt
from collections.abc import Iterator, Mapping
from itertools import product

import polars as pl

from configs.app import App
from pipelines.challenges.invite import WEEK_DAYS, told_lately
from pipelines.engines.laid import Frame
from pipelines.known import Known
from pipelines.luck import lot
from pipelines.words.content_type import GOAL, Asking, ContentType, Form

NAME = "social_prompt"


def plan(asking: Asking) -> pl.DataFrame:
    """An invitation for those likely enough to play who get no tutorial tonight."""
    chosen = choose_prompts(asking.known, asking.standings, asking.profiles)
    chosen = chosen.with_columns(goal=pl.col("metric").replace_strict(asking.first_steps, return_dtype=pl.Float64))
    chosen = chosen.join(asking.rows("tutorial"), on="player_key", how="anti", maintain_order="left")
    return chosen.join(asking.likely, on="player_key", how="semi", maintain_order="left")


def choose_prompts(known: Known, standings: Frame, profiles: pl.DataFrame) -> pl.DataFrame:
    """Whom to invite to something social, and to what.

    Invited is a player who has done none of the app's social metrics in seven days ('quiet'), or who likes one of them
    best of all that may be asked ('keen': it is their preferred content). The keen are invited to what they like, the
    quiet to the social metric in which they stand highest over 28 days; of equals to the one they were invited to
    longest ago, then to one that changes by player and night. Nobody gets a second one within seven nights.

    Args:
        known: What the night may see; its seed breaks ties.
        standings: From `compare`.
        profiles: player_key, preferred_content.

    Returns:
        player_key, metric, occasion; one row for a player.
    """
    lately = told_lately(known, NAME)
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


def briefs(app: App) -> Iterator[tuple[str, str]]:
    """Each social metric, on both occasions; one without a task only as an invitation without a goal."""
    for metric, occasion in product(app.content.social_metrics, ["quiet", "keen"]):
        yield metric, occasion if "{goal}" in app.metrics[metric].task else "none"


def keys(app: App) -> Mapping[str, pl.Expr]:
    """A metric without a task has no goal to name."""
    idle = [name for name, one in app.metrics.items() if "{goal}" not in one.task]
    without = pl.col("metric").cast(pl.String).is_in(idle)
    return {"occasion": pl.when(without).then(pl.lit("none")).otherwise("occasion")}


def lacks(app: App) -> Iterator[str]:
    """It invites to something."""
    if not app.content.social_metrics:
        yield "content.social_metrics: a social_prompt needs the metrics that it may invite to"


TYPE = ContentType(
    table="messages",
    form=Form("body", slots=GOAL),
    starts=("social_title", "social"),
    plain_title="In Good Company",
    plain={"": "{task}.", "none": "Others are here, and glad of company."},
    briefs=briefs,
    occasions=("quiet", "keen", "none"),
    keys=keys,
    plan=plan,
    lacks=lacks,
    place=70,
    names_metric=True,
)
