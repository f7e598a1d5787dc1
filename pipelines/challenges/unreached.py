"""Achievements that are reached no longer, since an event was taken back: open again where the app says `revoke`.

What was reached moves from `achievements_reached` to `achievements_unreached` with the night and the reason, and its XP
is taken back by a row below zero. Reached again it is paid again.
"""

import polars as pl

from pipelines.challenges.lifetimes import lifetime_metrics, lifetime_values
from pipelines.known import Known
from pipelines.taken_back import WHY, find_taken_back


def reopen_achievements(known: Known) -> None:
    """Open again what players reached and have not, of those of whom an event was taken back since the last night.

    Args:
        known: What the night may see.
    """
    if known.app.on_retraction != "revoke" or not find_taken_back(known):
        return
    with known.lend(asked=pl.DataFrame({"metric": lifetime_metrics(known.app)}, schema={"metric": pl.String})):
        reached = known.frame(known.fixed("challenges/may_be_unreached"), {"as_of": known.as_of})
    lives = lifetime_values(known, reached).select("player_key", "metric", now="value")
    lost = reached.join(lives, on=["player_key", "metric"], how="left", maintain_order="left").filter(
        pl.col("now").fill_null(0.0) < pl.col("target")
    )
    entries = lost.filter(pl.col("xp") != 0).select(
        pl.format("revoked:achievement:{}{}", "content_id", "again").alias("entry_id"),
        "player_key",
        pl.lit(known.as_of).alias("as_of"),
        -pl.col("xp"),
        pl.format("Achievement open again: {}, {}", "title", pl.lit(WHY)).alias("reason"),
        pl.lit(known.cut).alias("occurred_at"),
    )
    moved = lost.drop("metric", "target", "title", "again", "now").with_columns(
        revoked_on=pl.lit(known.as_of), reason=pl.lit(WHY)
    )
    with known.warehouse.transaction(), known.lend(lost=lost.select("content_id")):
        known.warehouse.append("achievements_unreached", moved)
        known.run("DELETE FROM achievements_reached WHERE content_id IN (SELECT content_id::UUID FROM lost)")
        known.warehouse.append("xp_ledger", entries, on_conflict_skip=True)
