"""What players did on each of the days before one, for who learns from sequences rather than from sums."""

import polars as pl

from models.given import SNAPSHOT
from pipelines.known import Known


def day_by_day(known: Known, snapshots: pl.DataFrame, days: int) -> pl.DataFrame:
    """How often players acted on each of some days.

    Args:
        known: What may be seen; reads known_active_days.
        snapshots: player_key and base_day.
        days: How many days before the base day; 0 gives no columns and no rows.

    Returns:
        One row per snapshot in the order given: player_key, base_day and, as Float64, day_1 (the day before) to the
        oldest; 0 where nothing was done.
    """
    if not days:
        return pl.DataFrame()
    acted = "coalesce(sum(n_events) FILTER (s.base_day - day = {ago}), 0)::DOUBLE AS day_{ago}"
    each = ", ".join(acted.format(ago=ago) for ago in range(1, days + 1))
    snapshots = snapshots.select(*SNAPSHOT)
    with known.lend(snapshots=snapshots):
        rows = known.frame(
            f"""SELECT s.player_key, s.base_day, {each}
                FROM snapshots s LEFT JOIN known_active_days d
                  ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - {days} AND s.base_day - 1
                GROUP BY ALL"""
        )
    return snapshots.join(rows, on=list(SNAPSHOT), how="left", maintain_order="left")


class DayByDay:
    """The same of a night's players, read for some of them at a time."""

    def __init__(self, known: Known, days: int) -> None:
        self._known, self._days = known, days

    def of(self, players: pl.Series) -> pl.DataFrame:
        """That of some players at the night's base day."""
        snapshots = players.alias("player_key").to_frame().with_columns(base_day=pl.lit(self._known.base_day))
        return day_by_day(self._known, snapshots, self._days)
