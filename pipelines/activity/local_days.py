"""A player's local days: which day an event belongs to, and counting all anew when the app's clock is edited."""

import datetime as dt

import polars as pl

from configs.app import App
from data.warehouse import Warehouse
from pipelines.activity.normalise import text


def with_local_days(warehouse: Warehouse, app: App, rows: str) -> str:
    """A query that adds `day` (local date) and `local_hour` (0 to 23) to rows.

    The zone is the one recorded for the player at that moment, or their first one before it, or else the app's.

    Args:
        warehouse: Knows the players' zones.
        app: Its zone, and when its days begin.
        rows: A table or query in brackets with player_key and occurred_at.
    """
    zone = text(app.timezone)
    if warehouse.value("SELECT count(*) FROM (FROM player_records WHERE timezone IS NOT NULL LIMIT 1)"):
        zone, rows = f"coalesce(zone, {zone})", _with_zones(rows)
    return f"""
        SELECT *, CAST(wall - INTERVAL ({_shift_min(app)}) MINUTE AS DATE) AS day,
               CAST(hour(wall) AS UTINYINT) AS local_hour
        FROM (SELECT *, timezone({zone}, occurred_at) AS wall FROM {rows})"""


def sync_days(warehouse: Warehouse, app: App) -> bool:
    """Count every event's day anew when the app's zone or the start of its days is another than it was counted with.

    Promises and ledgers stay as they are: what is still open is settled by the days as they are now.

    Returns:
        True when days may have changed; the parts that rest on them must then be built again.
    """
    wanted = (app.timezone, _shift_min(app))
    if warehouse.frame("SELECT timezone, day_starts_min FROM day_rule").rows() == [wanted]:
        return False
    with warehouse.transaction():
        warehouse.run("DELETE FROM day_rule")
        warehouse.run("INSERT INTO day_rule VALUES (?, ?)", list(wanted))
        for table in ("events", "retracted_events"):
            _count_anew(warehouse, app, table)
    return True


def move_days(warehouse: Warehouse, app: App, now: dt.datetime) -> pl.DataFrame:
    """Count the days of events anew whose players' zones came after them, with the records of `settled_players`.

    Of players who stay where they were known to be nothing is counted.

    Returns:
        player_key and day of the player-days that events have left or come to.
    """
    warehouse.run(
        """CREATE OR REPLACE TEMP TABLE placed AS
           SELECT player_key FROM player_records
           WHERE timezone IS NOT NULL AND player_key IN (
               SELECT player_key FROM settled_players WHERE fate = 'new' AND timezone IS NOT NULL)
           GROUP BY player_key
           HAVING count(DISTINCT timezone) > 1 OR count(*) = (
               SELECT count(*) FROM settled_players s
               WHERE s.player_key = player_records.player_key AND fate = 'new' AND timezone IS NOT NULL)"""
    )
    columns = "SELECT event_id, player_key, occurred_at, day AS day_was, local_hour AS hour_was"
    mine = "SEMI JOIN placed USING (player_key)"
    theirs = f"({columns} FROM events {mine} UNION {columns} FROM retracted_events {mine})"
    warehouse.run(
        f"""CREATE OR REPLACE TEMP TABLE moved AS SELECT event_id, player_key, day_was, day, local_hour
            FROM ({with_local_days(warehouse, app, theirs)}) WHERE day <> day_was OR local_hour <> hour_was"""
    )
    for table in ("events", "retracted_events"):
        warehouse.run(
            f"""UPDATE {table} AS e SET day = moved.day, local_hour = moved.local_hour FROM moved
                WHERE e.event_id = moved.event_id"""
        )
    touched = warehouse.frame("SELECT player_key, day_was AS day FROM moved UNION SELECT player_key, day FROM moved")
    warehouse.append("moved_days", touched.sort("player_key", "day").with_columns(moved_at=pl.lit(now)))
    return touched


def _count_anew(warehouse: Warehouse, app: App, table: str) -> None:
    if not warehouse.value(f"SELECT count(*) FROM (FROM {table} LIMIT 1)"):
        return
    counted = with_local_days(warehouse, app, f"(SELECT DISTINCT event_id, player_key, occurred_at FROM {table})")
    warehouse.run(f"CREATE OR REPLACE TEMP TABLE counted AS SELECT event_id, day, local_hour FROM ({counted})")
    warehouse.run(
        f"""UPDATE {table} AS e SET day = counted.day, local_hour = counted.local_hour FROM counted
            WHERE e.event_id = counted.event_id
              AND (e.day <> counted.day OR e.local_hour <> counted.local_hour)"""
    )
    warehouse.run("DROP TABLE counted")


def day_rule(app: App) -> str:
    """How an app's days are counted, as a person reads it: 'Europe/Berlin from 04:00'."""
    return f"{app.timezone} from {app.day_starts_at:%H:%M}"


def _shift_min(app: App) -> int:
    return app.day_shift // dt.timedelta(minutes=1)


def _with_zones(rows: str) -> str:
    """Rows with the zone that held when they happened; null for players without any.

    Only of those who have moved is it asked when.
    """
    zones = "(SELECT player_key, recorded_at, timezone FROM player_records WHERE timezone IS NOT NULL)"
    firsts = f"""(SELECT player_key, arg_min(timezone, recorded_at) AS timezone,
                         count(DISTINCT timezone) > 1 AS has_moved FROM {zones} GROUP BY player_key)"""
    return f"""(
        SELECT placed.*, only_zone.timezone AS zone
        FROM {rows} AS placed LEFT JOIN {firsts} AS only_zone USING (player_key)
        WHERE only_zone.has_moved IS NOT true
        UNION ALL BY NAME
        SELECT placed.*, coalesce(then_zone.timezone, first_zone.timezone) AS zone
        FROM {rows} AS placed
        JOIN (FROM {firsts} WHERE has_moved) AS first_zone ON first_zone.player_key = placed.player_key
        ASOF LEFT JOIN {zones} AS then_zone
            ON then_zone.player_key = placed.player_key AND then_zone.recorded_at <= placed.occurred_at
    )"""
