"""SQL that types staged rows and gives each bad one its reason, a plain sentence: the first fault found."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from configs.app import App
from configs.metrics import Event, Property
from data.contracts_in import EVENT_COLUMNS, MAX_ID_LENGTH, MAY_LACK, PLAYER_COLUMNS, accepted_events
from data.zones import day_start
from pipelines.activity.normalise import given_as_text, repeated_key, text
from pipelines.activity.refused import RAW_CHARACTERS

_MAX_FUTURE = dt.timedelta(days=1)
_EXACT = 1 << 53  # a double holds every whole number up to here
_LARGEST = "1e15"  # from which on nobody can be told a goal, see pipelines/words/numbers.py
EVENT_MOMENTS = ("occurred_at",)
PLAYER_MOMENTS = ("recorded_at", "joined_at", "born_on")
_TYPE_WORDS = {"text": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
_JSON_TYPES = {
    "text": ("VARCHAR",),
    "number": ("DOUBLE", "BIGINT", "UBIGINT"),
    "integer": ("DOUBLE", "BIGINT", "UBIGINT"),
    "boolean": ("BOOLEAN",),
}


def check_events_sql(app: App, staged: str, now: dt.datetime) -> str:
    """A query over staged events with their moments: the columns of `incoming`, then reason (null for a good row).

    Raw is the row as JSON where the file has no text of its own.
    """
    asked = _Asked(accepted_events(app))
    cases = "\n".join(f"WHEN {condition} THEN {reason}" for condition, reason in _event_faults(app, asked, now))
    return f"""
        WITH read AS (
            SELECT *, coalesce(occurred_at_given, occurred_at_moment) AS moment,
                   coalesce(sequence_given, TRY_CAST(sequence AS BIGINT)) AS place,
                   coalesce(value_given, TRY_CAST(value AS DOUBLE)) + 0.0 AS number, TRY_CAST(properties AS JSON) AS doc
            FROM {staged}
        ),
        typed AS ({asked.read("read")}),
        checked AS (SELECT *, CASE {cases} END AS reason, {_document("doc", "shape")} AS document FROM typed),
        summed AS (
            SELECT *, md5(concat_ws(chr(31), coalesce(user_id, ''), coalesce(event, ''), epoch_us(moment),
                                    coalesce(place, 0), coalesce(number::VARCHAR, ''),
                                    coalesce(document::VARCHAR, ''), retracts)) AS content
            FROM (SELECT * REPLACE (CASE WHEN reason IS NULL THEN moment END AS moment) FROM checked)
        )
        SELECT line, event_id, user_id, event, moment AS occurred_at, coalesce(place, 0) AS sequence, number AS value,
               document AS properties, delivery_id, retracts,
               CASE WHEN event_id IS NULL THEN content END AS content,
               (md5_number(content) >> 64)::UBIGINT AS content_hash,
               {_raw({name: given_as_text(name) for name in EVENT_COLUMNS})} AS raw, reason
        FROM summed"""


class _Asked:
    """What is asked of the properties of events, taken out of their JSON at once: of each event's own properties alone.

    `shape` is the type of the JSON, `keys` its keys, `kinds` the type of each property that the event may have and
    `texts` the value of each that may be a number, null where it lacks one; `strange` where another key is there, or
    one twice.
    """

    def __init__(self, events: Mapping[str, Event]) -> None:
        self._names = {event: tuple(declared.properties) for event, declared in events.items()}
        self._numbers = {
            event: tuple(name for name, one in declared.properties.items() if one.type in {"number", "integer"})
            for event, declared in events.items()
        }

    def read(self, rows: str) -> str:
        """A query that adds the five columns to rows with `event` and `doc`."""
        return f"""
            SELECT *, len(keys) > coalesce(list_count(kinds), 0) AS strange
            FROM (SELECT *, json_type(doc) AS shape, json_keys(doc) AS keys,
                         {_each("json_type", self._names)} AS kinds,
                         {_each("json_extract_string", self._numbers)} AS texts
                  FROM {rows})"""

    def kind(self, event: str, name: str) -> str:
        """The JSON type of a property."""
        return f"kinds[{self._names[event].index(name) + 1}]"

    def number(self, event: str, name: str) -> str:
        """The value of a number, as text."""
        return f"texts[{self._numbers[event].index(name) + 1}]"


def _each(function: str, names: Mapping[str, Sequence[str]]) -> str:
    """What a function of JSON gives for the properties of the row's event, as SQL: a list, or null for none."""
    cases = "".join(f" WHEN {text(event)} THEN {function}(doc, {_paths(own)})" for event, own in names.items() if own)
    return f"CASE event{cases} ELSE CAST(NULL AS VARCHAR[]) END" if cases else "CAST(NULL AS VARCHAR[])"


