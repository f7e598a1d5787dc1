"""Checked rows into the warehouse: ids, what is already known, player keys, local days."""

import datetime as dt
from dataclasses import dataclass, field

import polars as pl

from configs.app import App
from data.warehouse import Warehouse
from pipelines.activity.local_days import move_days, with_local_days
from pipelines.activity.retract import available_again, note_retractions, take_back, take_back_vanished

UNCOMMITTED = 36_028_797_018_960_000  # from here on DuckDB numbers rows that are not committed yet
_FATES = """
    SELECT delivery_id, count(*) FILTER (fate = 'new') AS rows_taken, count(*) FILTER (fate = 'known') AS rows_known,
           count(*) FILTER (fate = 'conflict') AS rows_refused
    FROM {table} GROUP BY delivery_id"""


@dataclass(frozen=True)
class Appended:
    """What became of the checked rows.

    Attributes:
        fates: delivery_id, rows_taken, rows_known, rows_refused (Int64), one row per delivery.
        by_event: Events taken, by kind.
        touched: player_key and day of every player-day with a new event, or one that was taken back.
        retracted: How many events were taken back.
        conflicts: delivery_id, line, raw, reason of rows whose event_id was taken with other content.
    """

    fates: pl.DataFrame
    conflicts: pl.DataFrame
    touched: pl.DataFrame
    by_event: dict[str, int] = field(default_factory=dict)
    retracted: int = 0


def append_events(
    warehouse: Warehouse, app: App, now: dt.datetime, *, history: bool, whole_source: bool = False
) -> Appended:
    """Append the new events of the temporary table `incoming`, which holds rows in order of arrival.

    It joins the caller's transaction; until that ends the view `landed` shows the appended events that still stand.

    - A row without event_id gets one from its content and its count among identical rows of its delivery.
    - Of several rows with one event_id the first is taken. The same content again counts as known, other content is
      refused.
    - A row that retracts an event takes it back and is kept apart.
    - With `whole_source` the table holds all that the app's source yields: an event that stood and is not among it has
      vanished.
    """
    warehouse.run(warehouse.fixed("activity/settle_incoming"))
    _add_players(warehouse, "(FROM settled WHERE fate = 'new' AND retracts IS NULL)")
    available_at = "occurred_at" if history else f"TIMESTAMPTZ '{now.isoformat()}'"
    note_retractions(warehouse, available_at)
    available_at = available_again(warehouse, available_at, now)
    new = "(SELECT * FROM settled JOIN players USING (user_id) WHERE fate = 'new' AND retracts IS NULL)"
    warehouse.run(
        f"""INSERT INTO events BY NAME
            SELECT id AS event_id, player_key, event, event IN (SELECT unnest($active)) AS active, occurred_at,
                   sequence, value, properties, day, local_hour,
                   {available_at} AS available_at,
                   delivery_id, content_hash
            FROM ({with_local_days(warehouse, app, new)})
            ORDER BY occurred_at, sequence, content_hash""",
        {"active": list(app.active_events)},
    )
    warehouse.run(f"CREATE OR REPLACE TEMP VIEW landed AS FROM events WHERE rowid >= {UNCOMMITTED}")
    touched = warehouse.frame("SELECT DISTINCT player_key, day FROM landed")
    by_event = warehouse.frame("SELECT event, count(*) AS n FROM landed GROUP BY event ORDER BY event")
    gone = take_back(warehouse, now)
    if whole_source:
        gone = pl.concat([gone, take_back_vanished(warehouse, app, now)])
    return Appended(
        fates=warehouse.frame(_FATES.format(table="settled")),
        conflicts=warehouse.frame(
            """SELECT delivery_id, line,
                      coalesce(raw, CAST(json_object('event_id', event_id, 'user_id', user_id, 'event', event,
                               'occurred_at', occurred_at::VARCHAR, 'value', value,
                               'properties', properties, 'retracts', retracts) AS VARCHAR)) AS raw,
                      'event_id ''' || id || ''' was taken before with other content; the first stays' AS reason
               FROM settled WHERE fate = 'conflict' ORDER BY row"""
        ),
        touched=pl.concat([touched, gone]).unique() if gone.height else touched,
        retracted=gone.height,
        by_event=dict(by_event.iter_rows()),
    )


def append_players(warehouse: Warehouse, app: App, now: dt.datetime, *, history: bool) -> Appended:
    """Append the new records of the temporary table `incoming_players`; a new time zone moves events to its days.

    A record is known when the player has the same one of that moment; a different one of that moment is refused.
    """
    _add_players(warehouse, "incoming_players")
    warehouse.run(warehouse.fixed("activity/settle_incoming_players"))
    available = "recorded_at" if history else f"TIMESTAMPTZ '{now.isoformat()}'"
    warehouse.run(
        f"""INSERT INTO player_records BY NAME
            SELECT player_key, recorded_at, {available} AS available_at, timezone, language, born_on, joined_at,
                   opted_out, attributes::JSON AS attributes
            FROM settled_players WHERE fate = 'new' ORDER BY row"""
    )
    return Appended(
        fates=warehouse.frame(_FATES.format(table="settled_players")),
        conflicts=warehouse.frame(
            """SELECT delivery_id, line, coalesce(raw, user_id) AS raw,
                      'this player has another record of the same recorded_at; the first stays' AS reason
               FROM settled_players WHERE fate = 'conflict' ORDER BY row"""
        ),
        touched=move_days(warehouse, app, now),
    )


def _add_players(warehouse: Warehouse, rows: str) -> None:
    """Give those who are new among some rows with user_id a key, and the number that says which bucket they are in."""
    warehouse.run(
        f"""INSERT INTO players BY NAME
            SELECT *, player_bucket(player_key) AS bucket FROM (
                SELECT newest + row_number() OVER (ORDER BY user_id) AS player_key, user_id
                FROM (SELECT DISTINCT user_id FROM {rows} ANTI JOIN players USING (user_id))
                CROSS JOIN (SELECT coalesce(max(player_key), 0) AS newest FROM players))"""
    )
