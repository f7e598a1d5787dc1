"""Motivational messages: the player's nearest next target, or a kind word."""

from collections.abc import Iterator, Mapping

import polars as pl

from configs.app import App
from pipelines.words.content_type import Asking, ContentType, Form, Shown

TRENDS, LEVELS = ("rising", "easing"), ("novice", "master")
RISING, EASING, FEW_EVENTS = 1.5, 0.5, 8


def plan(asking: Asking) -> pl.DataFrame:
    """One for everybody likely enough to play; who has no next target, or is coached on it tonight, gets one without.

    Its occasion says how the last week's play compares with the weeks before ('rising', 'easing', or nothing), and who
    is of the weakest or strongest segment ('novice', 'master').
    """
    coached = asking.rows("personal_coaching")
    nearest = asking.nearest.join(coached, on="player_key", how="anti", maintain_order="left")
    levels = asking.known.app.segments.levels
    week, month = pl.col("events_7") * 4.0, pl.col("events_28").cast(pl.Float64)
    told = asking.features.select("player_key", trend=_trend(week, month)).join(
        asking.segments.select("player_key", level=_level(levels)), on="player_key", how="left", maintain_order="left"
    )
    served = asking.likely.join(told, on="player_key", how="inner", maintain_order="left")
    served = served.with_columns(
        occasion=pl.concat_str("trend", "level", separator=" ", ignore_nulls=True),
    ).select("player_key", "occasion")
    return served.join(nearest, on="player_key", how="left", maintain_order="left").sort("player_key")


def _trend(week: pl.Expr, month: pl.Expr) -> pl.Expr:
    """'rising' or 'easing' where four such weeks would be far from what the last four were; null for few events."""
    some = month >= FEW_EVENTS
    return (
        pl.when(some & (week >= RISING * month))
        .then(pl.lit("rising"))
        .when(some & (week <= EASING * month))
        .then(pl.lit("easing"))
    )


def _level(levels: list[str]) -> pl.Expr:
    """'novice' for the weakest segment, 'master' for the strongest, null for those between, or where there is one."""
    segment = pl.col("segment").cast(pl.String)
    ends = pl.when(segment == levels[0]).then(pl.lit("novice")).when(segment == levels[-1]).then(pl.lit("master"))
    return ends if len(levels) > 1 else pl.lit(None, pl.String)


def briefs(app: App) -> Iterator[tuple[str, str]]:
    """Each metric with a target, and none; each with the occasions' other words."""
    for more in ("", *(f" {word}" for word in TRENDS), *(f" {word}" for word in LEVELS)):
        yield from ((name, f"target{more}") for name in app.challenges.metrics)
        yield "", f"none{more}"


def keys(_app: App) -> Mapping[str, pl.Expr]:
    """A brief is about a metric where there is a next target, and about none otherwise."""
    target = pl.all_horizontal(pl.col("metric", "goal", "percentile").is_not_null())
    return {
        "occasion": pl.concat_str(
            pl.when(target).then(pl.lit("target")).otherwise(pl.lit("none")),
            pl.when(pl.col("occasion") != "").then("occasion"),
            separator=" ",
            ignore_nulls=True,
        ),
        "metric": pl.when(target).then(pl.col("metric").cast(pl.String)),
    }


TYPE = ContentType(
    table="messages",
    form=Form("body", slots=(("amount",), ("span",), ("percentile",))),
    starts=("motivation_title", "motivation"),
    plain_title="A Note for You",
    plain={
        "": "Carry on at your own pace.",
        "target": "{{amount}} {{span}} would put you level with or ahead of {{percentile}} of comparable {players}.",
    },
    briefs=briefs,
    occasions=("target", "none", *TRENDS, *LEVELS),
    keys=keys,
    plan=plan,
    own_phrases=False,
    place=30,
    for_everyone=True,
    shown=Shown("message", occasion="target"),
)
