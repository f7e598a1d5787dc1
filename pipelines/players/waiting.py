"""News that wait while a player pauses: they are told once, after the pause.

`news_waits` gets a row whenever that changes: from the first night that left a player alone because of a pause, and
from the first that no longer did. It follows what each night did, so that no news is lost or told twice when a pause is
heard of late or a night is left out.
"""

import datetime as dt

import polars as pl

from pipelines.known import Known

EVER = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)  # whom to leave alone is heeded however late it was said


def waiting_news(known: Known) -> pl.DataFrame:
    """Whose news wait, and whose waited until tonight.

    Returns:
        player_key; news_from: the first night whose news wait, null for a player who has opted out meanwhile; waits:
        whether they wait after tonight; waited: whether they did before.
    """
    with known.lend(left_alone=known.left_alone(EVER)):
        return known.frame(known.fixed("players/waiting_news"), {"as_of": known.as_of})


def write_waiting(known: Known) -> None:
    """Write down whose news begin to wait with this night, and whose no longer do; doing it again adds nothing."""
    changed = waiting_news(known).filter(pl.col("waits") != pl.col("waited"))
    rows = changed.select(
        "player_key", "waits", as_of=pl.lit(known.as_of), revision=pl.lit(known.night.revision, pl.Int32)
    )
    known.warehouse.append("news_waits", rows, on_conflict_skip=True)
