"""Daily challenges: what a player is asked for the coming day or days, as the plan says."""

from collections.abc import Mapping
from itertools import product

import polars as pl

from configs.app import App
from pipelines.words.content_type import GOAL_AND_WINDOW, Asking, ContentType, Form, Shown

NAME = "daily_challenge"


def plan(asking: Asking) -> pl.DataFrame:
    """The planned challenges of those who were issued none for this day before."""
    issued = asking.known.frame(
        "SELECT DISTINCT player_key FROM challenges WHERE as_of = $day AND content_type = $daily",
        {"day": asking.known.as_of, "daily": NAME},
    )
    new = asking.challenges.join(issued, on="player_key", how="anti", maintain_order="left")
    return new.with_columns(occasion=pl.lit(""))


def difficulty_band(level: pl.Expr) -> pl.Expr:
    """'easy' (levels 1 to 3), 'fair' or 'hard' (8 to 10)."""
    return pl.when(level <= 3).then(pl.lit("easy")).when(level <= 7).then(pl.lit("fair")).otherwise(pl.lit("hard"))


def keys(_app: App) -> Mapping[str, pl.Expr]:
    """A brief has the band of its challenge's level."""
    return {"difficulty": difficulty_band(pl.col("difficulty_level"))}


TYPE = ContentType(
    table="challenges",
    form=Form("description", slots=GOAL_AND_WINDOW, timed=True),
    starts=("title", "challenge"),
    plain_title="A Challenge for You",
    plain={"": "{task} {{window}}."},
    briefs=lambda app: product(app.challenges.metrics, [""]),
    keys=keys,
    plan=plan,
    own_phrases=False,
    place=10,
    for_everyone=True,
    shown=Shown("challenge", difficulty="fair"),
)
