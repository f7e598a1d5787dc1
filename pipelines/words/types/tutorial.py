"""Tutorials: how to begin with something that comparable players do and this one does not, or hardly."""

import datetime as dt
from itertools import product

import polars as pl

from configs.app import App
from pipelines.challenges.invite import WEEK_DAYS, is_a_step, told_lately
from pipelines.challenges.lifetimes import lifetime_values
from pipelines.engines.laid import Frame
from pipelines.known import Known
from pipelines.words.content_type import GOAL, LONG_TEXT_LENGTH, Asking, ContentType, Form

NAME = "tutorial"
OCCASIONS = ("new", "seldom")
# Taught is what at least this share of comparable players do, to who does none of it or stands below `_LOW`.
USUAL_SHARE = 0.5
_LOW = 0.25


def plan(asking: Asking) -> pl.DataFrame:
    """Something to learn for those likely enough to play, with a first step; no step that any deed comes to.

    Of different things, who did any is asked for two: one of them is what they do already.
    """
    app, steps = asking.known.app, asking.first_steps
    teaching = [
        name for name, step in steps.items() if step is not None and is_a_step(app, asking.features, name, step)
    ]
    taught = asking.standings.filter(pl.col("metric").is_in(teaching))
    chosen = choose_tutorials(asking.known, taught)
    different = [name for name in steps if app.metrics[name].agg == "distinct"]
    again = pl.col("metric").is_in(different) & (pl.col("occasion") == "seldom")
    step = pl.col("metric").replace_strict(steps, return_dtype=pl.Float64)
    chosen = chosen.with_columns(goal=pl.when(again).then(2.0).otherwise(step))
    return chosen.join(asking.likely, on="player_key", how="semi", maintain_order="left")


def taught_metrics(app: App) -> list[str]:
    """The metrics that a tutorial may teach: those of challenges, other than days of play."""
    return [name for name in app.challenges.metrics if app.metrics[name].agg != "days"]


def choose_tutorials(known: Known, standings: Frame) -> pl.DataFrame:
    """What each player could learn next, if anything.

    Taught is a metric of challenges, other than days of play, that at least half of the comparable players have done
    in the last 28 days, to a player who has not, or who stands in the lowest quarter among them. What was not done
    comes before what is done seldom, then what sets the player apart most (share of those who do it - standing), then
    the order of the app file. Nobody gets a second one within seven nights, nor the same within thirty.

    Args:
        known: What the night may see.
        standings: From `compare`.

    Returns:
        player_key, metric, occasion: 'new' for what the player has never done (of what does not add up: not in 28
        days), else 'seldom'; one row for a player.
    """
    app = known.app
    taught = taught_metrics(app)
    order = dict(zip(taught, range(len(taught)), strict=True))
    lately = told_lately(known, NAME)
    this_week = lately.filter(pl.col("as_of") > known.as_of - dt.timedelta(days=WEEK_DAYS))
    wanting = ~pl.col("does") | (pl.col("standing") < _LOW)
    chosen = (
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
    adding = [name for name in taught if app.metrics[name].aggregation.adds_up]
    done = lifetime_values(known, chosen).filter(pl.col("metric").is_in(adding)).select("player_key", "metric")
    done = done.with_columns(ever=pl.lit("seldom"))
    told = chosen.join(done, on=["player_key", "metric"], how="left", maintain_order="left")
    return told.with_columns(occasion=pl.coalesce("ever", "occasion")).drop("ever")


TYPE = ContentType(
    table="messages",
    form=Form("body", slots=GOAL, length=LONG_TEXT_LENGTH, steps=True),
    starts=("tutorial_title", "tutorial"),
    plain_title="How to Begin",
    plain={"": "A first step: {task}."},
    briefs=lambda app: product(taught_metrics(app), OCCASIONS),
    occasions=OCCASIONS,
    plan=plan,
    place=60,
    names_bests=False,
    names_metric=True,
)
