"""Mission briefs: the story of a new mission."""

from collections.abc import Iterator
from itertools import product

import polars as pl

from configs.app import App
from pipelines.words.content_type import (
    ALSO,
    GOAL_AND_WINDOW,
    LONG_TEXT_LENGTH,
    NOBODY,
    SINGLE,
    Asking,
    ContentType,
    Form,
)
from pipelines.words.types.adaptive_mission import is_single

MISSION = "adaptive_mission"
OCCASIONS = ("", SINGLE)


def plan(asking: Asking) -> pl.DataFrame:
    """A message for each new mission, about the same metric, goal and window, to those likely enough to play."""
    missions = asking.rows(MISSION)
    if missions.is_empty():
        return NOBODY
    told = missions.select(
        *("player_key", "metric", "window_days", "also"),
        goal="target",
        mission="content_id",
        occasion=pl.when(is_single()).then(pl.lit(SINGLE)).otherwise(pl.lit("")),
    )
    return told.join(asking.likely, on="player_key", how="semi", maintain_order="left")


def lacks(app: App) -> Iterator[str]:
    """It tells of missions, so that there must be some."""
    if MISSION not in app.content.types:
        yield f"content.types: a mission_brief goes with an {MISSION}; add it or drop the brief"


TYPE = ContentType(
    table="messages",
    form=Form("body", slots=(*GOAL_AND_WINDOW, ALSO), length=LONG_TEXT_LENGTH, timed=True),
    starts=("briefing_title", "briefing"),
    plain_title="Your Mission",
    plain={"": "{task} {{window}}. In the same days, {{also}}.", SINGLE: "{task} {{window}}."},
    briefs=lambda app: product(app.challenges.metrics, OCCASIONS),
    occasions=OCCASIONS,
    plan=plan,
    lacks=lacks,
    place=50,
    names_metric=True,
)
