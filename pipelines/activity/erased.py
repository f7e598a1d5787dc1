"""People who were erased: known by a keyed hash of their id alone; rows of theirs that are delivered again stay out.

The key is drawn at the first erasure and lies in the same warehouse: who has that can still try whether an id that they
guess is among them, and nobody else can.
"""

import polars as pl

from data.warehouse import Warehouse
from pipelines.activity.normalise import quote
from pipelines.activity.source import PREFIX, Source

_PERSON = "sha256((SELECT key FROM erasure_key) || {id})"


def person_of(warehouse: Warehouse, user_id: str) -> str:
    """The hash by which a person is known once erased; draws the warehouse's key where there is none yet."""
    warehouse.run(
        """INSERT INTO erasure_key SELECT sha256(uuid()::VARCHAR || uuid()::VARCHAR || uuid()::VARCHAR)
           WHERE NOT EXISTS (FROM erasure_key)"""
    )
    return str(warehouse.value(f"SELECT {_PERSON.format(id='$id')}", {"id": user_id}))


def hold_back(warehouse: Warehouse, relation: str) -> None:
    """Move incoming rows of erased people out of a relation into `held_back`, which keeps only their id and place."""
    if not warehouse.value("SELECT count(*) FROM (FROM erased LIMIT 1)"):
        return
    theirs = f"user_id IS NOT NULL AND {_PERSON.format(id='user_id')} IN (SELECT person FROM erased)"
    warehouse.run(f"INSERT INTO held_back SELECT user_id, delivery_id, line FROM {relation} WHERE {theirs}")
    warehouse.run(f"DELETE FROM {relation} WHERE {theirs}")


def let_go(warehouse: Warehouse, source: Source | None) -> int:
    """Delete what was held back from the raw tables, too; returns how many rows."""
    held = warehouse.frame(
        "SELECT user_id, count(DISTINCT (delivery_id, line)) AS rows FROM held_back GROUP BY user_id"
    )
    if source is not None and held.height:
        take_out_raw(warehouse, [source], held.select("user_id"))
    return int(held["rows"].sum())


def find_raw(warehouse: Warehouse, sources: list[Source], ids: pl.DataFrame) -> dict[str, int]:
    """How many rows of each raw table are of people, see `take_out_raw`."""
    with warehouse.lend(_ids=ids):
        return {
            table: int(warehouse.value(f"SELECT count(*) FROM {table} AS t WHERE {theirs}"))
            for table, theirs in _conditions(warehouse, sources).items()
        }


def take_out_raw(warehouse: Warehouse, sources: list[Source], ids: pl.DataFrame) -> None:
    """Delete the rows of people from raw tables: what became their events or records, and all that bears their id.

    Which column of a table holds ids is seen from the rows that the sources yield: in all of them it is the player's
    id. A table of which they yield nothing, since it is joined, has ids in a column of such a name; one called `id`
    names the row.

    Args:
        warehouse: Open for writing.
        sources: Of events and of players.
        ids: user_id.
    """
    with warehouse.lend(_ids=ids):
        for table, theirs in _conditions(warehouse, sources).items():
            warehouse.run(f"DELETE FROM {table} AS t WHERE {theirs}")


def _conditions(warehouse: Warehouse, sources: list[Source]) -> dict[str, str]:
    """For each raw table that is there, which rows `t` are of people in `_ids`, as SQL."""
    warehouse.run("CREATE OR REPLACE TEMP TABLE yielded (place VARCHAR, line BIGINT, user_id VARCHAR)")
    for source in sources:
        if set(source.tables) <= set(_columns(warehouse)):
            yields = {row[0] for row in warehouse.rows(f"DESCRIBE SELECT * FROM ({source.sql})")}
            if {"_delivery_id", "_row", "user_id"} <= yields:
                warehouse.run(
                    f"INSERT INTO yielded SELECT _delivery_id, _row, CAST(user_id AS VARCHAR) FROM ({source.sql})"
                )
    tables = {table: names for table, names in _columns(warehouse).items() if any(table in s.tables for s in sources)}
    own = {table: _id_columns(warehouse, table, names) for table, names in tables.items()}
    called = {name.lower() for names in own.values() for name in names or ()} - {"id", "key"}
    conditions = {}
    for table, names in tables.items():
        known = own[table]
        ids = [name for name in names if name.lower() in called] if known is None else known
        bears = "".join(f" OR CAST(t.{quote(name)} AS VARCHAR) IN (SELECT user_id FROM _ids)" for name in ids)
        became = "SELECT place, line FROM yielded SEMI JOIN _ids USING (user_id)"
        conditions[table] = f"(t._delivery_id, t._row) IN ({became}){bears}"
    return conditions


def _id_columns(warehouse: Warehouse, table: str, names: list[str]) -> list[str] | None:
    """The columns of a raw table that hold the player's id in every row that a source yields; None if there is none."""
    if not names:
        return None
    tests = ", ".join(f"bool_and(CAST(t.{quote(name)} AS VARCHAR) IS NOT DISTINCT FROM y.user_id)" for name in names)
    found = warehouse.rows(
        f"SELECT count(*), {tests} FROM {table} AS t JOIN yielded AS y ON y.place = t._delivery_id AND y.line = t._row"
    )[0]
    return [name for name, holds in zip(names, found[1:], strict=True) if holds] if found[0] else None


def _columns(warehouse: Warehouse) -> dict[str, list[str]]:
    """The columns of every raw table, without those that say where a row comes from."""
    rows = warehouse.rows(
        """SELECT table_name, column_name FROM duckdb_columns()
           WHERE database_name = current_database() AND starts_with(table_name, $p)""",
        {"p": PREFIX},
    )
    tables: dict[str, list[str]] = {}
    for table, column in rows:
        named = tables.setdefault(table, [])
        if column not in {"_delivery_id", "_row"}:
            named.append(column)
    return tables
