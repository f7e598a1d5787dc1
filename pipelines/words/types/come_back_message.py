"""Come-back messages: a welcome to those who stayed away."""

from collections.abc import Mapping
from itertools import product

import polars as pl

from configs.app import App
from pipelines.words.content_type import Asking, ContentType, Form

OCCASIONS = ("days", "weeks", "long")


def plan(asking: Asking) -> pl.DataFrame:
    """One for everybody who is too unlikely to play to be asked for anything, and has something to come back to."""
    away = asking.unlikely.select("player_key").unique()
    going_on = asking.features.select("player_key", "ended").filter(pl.col("ended").fill_null(0) == 0)
    return away.join(going_on, on="player_key", how="semi").sort("player_key")


def away_band(days: pl.Expr) -> pl.Expr:
    """'days' under 7, 'weeks' under 28, else 'long'."""
    return pl.when(days < 7).then(pl.lit("days")).when(days < 28).then(pl.lit("weeks")).otherwise(pl.lit("long"))


def keys(_app: App) -> Mapping[str, pl.Expr]:
    """A brief is about no metric; its occasion is how long the player was away."""
    return {"occasion": away_band(pl.col("recency_days")), "metric": pl.lit("")}


TYPE = ContentType(
    table="messages",
    form=Form("body"),
    starts=("comeback_title", "comeback"),
    plain_title="Welcome Back",
    plain={"": "Your place is here whenever you like."},
    briefs=lambda _: product([""], OCCASIONS),
    occasions=OCCASIONS,
    keys=keys,
    plan=plan,
    own_phrases=False,
    place=40,
    for_everyone=True,
)
