"""The calendar as it is delivered: what the SELECT of a source yields of it is kept, with when it became known."""

import datetime as dt

import duckdb

from configs.errors import NightquestError
from data.contracts_in import CALENDAR_COLUMNS
from data.warehouse import Warehouse
from pipelines.activity.delivery_reader import IngestRun, show_raw_rows
from pipelines.activity.moments import with_moments
from pipelines.activity.normalise import column_types, stage_typed
from pipelines.activity.raw_tables import all_delivered, column_fault
from pipelines.activity.refused import FileRefusedError
from pipelines.activity.source import Source, read_source

# Without a SELECT of its own: of files named calendar… the newest is the whole calendar.
_DELIVERED = "SELECT * FROM raw_calendar WHERE _delivery_id = (SELECT max(_delivery_id) FROM raw_calendar)"

_ENTRY = ("title", "kind", "starts_on", "ends_on", "cohort", "attributes")


def read_calendar(sql: str | None) -> Source:
    """The checked SELECT that yields an app's calendar: CALENDAR_COLUMNS, a row for each entry that stands.

    Raises:
        NightquestError: It is not one SELECT over raw tables.
    """
    return read_source(sql or _DELIVERED)


def take_calendar(ingest: IngestRun, source: Source, *, history: bool) -> int | None:
    """Keep what the SELECT yields now, and note what it no longer yields as called off from now on.

    A row is known from `known_at` on and no earlier than it came; with `history` from `known_at` alone. One that does
    not say it is known since it came. A row that cannot be read goes to `bad_rows`.

    Returns:
        How many entries stand, or None where a table that it reads was never delivered.

    Raises:
        NightquestError: The SELECT fails, or yields other columns.
    """
    warehouse, query = ingest.warehouse, f"({source.sql})"
    if not all_delivered(warehouse, source):
        return None
    newest = warehouse.value(f"SELECT max(_delivery_id) FROM {source.tables[0]}")
    try:
        staged = stage_typed(query, column_types(warehouse, query), CALENDAR_COLUMNS, newest)
        warehouse.run(f"CREATE OR REPLACE TEMP TABLE checked AS {_check(staged, ingest.app.timezone)}")
    except (FileRefusedError, duckdb.Error) as error:
        why = column_fault(warehouse, source) if isinstance(error, duckdb.BinderException) else ""
        first = (str(error).strip().splitlines() or ["unreadable"])[0][:300].rstrip(".")
        raise NightquestError(
            f"The calendar cannot be read: {why or first}.",
            "Mend its SELECT or its file; docs/apps.md says what a calendar has. Nothing was taken.",
        ) from error
    warehouse.run("INSERT INTO bad_rows SELECT delivery_id, line, raw, reason FROM checked WHERE reason IS NOT NULL")
    show_raw_rows(ingest, source)
    _settle(warehouse, ingest.now, history=history)
    return int(warehouse.value("SELECT count(*) FROM calendar_entries WHERE gone_at IS NULL"))


def _settle(warehouse: Warehouse, now: dt.datetime, *, history: bool) -> None:
    """Bring `calendar_entries` to what `checked` says stands; what stood before stays known since then."""
    pins = {"now": now}
    known = "coalesce(known_at, $now)" if history else "greatest(coalesce(known_at, $now), $now)"
    entry = ", ".join(_ENTRY)
    warehouse.run(
        f"""CREATE OR REPLACE TEMP TABLE standing AS SELECT {entry}, min({known}) AS known_at
            FROM checked WHERE reason IS NULL GROUP BY {entry}""",
        pins,
    )
    alike = " AND ".join(f"s.{name} IS NOT DISTINCT FROM c.{name}" for name in _ENTRY)
    warehouse.run(
        f"""UPDATE calendar_entries AS c SET gone_at = $now
            WHERE gone_at IS NULL AND NOT EXISTS (FROM standing AS s WHERE {alike})""",
        pins,
    )
    warehouse.run(
        f"""INSERT INTO calendar_entries BY NAME
            FROM standing AS s WHERE NOT EXISTS (FROM calendar_entries AS c WHERE gone_at IS NULL AND {alike})
            ORDER BY ALL"""
    )


def _check(staged: str, zone: str) -> str:
    """A query over staged rows: the columns of `calendar_entries` but for `gone_at`, delivery_id, line, raw, reason."""
    moments = with_moments(f"({staged})", ("starts_on", "ends_on", "known_at"), zone)
    faults = "".join(
        f" WHEN {c}_fault IS NOT NULL THEN '{c} ''' || {c}[:60] || ''' ' || {c}_fault"
        for c in ("starts_on", "ends_on", "known_at")
    )
    return f"""
        SELECT title, kind, starts_on_wall::DATE AS starts_on, coalesce(ends_on_wall, starts_on_wall)::DATE AS ends_on,
               cohort, attributes, known_at_moment AS known_at, delivery_id, line, raw,
               CASE WHEN title IS NULL THEN 'title is missing'
                    WHEN kind IS NULL THEN 'kind is missing'
                    WHEN starts_on IS NULL THEN 'starts_on is missing'{faults}
                    WHEN ends_on_wall < starts_on_wall THEN 'ends_on is before starts_on'
                    WHEN attributes IS NOT NULL AND json_type(TRY_CAST(attributes AS JSON)) IS DISTINCT FROM 'OBJECT'
                    THEN 'attributes is not a JSON object' END AS reason
        FROM {moments}"""
