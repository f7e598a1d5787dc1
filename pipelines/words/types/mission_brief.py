"""Mission briefs: the story of a new mission, which goes on from week to week where the app has chapters.

Where it has none, or they are all told, no scene of the voice comes again before the others have.
"""

from collections.abc import Iterator
from itertools import product

import polars as pl

from configs.app import App
from pipelines.challenges.parts import MISSION
from pipelines.known import Known
from pipelines.words.content_type import (
    ALSO,
    CHAPTER,
    GOAL_AND_WINDOW,
    LONG_TEXT_LENGTH,
    NOBODY,
    SCENE,
    SINGLE,
    Asking,
    ContentType,
    Form,
)
from pipelines.words.types.adaptive_mission import is_single

SCENES = 12  # numbers that scenes go by; of one to four, six or twelve scenes each comes once before any comes again
OCCASIONS = ("", SINGLE)


def plan(asking: Asking) -> pl.DataFrame:
    """A message for each new mission, about the same metric, goal and window, to those likely enough to play.

    Its chapter is the one after the last that an earlier night told the player. After the last of all there is none,
    and the scene goes by how many missions the player was told of, beginning with another one for each neighbour.
    """
    missions = asking.rows(MISSION)
    if missions.is_empty():
        return NOBODY
    told, chapters = _chapters_told(asking.known), len(asking.known.app.voice.chapters)
    missions = missions.join(told, on="player_key", how="left", maintain_order="left")
    following = pl.col("told").fill_null(0) + 1
    chapter = pl.when(following <= chapters).then(following).cast(pl.Int32)
    number = 1 + (pl.col("briefs").fill_null(0) + pl.col("player_key")) % SCENES
    scene = pl.coalesce(pl.format("{}{}", pl.lit(CHAPTER), chapter), pl.format("{}{}", pl.lit(SCENE), number))
    single = pl.when(is_single()).then(pl.lit(SINGLE))
    briefs = missions.with_columns(chapter=chapter).select(
        *("player_key", "metric", "window_days", "valid_until", "also", "chapter"),
        goal="target",
        mission="content_id",
        occasion=pl.concat_str(scene, single, separator=" ", ignore_nulls=True),
    )
    return briefs.join(asking.likely, on="player_key", how="semi", maintain_order="left")


def _chapters_told(known: Known) -> pl.DataFrame:
    """player_key, told, briefs: the last chapter that a night before told each player, and of how many missions."""
    return known.frame(
        """SELECT player_key, max((metadata ->> 'chapter')::INTEGER) AS told, count(*)::INTEGER AS briefs FROM messages
           WHERE content_type = 'mission_brief' AND as_of < $as_of GROUP BY player_key ORDER BY player_key""",
        {"as_of": known.as_of},
    )


def briefs(app: App) -> Iterator[tuple[str, str]]:
    """Each metric with each chapter and without one, and as the only thing asked."""
    chapters = [f"{CHAPTER}{number + 1}" for number in range(len(app.voice.chapters))]
    yield from product(app.challenges.metrics, (*OCCASIONS, *chapters))


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
    briefs=briefs,
    occasions=OCCASIONS,
    plan=plan,
    lacks=lacks,
    place=50,
    names_metric=True,
)
