"""Adaptive missions: a task for the week, harder after a kept one and easier after a missed one."""

from itertools import product

import polars as pl

from pipelines.challenges.parts import OCCASIONS
from pipelines.words.content_type import ALSO, GOAL_AND_WINDOW, LONG_TEXT_LENGTH, SINGLE, Asking, ContentType, Form

ALL_OCCASIONS = (*OCCASIONS, SINGLE)


def plan(asking: Asking) -> pl.DataFrame:
    """The night's new missions (pipelines/challenges/missions.py)."""
    missions = asking.missions
    if not missions.width:
        return missions
    return missions.with_columns(occasion=pl.when(is_single()).then(pl.lit(SINGLE)).otherwise("occasion"))


def is_single() -> pl.Expr:
    """Whether a mission asks for one thing alone."""
    return pl.col("also").list.len().fill_null(0) == 0


TYPE = ContentType(
    table="challenges",
    form=Form("description", slots=(*GOAL_AND_WINDOW, ALSO), length=LONG_TEXT_LENGTH, timed=True),
    starts=("mission_title", "mission"),
    plain_title="A Mission for You",
    plain={"": "{task} {{window}}. In the same days, {{also}}.", SINGLE: "{task} {{window}}."},
    briefs=lambda app: product(app.challenges.metrics, ALL_OCCASIONS),
    occasions=ALL_OCCASIONS,
    plan=plan,
    place=20,
)
