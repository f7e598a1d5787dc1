"""What to recommend to whom: a few things of each kind, the likeliest mostly, with the chance that each was chosen."""

from dataclasses import dataclass

import polars as pl

from pipelines.luck import lot
from pipelines.players import content_liked

MOST = 3  # of a kind, for a player
SHARPNESS = 2.0  # a thing that is twice as likely is chosen four times as often
RECOMMENDED: dict[str, pl.DataType] = {
    "player_key": pl.Int64(),
    "kind": pl.String(),
    "item": pl.String(),
    "place": pl.Int32(),
    "score": pl.Float64(),
    "propensity": pl.Float64(),
    "model_version": pl.String(),
}
_LIST = ("player_key", "kind")


@dataclass(frozen=True)
class Source:
    """Where the candidates of a kind come from: a task's scores of one horizon in days."""

    kind: str
    task: str
    horizon_days: int


SOURCES = (
    Source("metric", "recommendations", 7),
    Source("badge", "badge_odds", 14),
    Source("content_type", content_liked.TASK, content_liked.SPAN_DAYS),
)


def recommend(scores: pl.DataFrame, *, seed: int) -> pl.DataFrame:
    """At most MOST things of each kind for each player, in the order in which they were chosen.

    One after another is drawn without replacement, each with a chance in proportion to its score to the power of
    SHARPNESS (Plackett 1975, J. R. Stat. Soc. C 24, 193; drawn at once as the largest of log weight + Gumbel noise).
    So that what was not shown can be judged from what was, `propensity` is the chance of the choice, given those made
    before it.

    Args:
        scores: A night's published scores: player_key, task, target, horizon_days, probability, model_version.
        seed: The night's: the same again for the same night.

    Returns:
        Columns RECOMMENDED, by player, kind and place.
    """
    rows = candidates(scores, "player_key").with_columns(weight=weight_of(pl.col("score")))
    die = (lot("player_key", "kind", "item", seed=seed).cast(pl.Float64) + 1) / 2.0**64  # above 0, at most 1
    rows = rows.with_columns(drawn=pl.col("weight").log() - (-die.clip(upper_bound=1 - 1e-12).log()).log())
    rows = rows.sort(*_LIST, "drawn", "item", descending=[False, False, True, False])
    left = pl.col("weight").sum().over(_LIST) - pl.col("weight").cum_sum().over(_LIST) + pl.col("weight")
    rows = rows.with_columns(
        place=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(_LIST),
        propensity=(pl.col("weight") / left).clip(0, 1),
    )
    return rows.filter(pl.col("place") <= MOST).select(pl.col(n).cast(t) for n, t in RECOMMENDED.items())


def candidates(scores: pl.DataFrame, player: str) -> pl.DataFrame:
    """What may be recommended to whom: player, kind, item, score, model_version.

    Args:
        scores: See `recommend`.
        player: The column that tells players apart.
    """
    item, version = (pl.col(name).cast(pl.String) for name in ("target", "model_version"))
    of_kinds = [
        scores.filter(task=source.task, horizon_days=source.horizon_days)
        .drop_nulls("target")
        .select(player, kind=pl.lit(source.kind), item=item, score="probability", model_version=version)
        for source in SOURCES
    ]
    return pl.concat(of_kinds)


def weight_of(score: pl.Expr) -> pl.Expr:
    """How often a thing of a score is chosen, in proportion to the others of its list."""
    return score.clip(1e-6) ** SHARPNESS
