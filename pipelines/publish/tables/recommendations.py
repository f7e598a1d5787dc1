"""Which metrics, badges and types of content suit whom next, each with the chance that it was chosen."""

import polars as pl

from data.contracts_out import contract, named, share, text, whole
from pipelines.players.recommend import SOURCES, recommend
from pipelines.publish.rows import Rows
from pipelines.publish.seen import Seen

CONTRACT = contract(
    ("user_id", "kind", "place"),
    {
        "user_id": text(),
        "kind": text(one_of=("metric", "badge", "content_type")),
        "item": named(),
        "place": whole(1),
        "score": share(),
        "propensity": share(),
        "model_version": text(),
    },
    standing=False,
    screen=("kind", "place", "item"),
)


def rows(seen: Seen) -> Rows:
    """The table's rows, in any order."""
    scores = seen.frame("scores")
    if not scores.width:
        return seen.named(scores)
    asked = scores.filter(pl.any_horizontal(pl.col("task") == source.task for source in SOURCES))
    welcome = asked.join(seen.left_alone, on="player_key", how="anti", maintain_order="left")
    return seen.named(recommend(welcome, seed=seen.known.night.seed))
