"""Adaptive missions: a task for the week, harder after a kept one and easier after a missed one."""

from itertools import product

import polars as pl

from pipelines.challenges.missions import OCCASIONS
from pipelines.words.content_type import GOAL_AND_WINDOW, Asking, ContentType, Form


def plan(asking: Asking) -> pl.DataFrame:
    """The night's new missions (pipelines/challenges/missions.py)."""
    return asking.missions


TYPE = ContentType(
    table="challenges",
    form=Form("description", slots=GOAL_AND_WINDOW, timed=True),
    starts=("mission_title", "mission"),
    plain_title="A Mission for You",
    plain={"": "{task} {{window}}."},
    briefs=lambda app: product(app.challenges.metrics, OCCASIONS),
    occasions=OCCASIONS,
    plan=plan,
    place=20,
)