def _paths(names: Sequence[str]) -> str:
    return f"CAST([{', '.join(text(f'$.{name}') for name in names)}] AS VARCHAR[])"


def check_players_sql(app: App, staged: str, now: dt.datetime) -> str:
    """A query over staged players with their moments: the columns of the table `incoming_players`, then reason.

    Reads `known_zones` (zone), the time zones that count.
    """
    cases = "\n".join(f"WHEN {condition} THEN {reason}" for condition, reason in _player_faults(app, now))
    renamed = {"recorded_at": "recorded", "born_on": "born", "joined_at": "joined", "opted_out": "opted"}
    return f"""
        WITH typed AS (
            SELECT * RENAME (recorded_at AS recorded, born_on AS born, joined_at AS joined, opted_out AS opted),
                   recorded_at_moment AS moment, joined_at_moment AS joined_moment,
                   CASE WHEN born_on_wall = date_trunc('day', born_on_wall) THEN CAST(born_on_wall AS DATE) END
                       AS birthday,
                   TRY_CAST(opted_out AS BOOLEAN) AS is_out, TRY_CAST(attributes AS JSON) AS doc
            FROM {staged}
        ),
        checked AS (SELECT *, CASE {cases} END AS reason FROM typed)
        SELECT line, user_id, CASE WHEN reason IS NULL THEN moment END AS recorded_at, timezone, language,
               CASE WHEN reason IS NULL THEN birthday END AS born_on,
               CASE WHEN reason IS NULL THEN joined_moment END AS joined_at, is_out AS opted_out,
               {_document("doc", "json_type(doc)")} AS attributes, delivery_id,
               {_raw({name: renamed.get(name, name) for name in PLAYER_COLUMNS})} AS raw, reason
        FROM checked"""


def _event_faults(app: App, asked: _Asked, now: dt.datetime) -> Iterator[tuple[str, str]]:
    events = accepted_events(app)
    names = ", ".join(text(name) for name in events)
    shown = ", ".join(list(events)[:12])
    yield "fault IS NOT NULL", "fault"
    yield from _id_faults("user_id", or_else="retracts IS NOT NULL")
    yield from _id_faults("event_id", or_else="true")
    yield from _id_faults("retracts", or_else="true")
    yield "retracts = event_id", "'the row retracts itself'"
    yield (
        "retracts IS NOT NULL AND coalesce(event, value, CAST(number AS VARCHAR), properties) IS NOT NULL",
        "'a row with retracts is no event: leave event, value and properties empty'",
    )
    yield "event IS NULL AND retracts IS NULL", "'event is missing'"
    yield f"event NOT IN ({names})", f"'unknown event ''' || event[:60] || '''; this app has ' || {text(shown)}"
    yield from _moment_faults("occurred_at", "occurred_at", "moment", app, now)
    yield (
        "place IS NULL AND regexp_full_match(sequence, '[+-]?\\d+')",
        "'sequence ''' || sequence[:60] || ''' does not fit into 64 bits'",
    )
    yield (
        "sequence IS NOT NULL AND (place IS NULL OR TRY_CAST(sequence AS DOUBLE) <> place)",
        "'sequence ''' || sequence[:60] || ''' is not a whole number'",
    )
    yield "value IS NOT NULL AND number IS NULL", "'value ''' || value[:60] || ''' is not a number'"
    yield "NOT isfinite(number)", "'value is NaN or infinite'"
    yield from _document_faults("properties", "shape", "keys", unless="NOT strange")
    told = ""  # one CASE, so that each event is held against its own declaration only
    for name, event in events.items():
        needed = tuple(key for key in event.properties if key not in MAY_LACK)
        required = needed + (("value",) if event.value else ()) if name not in app.events else ()
        faults = [*_value_faults(event), *_property_faults(name, event, asked), *_missing_faults(name, required, asked)]
        inner = " ".join(f"WHEN {condition} THEN {reason}" for condition, reason in faults)
        told += f"\nWHEN {text(name)} THEN CASE {inner} END"
    told = f"CASE event {told} END"
    yield f"{told} IS NOT NULL", told


