"""Motivational messages: the player's nearest next target, or a kind word."""

from collections.abc import Iterator, Mapping

import polars as pl

from configs.app import App
from pipelines.players.targets import nearest_targets
from pipelines.words.content_type import Asking, ContentType, Form, Shown


def plan(asking: Asking) -> pl.DataFrame:
    """One for everybody likely enough to play; who has no next target gets a message without one."""
    nearest = nearest_targets(asking.known.night, asking.features, asking.targets)
    served = asking.likely.join(asking.features, on="player_key", how="semi", maintain_order="left")
    return served.join(nearest, on="player_key", how="left", maintain_order="left").sort("player_key")


def briefs(app: App) -> Iterator[tuple[str, str]]:
    """Each metric with a target, and none."""
    yield from ((name, "target") for name in app.challenges.metrics)
    yield "", "none"


def keys(_app: App) -> Mapping[str, pl.Expr]:
    """A brief is about a metric where there is a next target, and about none otherwise."""
    target = pl.all_horizontal(pl.col("metric", "goal", "percentile").is_not_null())
    return {
        "occasion": pl.when(target).then(pl.lit("target")).otherwise(pl.lit("none")),
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
    occasions=("target", "none"),
    keys=keys,
    plan=plan,
    own_phrases=False,
    place=30,
    for_everyone=True,
    shown=Shown("message", occasion="target"),
)
