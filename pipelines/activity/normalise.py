"""Delivered rows of any format brought to one shape: a query that yields the contract's columns as text.

The shape: line, raw, fault (why the line is no row, or null), delivery_id, then the contract's columns as VARCHAR, and
beside some of them what a typed file has given (`_GIVEN`).
"""

from collections.abc import Mapping

from sqlglot import exp

from data.warehouse import Warehouse
from pipelines.activity.columns import say_lacking
from pipelines.activity.refused import FileRefusedError

_TEXT = ("VARCHAR",)
_WHOLE = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "UHUGEINT",
)
_NUMBER = (*_WHOLE, "FLOAT", "DOUBLE", "DECIMAL")
_MOMENT = ("TIMESTAMP", "DATE")
_DOCUMENT = ("JSON", "STRUCT", "MAP")
_TRUTH = ("BOOLEAN",)

_WORDS = {_TEXT: "text", _WHOLE: "a whole number", _NUMBER: "a number", _MOMENT: "a date with time"}
_WORDS |= {_DOCUMENT: "a JSON object", _TRUTH: "true or false"}

# What each column may be in a typed file; a column of nulls has the type "NULL" and fits everywhere.
TYPES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "event_id": (_TEXT, _WHOLE),
    "user_id": (_TEXT, _WHOLE),
    "event": (_TEXT,),
    "retracts": (_TEXT, _WHOLE),
    "occurred_at": (_TEXT, _MOMENT),
    "sequence": (_TEXT, _NUMBER),
    "value": (_TEXT, _NUMBER),
    "properties": (_TEXT, _DOCUMENT),
    "recorded_at": (_TEXT, _MOMENT),
    "timezone": (_TEXT,),
    "language": (_TEXT,),
    "born_on": (_TEXT, _MOMENT),
    "joined_at": (_TEXT, _MOMENT),
    "opted_out": (_TEXT, _TRUTH),
    "attributes": (_TEXT, _DOCUMENT),
    "title": (_TEXT,),
    "kind": (_TEXT,),
    "starts_on": (_TEXT, _MOMENT),
    "ends_on": (_TEXT, _MOMENT),
    "cohort": (_TEXT, _WHOLE),
    "known_at": (_TEXT, _MOMENT),
}
# Columns that need no text in between where a file has them in this very type: `<column>_given` beside the text, of
# which one is null. A moment of a year not written with four digits goes the way of texts, and is refused there.
_GIVEN: Mapping[str, tuple[str, str]] = {
    "occurred_at": ("TIMESTAMP WITH TIME ZONE", "BETWEEN TIMESTAMPTZ '0001-01-02' AND TIMESTAMPTZ '9999-12-31'"),
    "sequence": ("BIGINT", "IS NOT NULL"),
    "value": ("DOUBLE", "IS NOT NULL"),
}
# What a row beside its own fields may carry that was written out of quarantine to be mended.
PLACE, REASON, TEXT = "_quarantined", "_reason", "_text"
MARKS = (PLACE, REASON, TEXT)
_INTERNAL = frozenset({"_line", "_raw", "_delivery_id", "_row"})
_NAMES = ("event_id", "user_id", "event", "retracts")


