"""What the nights that were published promised, and what was kept.

Only windows that are over and known in whole are compared: one that runs on can be completed early but not yet be
missed, so that counting it would flatter, and one that ended unseen would count as a failure.
"""

import datetime as dt
from typing import Any

import polars as pl

from configs.app import App
from data.warehouse import Warehouse
from models.contest.scores import share_interval
from pipelines.challenges.parts import DAILY
from pipelines.known import Known
from pipelines.pins import find_night


def kept_by_night(warehouse: Warehouse, app: App, content_type: str = DAILY) -> pl.DataFrame:
    """Each published night's promises against their outcomes, of daily challenges or of missions.

    A window is over when the player's own day after it had begun at the cut of the newest night.

    Returns:
        A row per night, then one with as_of null for all of them: as_of, challenges, settled, promised (mean
        completion_probability of the settled ones), kept (share of them completed), and low and high, the
        player-clustered 95 % interval of kept. Shares are null where nothing is settled.
    """
    newest = find_night(warehouse, app)
    rows = _promises(Known(warehouse, newest), content_type) if newest else pl.DataFrame(schema=_ROWS)
    nights = rows.partition_by("as_of", maintain_order=True) if rows.height else []
    return pl.DataFrame([_summary(part) for part in [*nights, rows.with_columns(as_of=None)]], schema=_SCHEMA)


def ended_tonight(known: Known) -> dict[str, Any]:
    """What daily challenges promised and what was kept, of the windows that ended since the night published before.

    Returns:
        ended (how many), ended_promised and ended_kept (means, 0 to 1; None when none ended).
    """
    rows = _promises(known, DAILY).filter("over")
    if before := find_night(known.warehouse, known.app, known.as_of - dt.timedelta(days=1)):
        ran = Known(known.warehouse, before).running_days().select("player_key", ran="running_day")
        rows = rows.join(ran, on="player_key", how="left", maintain_order="left").filter(
            pl.col("valid_until") >= pl.col("ran")
        )
    return {
        "ended": rows.height,
        "ended_promised": rounded_mean(rows["completion_probability"]),
        "ended_kept": rounded_mean(rows["completed"].cast(pl.Float64)),
    }


def _promises(known: Known, content_type: str) -> pl.DataFrame:
    with known.lend(**known.what_is_over()):
        return known.frame(known.fixed("challenges/kept"), {"content_type": content_type, "as_of": known.as_of})


_ROWS = {
    "as_of": pl.Date,
    "player_key": pl.Int64,
    "completion_probability": pl.Float64,
    "valid_until": pl.Date,
    "over": pl.Boolean,
    "completed": pl.Boolean,
}
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


def rounded_mean(values: pl.Series) -> float | None:
    """The mean to four digits, as figures have it; None without values."""
    return round(float(values.to_numpy().mean()), 4) if len(values) else None
