"""What is told of players beside how they play: their age, by their records, and whether they have come to the end."""

import polars as pl

from pipelines.known import Known


def player_facts(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """The facts that the app's `segments.shaped_by` names, of each snapshot (player_key, base_day).

    Returns:
        player_key, base_day and a Float64 column for each fact. `age` is in years, by the newest date of birth that was
        recorded before the base day and known at the night's cut; null without one.
    """
    with known.lend(snapshots=snapshots.select("player_key", "base_day")):
        told = known.frame(known.fixed("players/player_facts"), {"cut": known.cut})
    return told.select("player_key", "base_day", *known.app.segments.shaped_by)


def has_ended(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Whether the last that players did was what the app's `engagement.ends_with` counts, as known on their base day.

    Returns:
        player_key, base_day and ended, 1 or 0; 0 for all where the app does not say what play ends with.
    """
    snapshots, last = snapshots.select("player_key", "base_day"), known.app.engagement.ends_with
    if last is None:
        return snapshots.with_columns(ended=0.0)
    with known.lend(snapshots=snapshots):
        return known.frame(known.fixed("players/ended"), {"last": last})
