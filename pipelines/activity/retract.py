"""Events taken back: by a row that retracts them, before or after they come, or because they vanished from a source.

What is taken back moves from `events` to `retracted_events`, where whoever looks from an earlier moment finds it.
"""

import datetime as dt

import polars as pl

from configs.app import App
from configs.errors import NightquestError
from data.warehouse import Warehouse

MOST_VANISHING = 0.5
FEW = 20  # events of a source of which any number may vanish at once
_NONE = pl.DataFrame(schema={"player_key": pl.Int64, "day": pl.Date})
_OF_SOURCE = """FROM events SEMI JOIN (FROM deliveries WHERE starts_with(source, 'raw_')) USING (delivery_id)"""


def note_retractions(warehouse: Warehouse, available_at: str) -> None:
    """Keep the new retractions among the settled rows; `new_retractions` are those that are new.

    Args:
        warehouse: Its temporary table `settled` holds the rows.
        available_at: From when on they count, as SQL over those rows.
    """
    warehouse.run(
        f"""CREATE OR REPLACE TEMP TABLE new_retractions AS
            SELECT id AS retraction_id, retracts AS event_id, user_id, occurred_at, {available_at} AS available_at,
                   delivery_id, content_hash
            FROM settled WHERE fate = 'new' AND retracts IS NOT NULL"""
    )
    warehouse.run("INSERT INTO retractions BY NAME FROM new_retractions ORDER BY occurred_at, retraction_id")


def available_again(warehouse: Warehouse, available_at: str, now: dt.datetime) -> str:
    """From when on new events count, as SQL: those that had vanished from a source from now on, past data or not."""
    if not warehouse.value("SELECT count(*) FROM (FROM retracted_events LIMIT 1)"):
        return available_at
    gone = "id IN (SELECT event_id FROM retracted_events)"
    return f"CASE WHEN {gone} THEN TIMESTAMPTZ '{now.isoformat()}' ELSE {available_at} END"


def take_back(warehouse: Warehouse, now: dt.datetime) -> pl.DataFrame:
    """Take back what was said to be, of the events in `landed` and of those that stood before.

    Returns:
        player_key and day of what stands no longer, a row for each event.
    """
    if not warehouse.value("SELECT count(*) FROM (FROM retractions LIMIT 1)"):
        return _NONE
    for statement in warehouse.fixed("activity/take_back").split(";\n\n"):
        warehouse.run(statement, {"now": now} if "$now" in statement else None)
    return warehouse.frame("SELECT player_key, day FROM taken_back")


def take_back_vanished(warehouse: Warehouse, app: App, now: dt.datetime) -> pl.DataFrame:
    """Take back what the source yielded once and no longer does, where the app says so.

    Reads the temporary tables of an ingest that has run the source: `identified` and `unread_ids`, ids of refused rows.

    Returns:
        player_key and day of what stands no longer, a row for each event.

    Raises:
        NightquestError: More than half of what stands would vanish, as of a delivery that is not whole.
    """
    if app.vanished != "retract" or warehouse.value("SELECT count(*) FROM unread_ids WHERE event_id IS NULL"):
        return _NONE
    warehouse.run(
        f"""CREATE OR REPLACE TEMP TABLE vanished AS SELECT * {_OF_SOURCE}
            WHERE event_id NOT IN (SELECT id FROM identified)
              AND event_id NOT IN (SELECT event_id FROM unread_ids)"""
    )
    gone = warehouse.value("SELECT count(*) FROM vanished")
    if not gone:
        return _NONE
    stood = warehouse.value(f"SELECT count(*) {_OF_SOURCE}")
    if gone > max(FEW, MOST_VANISHING * stood):
        raise NightquestError(
            f"{gone:,} of the {stood:,} events of the source of '{app.app}' have vanished from it; nothing was taken.",
            "Deliver whole files, or set `vanished: keep` in the app file for this delivery.",
        )
    warehouse.run(
        "INSERT INTO retracted_events BY NAME SELECT *, $now AS retracted_at, $now AS moved_at FROM vanished",
        {"now": now},
    )
    warehouse.run("DELETE FROM events WHERE event_id IN (SELECT event_id FROM vanished)")
    return warehouse.frame("SELECT player_key, day FROM vanished")


def retraction_fates(warehouse: Warehouse, *, new_only: bool = False) -> dict[str, int]:
    """How many retractions took an event back (`done`), how many wait for theirs (`waits`), and why others do nothing.

    Args:
        warehouse: Open.
        new_only: Only those in the temporary table `new_retractions`.
    """
    if not warehouse.value("SELECT count(*) FROM (FROM retractions LIMIT 1)"):
        return {}
    only = "SEMI JOIN new_retractions USING (retraction_id)" if new_only else ""
    fates = warehouse.fixed("activity/retraction_fates")
    return dict(warehouse.rows(f"SELECT fate, count(*) FROM ({fates}) {only} GROUP BY fate ORDER BY fate"))
