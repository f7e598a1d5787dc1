"""Which type of content goes well with whom, by what they were shown and how they answered."""

import datetime as dt

import polars as pl

from models.task import as_scores
from pipelines.known import Known

TASK = "content_types"
DAYS = 90  # of nights whose content counts
SPAN_DAYS = 7  # within which one of the type is to go well
PRIOR = 4.0  # pieces of the type as they go with everybody, that a player's own stand against


def score_content(known: Known, players: pl.DataFrame) -> pl.DataFrame:
    """How likely a piece of each type goes well with each player: their share of those shown, shrunk to everybody's.

    p = (well + 4 s) / (shown + 4), with s = (well of all + 1) / (shown to all + 2): the mean of a beta posterior
    (Gelman et al. 2013, Bayesian Data Analysis, section 2.4). Types that nobody was shown lately are not told of.

    Args:
        known: What the night may see.
        players: player_key.

    Returns:
        Columns SCORES, `target` the content type; no rows where nothing was shown.
    """
    shown = pl.col("shown").fill_null(0)
    told = f"""SELECT player_key, content_type, count(*) AS shown, count(*) FILTER (well) AS well
               FROM ({known.fixed("players/answered_content").rstrip()}) GROUP BY ALL ORDER BY ALL"""
    mine = known.frame(told, answered_since(known, DAYS))
    share = (pl.col("well").sum() + 1) / (pl.col("shown").sum() + 2)
    types = mine.group_by("content_type").agg(share=share).sort("content_type")
    rows = players.select("player_key").join(types, how="cross")
    rows = rows.join(mine, on=["player_key", "content_type"], how="left", maintain_order="left")
    p = (pl.col("well").fill_null(0) + PRIOR * pl.col("share")) / (shown + PRIOR)
    return as_scores(rows.with_columns(target="content_type", window_days=pl.lit(SPAN_DAYS), probability=p.round(9)))


def answered_since(known: Known, days: int) -> dict[str, object]:
    """The parameters of answered_content.sql, of what was issued on the last days."""
    return {"since": known.as_of - dt.timedelta(days=days), "as_of": known.as_of, "cut": known.cut}
