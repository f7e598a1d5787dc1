"""Snapshots of past days with what followed: the samples that the challenge models learn from.

Everything is read through the known_* views, so a label exists only when its whole window was over and known.
"""

import datetime as dt

import polars as pl

from configs.app import App
from models.given import Samples
from pipelines.engines.laid import whole
from pipelines.known import Known
from pipelines.players.snapshots import Seen, eligible_players, look_at
from pipelines.windows import window_values

LEADS = (0, 1)  # days between what is known and the first day served: 1 when the night runs after the day began


def draw_samples(known: Known, base_days: list[dt.date], *, most: int, seed: int) -> Samples:
    """Snapshots on these base days, at most `most`, with every label whose window was over at the night's cut."""
    return samples_of(known, draw_snapshots(known, base_days, most=most, seed=seed))


def draw_snapshots(known: Known, base_days: list[dt.date], *, most: int, seed: int) -> pl.DataFrame:
    """player_key, base_day: at most `most` of those who were active recently enough on days of which all is known."""
    day_before = dt.timedelta(days=1)
    whole = [day for day in base_days if not any(silence.covers(day - day_before) for silence in known.night.silences)]
    snapshots = eligible_players(known, whole)
    if snapshots.height > most:
        snapshots = snapshots.sample(most, seed=seed).sort("base_day", "player_key")
    return snapshots


def samples_of(known: Known, snapshots: pl.DataFrame, seen: Seen | None = None) -> Samples:
    """Snapshots with every label whose window was over at the night's cut; `seen` where they were looked at already."""
    seen = seen or look_at(known, snapshots)[0]
    return Samples(whole(seen.features), seen.past.whole(), labels_of(known, snapshots))


def windows_of(app: App, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Every window a snapshot could be asked about: metric, length, lead, first and last day."""
    return (
        snapshots.select("player_key", "base_day")
        .join(pl.DataFrame({"lead_days": LEADS}, schema={"lead_days": pl.Int32}), how="cross")
        .join(pl.DataFrame({"window_days": app.challenges.windows}, schema={"window_days": pl.Int32}), how="cross")
        .with_columns(start_day=pl.col("base_day") + pl.duration(days="lead_days"))
        .with_columns(end_day=pl.col("start_day") + pl.duration(days=pl.col("window_days") - 1))
        .join(pl.DataFrame({"metric": app.challenges.metrics}), how="cross")
    )


def labels_of(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """What the windows came to that were over, for the player in question, at the night's cut, and known in whole."""
    over = known.over(windows_of(known.app, snapshots)).with_row_index("window_id")
    return window_values(known, over).drop("window_id")
