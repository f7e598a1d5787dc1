"""What is known ahead of time, as the app file says it and as it was delivered: how near it is for whom."""

import datetime as dt
from typing import cast

import polars as pl

from pipelines.known import Known
from pipelines.pins import day_start

_ENTRIES: dict[str, pl.DataType] = {
    "on": pl.Date(),
    "until": pl.Date(),
    "cohort": pl.String(),
    "attributes": pl.String(),
    "known_at": pl.Datetime("us", "UTC"),
    "gone_at": pl.Datetime("us", "UTC"),
}


def calendar_entries(known: Known, first: dt.date, last: dt.date) -> pl.DataFrame:
    """What the night knows of the calendar: an entry of the app file is known since ever.

    Args:
        known: What the night may see.
        first: The first of the days that are looked at.
        last: The last of them.

    Returns:
        on, until, cohort (null: of any), attributes (JSON that a player's record must hold; null: whatever it holds),
        known_at, gone_at (null: still stands). Of what comes each year, the times that may touch the days.
    """
    written = [
        (on, until, entry.cohort, None, None, None)
        for entry in known.app.calendar
        for on, until in entry.spans(first, last)
    ]
    delivered = known.rows(
        """SELECT starts_on, ends_on, cohort, attributes, known_at, gone_at FROM calendar_entries
           WHERE known_at <= $cut ORDER BY ALL""",
        {"cut": known.cut},
    )
    return pl.DataFrame([*written, *delivered], schema=_ENTRIES, orient="row")


def near_calendar(known: Known, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Days to the next and since the last calendar entry of the player's: known ahead, so no look into the future.

    A past day sees what was known when it began, the night's own what is known at its cut.

    Returns:
        player_key, base_day, next_calendar_days, last_calendar_days (null without an entry).
    """
    days = snapshots["base_day"].unique().sort()
    first, last = (cast("dt.date", day or known.base_day) for day in (days.min(), days.max()))
    moments = [known.cut if day >= known.base_day else day_start(known.app, day) for day in days]
    asked = {
        "snapshots": snapshots.select("player_key", "base_day"),
        "entries": calendar_entries(known, first, last),
        "moments": pl.DataFrame({"base_day": days, "moment": pl.Series(moments, dtype=pl.Datetime("us", "UTC"))}),
    }
    with known.lend(**asked):
        return known.frame(known.fixed("players/near_calendar"), {"cut": known.cut})
