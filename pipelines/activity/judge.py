"""SQL that types staged rows and gives each bad one its reason, a plain sentence: the first fault found."""

import datetime as dt
from collections.abc import Iterator, Mapping

from configs.app import App, Event, Property
from data.contracts_in import EARLIEST, EVENT_COLUMNS, MAX_ID_LENGTH, PLAYER_COLUMNS, accepted_events
from pipelines.activity.read_text import RAW_CHARACTERS
from pipelines.activity.stage import text

# An offset after the time of day: 14:05Z, 14:05:00.123+02, 14:05:00 -03:30.
_HAS_OFFSET = r":\d{2}(\.\d+)?\s*([Zz]|[+-]\d{2}(:?\d{2})?)$"
_MAX_FUTURE = dt.timedelta(days=1)
_TYPE_WORDS = {"text": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
_JSON_TYPES = {
    "text": ("VARCHAR",),
    "number": ("DOUBLE", "BIGINT", "UBIGINT"),
    "integer": ("DOUBLE", "BIGINT", "UBIGINT"),
    "boolean": ("BOOLEAN",),
}


def judge_events_sql(app: App, staged: str, now: dt.datetime) -> str:
    """A query over staged events: the columns of `EVENTS_IN`, then reason (null for a good row).

    Raw is the row as JSON where the file has no text of its own.
    """
    cases = "\n".join(f"WHEN {condition} THEN {reason}" for condition, reason in _event_faults(app, now))
    return f"""
        WITH typed AS (
            SELECT *, {_moment("occurred_at", app.timezone)} AS moment, TRY_CAST(sequence AS BIGINT) AS place,
                   TRY_CAST(value AS DOUBLE) AS number, TRY_CAST(properties AS JSON) AS doc
            FROM ({staged})
        ),
        judged AS (SELECT *, CASE {cases} END AS reason, {_document("doc")} AS document FROM typed),
        summed AS (
            SELECT *, md5(concat_ws(chr(31), user_id, event, epoch_us(moment), coalesce(place, 0),
                                    coalesce(number::VARCHAR, ''), coalesce(document, ''))) AS content
            FROM (SELECT * REPLACE (CASE WHEN reason IS NULL THEN moment END AS moment) FROM judged)
        )
        SELECT line, event_id, user_id, event, moment AS occurred_at, coalesce(place, 0) AS sequence, number AS value,
               document AS properties, delivery_id, content, md5_number_lower(content) AS content_hash,
               {_raw(EVENT_COLUMNS)} AS raw, reason
        FROM summed"""


def judge_players_sql(app: App, staged: str, now: dt.datetime) -> str:
    """A query over staged players: the columns of `PLAYERS_IN`, then reason.

    Reads `known_zones` (zone), the time zones that count.
    """
    cases = "\n".join(f"WHEN {condition} THEN {reason}" for condition, reason in _player_faults(now))
    renamed = {"recorded_at": "recorded", "born_on": "born", "joined_at": "joined", "opted_out": "opted"}
    return f"""
        WITH typed AS (
            SELECT * RENAME (recorded_at AS recorded, born_on AS born, joined_at AS joined, opted_out AS opted),
                   {_moment("recorded_at", app.timezone)} AS moment,
                   {_moment("joined_at", app.timezone)} AS joined_moment,
                   TRY_CAST(born_on AS DATE) AS birthday, TRY_CAST(opted_out AS BOOLEAN) AS is_out,
                   TRY_CAST(attributes AS JSON) AS doc
            FROM ({staged})
        ),
        judged AS (SELECT *, CASE {cases} END AS reason FROM typed)
        SELECT line, user_id, CASE WHEN reason IS NULL THEN moment END AS recorded_at, timezone, language,
               CASE WHEN reason IS NULL THEN birthday END AS born_on,
               CASE WHEN reason IS NULL THEN joined_moment END AS joined_at, is_out AS opted_out,
               {_document("doc")} AS attributes, delivery_id, {_raw(PLAYER_COLUMNS, **renamed)} AS raw, reason
        FROM judged"""


def _event_faults(app: App, now: dt.datetime) -> Iterator[tuple[str, str]]:
    events = accepted_events(app)
    names = ", ".join(text(name) for name in events)
    shown = ", ".join(list(events)[:12])
    yield "fault IS NOT NULL", "fault"
    yield from _id_faults("user_id")
    yield f"length(event_id) > {MAX_ID_LENGTH}", f"'event_id is longer than {MAX_ID_LENGTH} characters'"
    yield "regexp_matches(event_id, '[[:cntrl:]]')", "'event_id holds a control character'"
    yield "event IS NULL", "'event is missing'"
    yield f"event NOT IN ({names})", f"'unknown event ''' || event[:60] || '''; this app has ' || {text(shown)}"
    yield from _moment_faults("occurred_at", "occurred_at", "moment", now)
    yield (
        "sequence IS NOT NULL AND (place IS NULL OR TRY_CAST(sequence AS DOUBLE) <> place)",
        "'sequence ''' || sequence[:60] || ''' is not a whole number'",
    )
    yield "value IS NOT NULL AND number IS NULL", "'value ''' || value[:60] || ''' is not a number'"
    yield "NOT isfinite(number)", "'value is NaN or infinite'"
    yield "properties IS NOT NULL AND doc IS NULL", "'properties is not valid JSON'"
    yield "json_type(doc) <> 'OBJECT'", "'properties is not a JSON object'"
    for name, event in events.items():
        required = tuple(event.properties) + (("value",) if event.value else ()) if name not in app.events else ()
        faults = [*_value_faults(event), *_property_faults(name, event), *_missing_faults(required)]
        inner = " ".join(f"WHEN {condition} THEN {reason}" for condition, reason in faults)
        told = f"CASE {inner} END"
        yield f"event = {text(name)} AND {told} IS NOT NULL", told


def _player_faults(now: dt.datetime) -> Iterator[tuple[str, str]]:
    yield "fault IS NOT NULL", "fault"
    yield from _id_faults("user_id")
    yield from _moment_faults("recorded_at", "recorded", "moment", now)
    yield (
        "timezone IS NOT NULL AND timezone NOT IN (SELECT zone FROM known_zones)",
        "'timezone ''' || timezone[:60] || ''' is not an IANA time zone such as Europe/Berlin'",
    )
    yield (
        "language IS NOT NULL AND NOT regexp_full_match(language, '[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*')",
        "'language ''' || language[:60] || ''' is not a language tag such as en or pt-BR'",
    )
    yield "born IS NOT NULL AND birthday IS NULL", "'born_on ''' || born[:60] || ''' is not a date'"
    yield (
        f"birthday NOT BETWEEN DATE '1900-01-01' AND DATE '{now.date()}'",
        "'born_on is before 1900 or in the future'",
    )
    yield from (
        (f"joined IS NOT NULL AND ({c})", r) for c, r in _moment_faults("joined_at", "joined", "joined_moment", now)
    )
    yield "opted IS NOT NULL AND is_out IS NULL", "'opted_out ''' || opted[:60] || ''' is not true or false'"
    yield "attributes IS NOT NULL AND doc IS NULL", "'attributes is not valid JSON'"
    yield "json_type(doc) <> 'OBJECT'", "'attributes is not a JSON object'"


def _id_faults(column: str) -> Iterator[tuple[str, str]]:
    yield f"{column} IS NULL", f"'{column} is missing'"
    yield f"length({column}) > {MAX_ID_LENGTH}", f"'{column} is longer than {MAX_ID_LENGTH} characters'"
    yield f"regexp_matches({column}, '[[:cntrl:]]')", f"'{column} holds a control character'"


def _moment_faults(name: str, column: str, moment: str, now: dt.datetime) -> Iterator[tuple[str, str]]:
    latest = (now + _MAX_FUTURE).isoformat()
    yield f"{column} IS NULL", f"'{name} is missing'"
    yield (
        f"{moment} IS NULL AND regexp_full_match({column}, '\\d{{9,19}}(\\.\\d+)?')",
        f"'{name} ''' || {column}[:60] || ''' is a count of seconds; write it as 2024-05-31T14:05:00Z'",
    )
    yield (
        f"{moment} IS NULL",
        f"'{name} ''' || {column}[:60] || ''' is not a date and time such as 2024-05-31T14:05:00Z'",
    )
    yield (
        f"{moment} < TIMESTAMPTZ '{EARLIEST.isoformat()}'",
        f"'{name} is before the year 2000; a time of zero reads as 1970'",
    )
    yield f"{moment} > TIMESTAMPTZ '{latest}'", f"'{name} is in the future'"


def _value_faults(event: Event) -> Iterator[tuple[str, str]]:
    if event.value is None:
        return
    if event.value.type == "integer":
        yield "number <> round(number)", "'value is not a whole number'"
    yield from _bounds("number", event.value, "value")


def _property_faults(name: str, event: Event) -> Iterator[tuple[str, str]]:
    known = ", ".join(text(p) for p in event.properties)
    strange = f"[k FOR k IN json_keys(doc) IF k NOT IN ({known})]" if known else "json_keys(doc)"
    listed = ", ".join(event.properties) or "none"
    unknown = f"NOT list_has_all([{known}], json_keys(doc))" if known else "len(json_keys(doc)) > 0"
    yield (
        unknown,
        f"'unknown property ''' || {strange}[1][:60] || ''' of ' || {text(name)} || '; it has ' || {text(listed)}",
    )
    for key, declared in event.properties.items():
        kinds = ", ".join(text(kind) for kind in (*_JSON_TYPES[declared.type], "NULL"))
        yield f"json_type(doc, '$.{key}') NOT IN ({kinds})", f"'property {key} is not {_TYPE_WORDS[declared.type]}'"
        if declared.type in {"number", "integer"}:
            value = f"TRY_CAST(doc ->> '$.{key}' AS DOUBLE)"
            yield f"NOT isfinite({value})", f"'property {key} is NaN or infinite'"
            if declared.type == "integer":
                yield f"{value} <> round({value})", f"'property {key} is not a whole number'"
            yield from _bounds(value, declared, f"property {key}")


def _bounds(value: str, declared: Property, what: str) -> Iterator[tuple[str, str]]:
    if declared.min is not None:
        yield f"{value} < {declared.min!r}", f"'{what} is below {declared.min:g}'"
    if declared.max is not None:
        yield f"{value} > {declared.max!r}", f"'{what} is above {declared.max:g}'"


def _missing_faults(required: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for key in required:
        yield "number IS NULL" if key == "value" else f"doc ->> '$.{key}' IS NULL", f"'{key} is missing'"


def _moment(column: str, zone: str) -> str:
    """A text as a moment; without an offset it is wall time of the zone."""
    return (
        f"CASE WHEN regexp_matches({column}, '{_HAS_OFFSET}') THEN TRY_CAST({column} AS TIMESTAMPTZ) "
        f"ELSE timezone({text(zone)}, TRY_CAST({column} AS TIMESTAMP)) END"
    )


def _document(doc: str) -> str:
    """A JSON object without white space and nulls; an empty one is null."""
    slim = f"CASE WHEN contains({doc}::VARCHAR, 'null') THEN json_merge_patch('{{}}', {doc}) ELSE json({doc}) END"
    return f"nullif(CASE WHEN json_type({doc}) = 'OBJECT' THEN CAST({slim} AS VARCHAR) END, '{{}}')"


def _raw(columns: Mapping[str, object], **renamed: str) -> str:
    fields = ", ".join(f"{text(name)}, {renamed.get(name, name)}" for name in columns)
    return (
        f"(CASE WHEN raw IS NULL AND reason IS NOT NULL THEN CAST(json_object({fields}) AS VARCHAR) ELSE raw END)"
        f"[:{RAW_CHARACTERS}]"
    )
