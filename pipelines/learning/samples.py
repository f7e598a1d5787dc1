"""Snapshots of past days with what followed: the samples that the challenge models learn from.

Everything is read through the known_* views, so a label exists only when its whole window was over and known.
"""

import datetime as dt

import polars as pl

from configs.app import App
from models.task import Samples
from pipelines.activity.freshness import touching
from pipelines.known import Known
from pipelines.players.features import compute_features
from pipelines.windows import window_values

LEADS = (0, 1)  # days between what is known and the first day served: 1 when the night runs after the day began


def eligible_players(known: Known, base_days: list[dt.date]) -> pl.DataFrame:
    """Columns player_key and base_day: who was active recently enough on each base day."""
    with known.lend(base_days=pl.DataFrame({"base_day": base_days}, schema={"base_day": pl.Date})):
        return known.frame(known.fixed("learning/snapshots"), {"within": known.app.challenges.active_within_days})


def draw_samples(known: Known, base_days: list[dt.date], *, most: int, seed: int) -> Samples:
    """Snapshots on these base days, at most `most`, with every label whose window was over at the night's cut."""
    day_before = dt.timedelta(days=1)
    whole = [day for day in base_days if not any(silence.covers(day - day_before) for silence in known.night.silences)]
    snapshots = eligible_players(known, whole)
    if snapshots.height > most:
        snapshots = snapshots.sample(most, seed=seed).sort("base_day", "player_key")
    return Samples(
        features=describe(known, snapshots),
        past=past_values(known, snapshots),
        labels=labels_of(known, snapshots),
    )


def describe(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Features of the snapshots, how near the calendar's entries are, and how lively the app is as a whole."""
    features = compute_features(known, snapshots)
    features = features.join(
        near_calendar(known, snapshots), on=["player_key", "base_day"], how="left", maintain_order="left"
    )
    return features.with_columns(
        (pl.col("active_days_1").mean().over("base_day")).alias("app_active_1"),
        (pl.col("active_days_3").mean().over("base_day") / 3).alias("app_active_3"),
        (pl.col("active_days_7").mean().over("base_day") / 7).alias("app_active_7"),
        (pl.col("active_days_28").mean().over("base_day") / 28).alias("app_active_28"),
    )


def near_calendar(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Days to the next and since the last calendar entry of the player's: known ahead, so no look into the future.

    Returns:
        player_key, base_day, next_calendar_days, last_calendar_days (null without an entry).
    """
    entries = pl.DataFrame(
        [(entry.on, entry.cohort) for entry in known.app.calendar],
        schema={"on": pl.Date, "cohort": pl.String},
        orient="row",
    )
    with known.lend(snapshots=snapshots.select("player_key", "base_day"), entries=entries):
        return known.frame(known.fixed("learning/near_calendar"))


def past_values(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """What each challenge metric came to in each player's own recent windows with play; see past_values.sql."""
    lengths = pl.DataFrame({"window_days": known.app.challenges.windows}, schema={"window_days": pl.Int32})
    asked = pl.DataFrame({"metric": known.app.challenges.metrics})
    with known.lend(snapshots=snapshots.select("player_key", "base_day"), lengths=lengths, asked=asked):
        return known.frame(known.fixed("learning/past_values"))


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
    windows = windows_of(known.app, snapshots).join(
        known.running_days(), on="player_key", how="left", maintain_order="left"
    )
    over = windows.filter(pl.col("end_day") < pl.col("running_day")).drop("running_day")
    if known.night.silences:
        unknown = touching(over, known.unknown_days()).select("player_key", "start_day", "end_day").unique()
        over = over.join(unknown, on=["player_key", "start_day", "end_day"], how="anti", maintain_order="left")
    over = over.with_row_index("window_id")
    return window_values(known, over).drop("window_id")