def _document_faults(column: str, shape: str, keys: str, unless: str = "false") -> Iterator[tuple[str, str]]:
    yield f"{column} IS NOT NULL AND doc IS NULL", f"'{column} is not valid JSON'"
    yield f"{shape} <> 'OBJECT'", f"'{column} is not a JSON object'"
    repeats, key = repeated_key(keys)
    yield f"NOT ({unless}) AND {repeats}", f"'{column} names ''' || {key} || ''' twice'"


def _player_faults(app: App, now: dt.datetime) -> Iterator[tuple[str, str]]:
    yield "fault IS NOT NULL", "fault"
    yield from _id_faults("user_id")
    yield from _moment_faults("recorded_at", "recorded", "moment", app, now)
    yield (
        "timezone IS NOT NULL AND timezone NOT IN (SELECT zone FROM known_zones)",
        "'timezone ''' || timezone[:60] || ''' is not an IANA time zone such as Europe/Berlin'",
    )
    yield (
        "language IS NOT NULL AND NOT regexp_full_match(language, '[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*')",
        "'language ''' || language[:60] || ''' is not a language tag such as en or pt-BR'",
    )
    yield (
        "born IS NOT NULL AND born_on_fault IS NOT NULL AND birthday IS NULL",
        "'born_on ''' || born[:60] || ''' ' || born_on_fault",
    )
    yield "born IS NOT NULL AND birthday IS NULL", "'born_on ''' || born[:60] || ''' is a time of day, not a date'"
    yield (
        f"birthday NOT BETWEEN DATE '1900-01-01' AND DATE '{now.date()}'",
        "'born_on is before 1900 or in the future'",
    )
    yield from (
        (f"joined IS NOT NULL AND ({condition})", reason)
        for condition, reason in _moment_faults("joined_at", "joined", "joined_moment", app, now)
    )
    yield "opted IS NOT NULL AND is_out IS NULL", "'opted_out ''' || opted[:60] || ''' is not true or false'"
    yield from _document_faults("attributes", "json_type(doc)", "json_keys(doc)")


def _id_faults(column: str, or_else: str = "false") -> Iterator[tuple[str, str]]:
    yield f"{column} IS NULL AND NOT ({or_else})", f"'{column} is missing'"
    yield f"length({column}) > {MAX_ID_LENGTH}", f"'{column} is longer than {MAX_ID_LENGTH} characters'"
    yield f"regexp_matches({column}, '[[:cntrl:]]')", f"'{column} holds a control character'"


def _moment_faults(name: str, column: str, moment: str, app: App, now: dt.datetime) -> Iterator[tuple[str, str]]:
    latest = (now + _MAX_FUTURE).isoformat()
    first = day_start(app.timezone, app.earliest, dt.timedelta(0)).isoformat()
    yield f"{column} IS NULL AND {moment} IS NULL", f"'{name} is missing'"
    yield f"{name}_fault IS NOT NULL", f"'{name} ''' || {column}[:60] || ''' ' || {name}_fault"
    yield (
        f"{moment} < TIMESTAMPTZ '{first}'",
        f"'{name} is before {app.earliest}, the app file''s `earliest`; a time of zero reads as 1970'",
    )
    yield f"{moment} > TIMESTAMPTZ '{latest}'", f"'{name} is in the future'"


