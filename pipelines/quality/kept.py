"""What the nights that were published promised, and what was kept."""

import polars as pl

from data.warehouse import Warehouse
from models.scores import share_interval


def kept_by_night(warehouse: Warehouse, content_type: str = "daily_challenge") -> pl.DataFrame:
    """Each published night's promises against their outcomes, of daily challenges or of missions.

    Only challenges whose window is over count as settled: one that runs on can be completed early but not yet be
    missed, so that counting it would flatter.

    Returns:
        A row per night, then one with as_of null for all of them: as_of, challenges, settled, promised (mean
        completion_probability of the settled ones), kept (share of them completed), and low and high, the
        player-clustered 95 % interval of kept. Shares are null where nothing is settled.
    """
    rows = warehouse.frame(warehouse.fixed("kept"), {"content_type": content_type})
    nights = rows.partition_by("as_of", maintain_order=True)
    return pl.DataFrame([_summary(part) for part in [*nights, rows.with_columns(as_of=None)]], schema=_SCHEMA)


_SCHEMA = {
    "as_of": pl.Date,
    "challenges": pl.Int64,
    "settled": pl.Int64,
    "promised": pl.Float64,
    "kept": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


def _summary(rows: pl.DataFrame) -> dict[str, object]:
    over = rows.filter("over")
    hit = over["completed"].cast(pl.Float64)
    low, high = share_interval(hit.to_numpy(), over["player_key"].to_numpy()) if over.height else (None, None)
    return {
        "as_of": rows["as_of"].first(),
        "challenges": rows.height,
        "settled": over.height,
        "promised": over["completion_probability"].mean(),
        "kept": hit.mean(),
        "low": low,
        "high": high,
    }