def quote(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return exp.to_identifier(name, quoted=True).sql(dialect="duckdb")


def text(value: str) -> str:
    """A value as a SQL string literal."""
    return exp.Literal.string(value).sql(dialect="duckdb")


def repeated_key(keys: str) -> tuple[str, str]:
    """Whether the keys of a JSON object name one twice, and which, as SQL: tools differ on which of the two counts."""
    return f"list_unique({keys}) < len({keys})", f"list_aggregate({keys}, 'mode')[:60]"


def broken_line(doc: str) -> str:
    """WHEN branches, as SQL, on why a line is no JSON object whose keys stand once; a null `doc` is no JSON at all."""
    repeats, key = repeated_key(f"json_keys({doc})")
    return f"""WHEN {doc} IS NULL THEN 'the line is not valid JSON'
                    WHEN json_type({doc}) <> 'OBJECT' THEN 'the line is not a JSON object'
                    WHEN {repeats} THEN 'the line names ''' || {key} || ''' twice'"""


def kind_in_words(kind: str) -> str:
    """What a DuckDB type holds, in words; empty for one of nulls, which says nothing."""
    if kind == '"NULL"':
        return ""
    if kind.endswith("]"):
        return "a list"
    found = (words for types, words in _WORDS.items() if kind.startswith(types))
    return next(found, kind.lower()[:60])


def column_types(warehouse: Warehouse, relation: str) -> dict[str, str]:
    """The columns of a relation or query in parentheses, with their DuckDB types."""
    described = warehouse.frame(f"DESCRIBE SELECT * FROM {relation}")
    return dict(described.select("column_name", "column_type").iter_rows())


def stage_typed(relation: str, types: Mapping[str, str], columns: Mapping[str, bool], delivery_id: str | None) -> str:
    """A query that stages a relation with columns of its own types, read from Parquet, CSV or a source.

    Args:
        relation: Its name, or a query in parentheses; `_line`, `_raw`, `_delivery_id` and `_row` are used if present.
        types: DuckDB type by column.
        columns: The contract's columns, and whether each must be there.
        delivery_id: Stands where the relation has no `_delivery_id`.

    Raises:
        FileRefusedError: A column is missing, unknown or of an unusable type.
    """
    own = [name for name in types if name not in _INTERNAL]
    _check_names(own, columns)
    for name in own:
        _check_type(name, types[name])
    line = "_line" if "_line" in types else "_row" if "_row" in types else "row_number() OVER ()"
    given = "NULL" if delivery_id is None else text(delivery_id)
    delivery = f"coalesce(_delivery_id, {given})" if "_delivery_id" in types else given
    values = ", ".join(_as_text_or_given(name, types.get(name)) for name in columns)
    raw = "_raw" if "_raw" in types else "NULL::VARCHAR"
    return (
        f"SELECT CAST({line} AS BIGINT) AS line, {raw} AS raw, NULL::VARCHAR AS fault, "
        f"CAST({delivery} AS VARCHAR) AS delivery_id, {values} FROM {relation}"
    )


def stage_json(relation: str, columns: Mapping[str, bool], delivery_id: str) -> str:
    """A query that stages JSON objects, one in each `_raw` of a relation (_line, _raw)."""
    known = ", ".join(text(name) for name in (*columns, *MARKS))
    kinds = "".join(
        f" WHEN json_type(doc, '$.{name}') IN ('OBJECT', 'ARRAY', 'BOOLEAN', 'DOUBLE') THEN '{name} is not text'"
        for name in columns
        if name in _NAMES
    )
    values = ", ".join(f"nullif(doc ->> '$.{name}', '') AS {name}{_nothing_given(name)}" for name in columns)
    return f"""
        SELECT _line AS line, _raw AS raw,
               CASE {broken_line("doc")}
                    WHEN NOT list_has_all([{known}], json_keys(doc))
                    THEN 'unknown field ''' || [k FOR k IN json_keys(doc) IF k NOT IN ({known})][1][:60]
                         || '''; put it into properties, or write a source'
                    {kinds} END AS fault,
               {text(delivery_id)} AS delivery_id, {values}
        FROM (SELECT _line, _raw, TRY_CAST(_raw AS JSON) AS doc FROM {relation})"""


def _check_names(names: list[str], columns: Mapping[str, bool]) -> None:
    unknown = [name for name in names if name not in columns]
    missing = [name for name, needed in columns.items() if needed and name not in names]
    if missing:
        raise FileRefusedError(
            f"It {say_lacking(missing, names, known=[*columns])}. There may be {', '.join(columns)}."
        )
    if unknown:
        raise FileRefusedError(
            f"The column '{unknown[0][:60]}' is unknown; a file has {', '.join(columns)}. "
            "Put other facts into the JSON column, or write a source."
        )


def _check_type(name: str, kind: str) -> None:
    usable = TYPES[name]
    if kind != '"NULL"' and (kind.endswith("]") or not kind.startswith(sum(usable, ()))):
        words = " or ".join(_WORDS[types] for types in usable)
        raise FileRefusedError(f"The column '{name}' is {kind[:60].lower()}; it may be {words}.")


def given_as_text(name: str) -> str:
    """A column as text again, whichever way it came, as SQL."""
    return f"coalesce({name}, CAST({name}_given AS VARCHAR))" if name in _GIVEN else name


def _nothing_given(name: str) -> str:
    return f", CAST(NULL AS {_GIVEN[name][0]}) AS {name}_given" if name in _GIVEN else ""


def _as_text_or_given(name: str, kind: str | None) -> str:
    if name not in _GIVEN or kind != _GIVEN[name][0]:
        return f"{_as_text(name, kind)} AS {name}{_nothing_given(name)}"
    fits = f"{quote(name)} {_GIVEN[name][1]}"
    return (
        f"CASE WHEN NOT ({fits}) THEN {_as_text(name, kind)} END AS {name}, "
        f"CASE WHEN {fits} THEN {quote(name)} END AS {name}_given"
    )


def _as_text(name: str, kind: str | None) -> str:
    if kind is None:
        return "NULL::VARCHAR"
    if kind.startswith(("STRUCT", "MAP")):
        return f"CAST(to_json({quote(name)}) AS VARCHAR)"
    return f"nullif(CAST({quote(name)} AS VARCHAR), '')"
