"""What players' records tell of them that may shape segments: so far, their age."""

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
