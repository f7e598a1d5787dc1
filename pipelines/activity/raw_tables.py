"""Foreign tables kept as they came, and a source's SELECT over them while it runs."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from configs.errors import NightquestError
from data.duckdb_errors import is_out_of_room
from data.warehouse import Warehouse
from pipelines.activity.columns import OWN_COLUMNS, say_lacking
from pipelines.activity.normalise import MARKS, column_types, quote, repeated_key, text
from pipelines.activity.read_csv import check_columns
from pipelines.activity.read_files import Block, table_stem
from pipelines.activity.refused import RAW_CHARACTERS, BadLine, FileRefusedError
from pipelines.activity.source import PREFIX, Source

# A row of a file with types of its own, without the columns that we add.
_AS_CAME = """CAST(json_merge_patch(to_json(b), '{"_line": null, "_raw": null}') AS VARCHAR)"""


def column_fault(warehouse: Warehouse, source: Source) -> str:
    """Why the SELECT cannot run over what was delivered so far, with the columns that are there; empty when it can."""
    if not all_delivered(warehouse, source):
        return ""
    try:
        column_types(warehouse, f"({source.sql})")
    except duckdb.Error as error:
        first = str(error).splitlines()[0][:300].rstrip(".!")
        return (
            "; ".join(_absent(warehouse, source)) or f"{first}; delivered were {delivered_columns(warehouse, source)}"
        )
    return ""


@contextmanager
def running(warehouse: Warehouse, source: Source) -> Iterator[None]:
    """Turn whatever fails inside the block into an error that blames the source's SELECT.

    Raises:
        NightquestError: The SELECT fails, or yields what cannot be read.
    """
    try:
        yield
    except (FileRefusedError, duckdb.Error) as error:
        if isinstance(error, duckdb.Error) and is_out_of_room(error):
            raise
        why = column_fault(warehouse, source) if isinstance(error, duckdb.BinderException) else ""
        first = (str(error).strip().splitlines() or ["unreadable"])[0][:300].rstrip(".")
        remedy = "Mend its SELECT, in which TRY_CAST(… AS …) gives null for what cannot be read; nothing was taken."
        raise NightquestError(f"The source cannot be run: {why or first}.", remedy) from error


def _absent(warehouse: Warehouse, source: Source) -> Iterator[str]:
    """Which columns the source reads that no delivery of their table ever had."""
    for table, names in source.reads.items():
        if missing := never_had(warehouse, source, table):
            there = [name for name in column_types(warehouse, table) if name not in OWN_COLUMNS]
            yield f"'{table.removeprefix(PREFIX)}' {say_lacking(missing, there, known=names)}"


def never_had(warehouse: Warehouse, source: Source, table: str) -> list[str]:
    """The columns that a source reads of a raw table and that no delivery of it ever had."""
    there = {name.lower() for name in column_types(warehouse, table)}
    return [name for name in source.reads.get(table, ()) if name.lower() not in there]


def all_delivered(warehouse: Warehouse, source: Source) -> bool:
    """Whether there is every raw table that a source reads."""
    return all(_exists(warehouse, table) for table in source.tables)


def delivered_columns(warehouse: Warehouse, source: Source) -> str:
    """The columns of each raw table that a source reads, in words."""
    found = {table: [c for c in column_types(warehouse, table) if c not in OWN_COLUMNS] for table in source.tables}
    return "; ".join(f"'{table.removeprefix(PREFIX)}' with {', '.join(names)[:300]}" for table, names in found.items())


def table_for(path: Path, tables: Sequence[str]) -> str | None:
    """The raw table that a file feeds: named like it, or like it and a suffix (`votes-2018-03.csv` feeds raw_votes)."""
    name = PREFIX + re.sub(r"[^a-z0-9]+", "_", table_stem(path).lower()).strip("_")
    if name in tables:
        return name
    longer = [table for table in tables if re.match(rf"{re.escape(table)}[_0-9]", name)]
    return max(longer, key=len, default=None)


def keep_block(warehouse: Warehouse, table: str, block: Block, delivery_id: str) -> tuple[int, list[BadLine]]:
    """Append a block's rows to a raw table, adding columns it does not have yet.

    Returns:
        The rows kept, and those with a value that does not fit its column.
    """
    with warehouse.lend(_block=block.frame):
        relation, bad = taken_apart(warehouse) if block.is_json else ("_block", [])
        types = {name: kind for name, kind in column_types(warehouse, relation).items() if name not in OWN_COLUMNS}
        kinds = _make_room(warehouse, table, types)
        bad += _misfits(warehouse, relation, types, kinds)
        if not types:
            return 0, bad
        columns = ", ".join(quote(name) for name in types)
        values = ", ".join(f"TRY_CAST({quote(name)} AS {kinds[name.lower()]})" for name in types)
        with warehouse.lend(_misfits=pl.DataFrame({"_line": [b.line for b in bad]}, schema={"_line": pl.Int64})):
            kept = warehouse.value(
                f"INSERT INTO {table} ({columns}, _delivery_id, _row) "
                f"SELECT {values}, {text(delivery_id)}, _line FROM {relation} ANTI JOIN _misfits USING (_line)"
            )
    return int(kept), bad


def check_delivered(warehouse: Warehouse, source: Source, refused: Iterable[str]) -> None:
    """Make sure that every raw table the source reads exists.

    Raises:
        NightquestError: Nothing was ever delivered for one of them; names the file.
    """
    missing = [table for table in source.tables if not _exists(warehouse, table)]
    if missing:
        files = " and ".join(f"'{table.removeprefix(PREFIX)}'" for table in missing)
        because = "".join(f" ({reason})" for reason in refused)
        raise NightquestError(
            f"The source also reads {files}, and no such file has been delivered{because}.",
            f"Deliver {files} (.csv, .jsonl or .parquet) together with the others, as a folder for instance.",
        )


def has_rows_of(warehouse: Warehouse, table: str, delivery_id: str) -> bool:
    """Whether a raw table still holds a delivery."""
    found = f"SELECT count(*) FROM {table} WHERE _delivery_id = $id"
    return _exists(warehouse, table) and bool(warehouse.value(found, {"id": delivery_id}))


def forget_delivery(warehouse: Warehouse, table: str, delivery_id: str) -> None:
    """Take the rows of a half-read file out of a raw table again."""
    if _exists(warehouse, table):
        warehouse.run(f"DELETE FROM {table} WHERE _delivery_id = $id", {"id": delivery_id})


def _exists(warehouse: Warehouse, table: str) -> bool:
    named = "database_name = current_database() AND table_name = $name"
    return bool(warehouse.value(f"SELECT count(*) FROM duckdb_tables() WHERE {named}", {"name": table}))


def taken_apart(warehouse: Warehouse) -> tuple[str, list[BadLine]]:
    """The JSON objects lent as `_block`, as columns of text: a query with one for every key, and the broken lines."""
    docs = "(SELECT _line, _raw, TRY_CAST(_raw AS JSON) AS doc FROM _block)"
    repeats, key = repeated_key("json_keys(doc)")
    fault = (
        "CASE WHEN doc IS NULL OR json_type(doc) <> 'OBJECT' THEN 'the line is not a JSON object' "
        f"WHEN {repeats} THEN 'the line names ''' || {key} || ''' twice' END"
    )
    broken = f"SELECT _line, _raw[:{RAW_CHARACTERS}], {fault} AS fault FROM {docs} WHERE fault IS NOT NULL"
    bad = [BadLine(*row) for row in warehouse.frame(broken).iter_rows()]
    keys = warehouse.frame(
        f"SELECT DISTINCT unnest(json_keys(doc)) AS key FROM {docs} WHERE ({fault}) IS NULL ORDER BY key"
    )["key"].to_list()
    keys = [key for key in keys if key not in MARKS]
    if keys:
        check_columns(keys)
    values = "".join(f", doc ->> {text(_pointer(key))} AS {quote(key)}" for key in keys)
    return f"(SELECT _line, _raw{values} FROM {docs} WHERE ({fault}) IS NULL)", bad


def _pointer(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _make_room(warehouse: Warehouse, table: str, types: dict[str, str]) -> dict[str, str]:
    """Create the raw table or its missing columns; returns its column types by lower-case name."""
    if not _exists(warehouse, table):
        columns = "".join(f"{quote(name)} {_storable(kind)}, " for name, kind in types.items())
        warehouse.run(f"CREATE TABLE {table} ({columns}_delivery_id VARCHAR NOT NULL, _row BIGINT NOT NULL)")
    kinds = {name.lower(): kind for name, kind in column_types(warehouse, table).items()}
    for name, kind in types.items():
        if name.lower() not in kinds:
            warehouse.run(f"ALTER TABLE {table} ADD COLUMN {quote(name)} {_storable(kind)}")
            kinds[name.lower()] = _storable(kind)
    return kinds


def _is_nested(kind: str) -> bool:
    return kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION"))


def _storable(kind: str) -> str:
    return "VARCHAR" if kind == '"NULL"' else kind


def _misfits(warehouse: Warehouse, relation: str, types: dict[str, str], kinds: dict[str, str]) -> list[BadLine]:
    """Rows holding a value that an existing column of another type cannot take."""
    clashes = [name for name, kind in types.items() if kind not in (kinds[name.lower()], '"NULL"')]
    if not clashes:
        return []
    for name in clashes:
        if _is_nested(types[name]) or _is_nested(kinds[name.lower()]):
            was = kinds[name.lower()][:60].lower()
            raise FileRefusedError(f"The column '{name[:60]}' is {types[name][:60].lower()} and was {was} before.")
    tests = {
        name: f"{quote(name)} IS NOT NULL AND TRY_CAST({quote(name)} AS {kinds[name.lower()]}) IS NULL"
        for name in clashes
    }
    told = " ".join(
        f"WHEN {test} THEN {text(f'column {name} is not {kinds[name.lower()].lower()} as in earlier deliveries')}"
        for name, test in tests.items()
    )
    rows = warehouse.frame(
        f"SELECT _line, coalesce(_raw, {_AS_CAME})[:{RAW_CHARACTERS}], CASE {told} END AS reason "
        f"FROM {relation} AS b WHERE {' OR '.join(tests.values())}"
    )
    return [BadLine(*row) for row in rows.iter_rows()]
