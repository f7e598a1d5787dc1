"""News that wait while a player pauses, and since when: told after the pause, once.

`news_waits` has a row when that changes: of the first night that left a player alone because of a pause, and of the
first that did not any more. What each night tells follows from what it did, so that a pause that is heard of late, or
a night that is left out, loses nothing and tells nothing twice.
"""

import datetime as dt

import polars as pl

from pipelines.known import Known

EVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)  # whom to leave alone is heeded however late it was said


def waiting_news(known: Known) -> pl.DataFrame:
    """Whose news wait, and whose waited until tonight.

    Returns:
        player_key; news_from, the first night whose news wait, null where who waited has opted out; waits, whether they
        do after tonight, and waited, whether they did before.
    """
    with known.lend(left_alone=known.left_alone(EVER)):
        return known.frame(known.fixed("players/waiting_news"), {"as_of": known.as_of})


def write_waiting(known: Known) -> None:
    """Write down whose news begin to wait with this night, and whose do no longer; a second time nothing."""
    changed = waiting_news(known).filter(pl.col("waits") != pl.col("waited"))
    rows = changed.select(
        "player_key", "waits", as_of=pl.lit(known.as_of), revision=pl.lit(known.night.revision, pl.Int32)
    )
    known.warehouse.append("news_waits", rows, on_conflict_skip=True)