def _value_faults(event: Event) -> Iterator[tuple[str, str]]:
    if event.value is None:
        return
    if event.value.type == "integer":
        yield "number <> round(number)", "'value is not a whole number'"
        yield f"abs(number) > {_EXACT}", f"'value is beyond {_EXACT}, up to which whole numbers are exact'"
    else:
        yield from _too_large("number", "value")
    yield from _bounds("number", event.value, "value")


def _property_faults(name: str, event: Event, asked: _Asked) -> Iterator[tuple[str, str]]:
    known = ", ".join(text(p) for p in event.properties)
    strange = f"[k FOR k IN keys IF k NOT IN ({known})]" if known else "keys"
    listed = ", ".join(event.properties) or "none"
    yield (
        "strange",
        f"'unknown property ''' || {strange}[1][:60] || ''' of ' || {text(name)} || '; it has ' || {text(listed)}",
    )
    for key, declared in event.properties.items():
        kinds = ", ".join(text(kind) for kind in (*_JSON_TYPES[declared.type], "NULL"))
        yield f"{asked.kind(name, key)} NOT IN ({kinds})", f"'property {key} is not {_TYPE_WORDS[declared.type]}'"
        if declared.type in {"number", "integer"}:
            value = f"TRY_CAST({asked.number(name, key)} AS DOUBLE)"
            yield f"NOT isfinite({value})", f"'property {key} is NaN or infinite'"
            if declared.type == "integer":
                yield f"{value} <> round({value})", f"'property {key} is not a whole number'"
                yield (
                    f"{value} IS NOT NULL AND TRY_CAST({asked.number(name, key)} AS BIGINT) IS NULL",
                    f"'property {key} does not fit into 64 bits'",
                )
            else:
                yield from _too_large(value, f"property {key}")
            yield from _bounds(value, declared, f"property {key}")


def _too_large(value: str, what: str) -> Iterator[tuple[str, str]]:
    """A number whose sum over days would be infinite, or a goal that nobody can be told."""
    yield f"abs({value}) >= {_LARGEST}", f"'{what} is beyond {_LARGEST}, up to which numbers are counted'"


def _bounds(value: str, declared: Property, what: str) -> Iterator[tuple[str, str]]:
    if declared.min is not None:
        yield f"{value} < {declared.min!r}", f"'{what} is below {declared.min:g}'"
    if declared.max is not None:
        yield f"{value} > {declared.max!r}", f"'{what} is above {declared.max:g}'"


def _missing_faults(name: str, required: tuple[str, ...], asked: _Asked) -> Iterator[tuple[str, str]]:
    for key in required:
        lacks = "number IS NULL" if key == "value" else f"coalesce({asked.kind(name, key)}, 'NULL') = 'NULL'"
        yield lacks, f"'{key} is missing'"


def _document(doc: str, shape: str) -> str:
    """A JSON object without white space and nulls; an empty one is null."""
    slim = f"CASE WHEN contains({doc}::VARCHAR, 'null') THEN json_merge_patch('{{}}', {doc}) ELSE json({doc}) END"
    return f"nullif(CASE WHEN {shape} = 'OBJECT' THEN {slim} END, '{{}}'::JSON)"


def _raw(columns: Mapping[str, str]) -> str:
    fields = ", ".join(f"{text(name)}, {column}" for name, column in columns.items())
    return (
        f"(CASE WHEN raw IS NULL AND reason IS NOT NULL THEN CAST(json_object({fields}) AS VARCHAR) ELSE raw END)"
        f"[:{RAW_CHARACTERS}]"
    )
