"""Custom achievements: a round number in the player's life, in reach within weeks."""

from collections.abc import Mapping
from itertools import product
from typing import get_args

import polars as pl

from configs.app import App
from configs.badges import Tier
from pipelines.challenges.achievements import plan_achievements
from pipelines.challenges.implied import as_asked
from pipelines.challenges.lifetimes import lifetime_metrics
from pipelines.challenges.parts import each_part
from pipelines.words.content_type import GOAL, Asking, ContentType, Form


def plan(asking: Asking) -> pl.DataFrame:
    """A new one for each player who has none open, that nothing else asked of them implies."""
    challenges, missions = asking.challenges, asking.missions
    new = pl.concat([challenges, missions.select(challenges.columns)] if missions.width else [challenges])
    spans = new.rename({"valid_from": "start_day", "valid_until": "end_day"})
    tonight = as_asked(each_part(spans, "player_key", "start_day", "end_day"))
    welcome = asking.welcome("player_key", "user_id", "persona", "language")
    return plan_achievements(asking.known, welcome, pl.concat([asking.open_asks, tonight]))


def keys(_app: App) -> Mapping[str, pl.Expr]:
    """A brief's occasion is the tier."""
    return {"occasion": pl.col("tier")}


TYPE = ContentType(
    table="achievements",
    form=Form("description", slots=GOAL, timed=True),
    starts=("achievement_title", "achievement"),
    plain_title="A Milestone of Your Own",
    plain={"": "{task}, all that came before included."},
    briefs=lambda app: product(lifetime_metrics(app), get_args(Tier)),
    occasions=get_args(Tier),
    keys=keys,
    plan=plan,
    place=80,
)
