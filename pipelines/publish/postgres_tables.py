"""Published tables as tables of PostgreSQL: made from their contracts, and kept in step with what a night brings."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from configs.errors import NightquestError
from data.postgres import compose, listed, name, plain, value

if TYPE_CHECKING:
    from data.contracts_out import Contract
    from data.postgres import Composed, Connection

_KINDS: Mapping[type[pl.DataType], str] = {
    pl.String: "text",
    pl.Int32: "integer",
    pl.Int64: "bigint",
    pl.Float64: "double precision",
    pl.Date: "date",
    pl.Boolean: "boolean",
    pl.Datetime: "timestamp with time zone",
    pl.List: "jsonb",
    pl.Struct: "jsonb",
}
# What a column may become without losing anything, by what it is.
_WIDER = {"integer": ("bigint", "double precision"), "bigint": ("double precision",), "jsonb": ("text",)}


@dataclass(frozen=True)
class Column:
    """A column as PostgreSQL has it."""

    name: str
    kind: str
    nullable: bool


@dataclass(frozen=True)
class Layout:
    """A table as PostgreSQL is to have it.

    Attributes:
        key: Columns that identify a row of a night, those that may be empty with them; empty when nothing does.
        screen: Columns that a player's screen needs.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    screen: tuple[str, ...] = ()

    def declared(self, *, loose: bool = False) -> "Composed":
        """The columns of a CREATE TABLE; `loose` without what they must not lack."""
        return listed(
            compose(
                "{name} {kind}", name=name(c.name), kind=plain(c.kind if loose or c.nullable else f"{c.kind} NOT NULL")
            )
            for c in self.columns
        )

    def shown(self, some: tuple[str, ...]) -> tuple[str, ...]:
        """Those of some columns that there are; without any, those of a screen."""
        there = {column.name for column in self.columns}
        return tuple(each for each in some if each in there) if some else self.screen

    @property
    def names(self) -> "Composed":
        """The columns' names, with commas."""
        return listed(name(column.name) for column in self.columns)


def layout_of(table: str, types: Mapping[str, pl.DataType], contract: "Contract | None") -> Layout:
    """How a file of a night lies in PostgreSQL.

    Args:
        table: Its name.
        types: Of the file's columns, in their order.
        contract: What today's code promises of the table; None when it knows none of that name.
    """
    promised = contract.schema.columns if contract else {}
    documents = contract.documents if contract else ()
    columns = tuple(
        Column(
            each,
            "jsonb" if each in documents else _KINDS[type(kind)],
            promised[each].nullable if each in promised else True,
        )
        for each, kind in types.items()
    )
    key = contract.key if contract and set(contract.key) <= set(types) else ()
    screen = tuple(each for each in types if contract and each in contract.screen)
    return Layout(table, columns, ("app", *key, "as_of") if key else (), screen)


def with_texts(frame: pl.DataFrame, layout: Layout) -> bytes:
    """Rows as COPY reads them (FORMAT csv): nested values as JSON, no value for what is empty, moments in UTC.

    PostgreSQL holds no character of code zero: U+FFFD stands for it.
    """
    documents = {column.name for column in layout.columns if column.kind == "jsonb"}
    values = []
    for column, kind in frame.schema.items():
        each = pl.col(column)
        if isinstance(kind, pl.Struct):
            each = each.struct.json_encode()
        elif isinstance(kind, pl.List):  # only structs are encoded: a list is cut out of one, {"column":[…]}
            whole = pl.struct(column).struct.json_encode().str.slice(len(column) + 4).str.head(-1)
            each = pl.when(each.is_not_null()).then(whole).alias(column)
        if column in documents:
            each = each.str.replace_all("\\u0000", "\\ufffd", literal=True)
        values.append(each)
    text = io.BytesIO()
    frame.select(values).write_csv(text, include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f+00")
    return text.getvalue().replace(b"\0", "\ufffd".encode())


def make_schema(con: "Connection", schema: str) -> None:
    """Make a schema that is not there; who may not make any can still fill one that is."""
    if con.execute("SELECT to_regnamespace(quote_ident(%s))", [schema]).fetchone() == (None,):
        con.execute(compose("CREATE SCHEMA {schema}", schema=name(schema)))


def has_table(con: "Connection", schema: str, table: str) -> bool:
    """Whether a table is there."""
    return bool(_columns(con, schema, table))


def has_column(con: "Connection", schema: str, table: str, column: str) -> bool:
    """Whether a table is there and has a column."""
    return column in _columns(con, schema, table)


def bring_in_step(con: "Connection", schema: str, layout: Layout) -> None:
    """Make a table, or give one that is there the columns that it lacks.

    A column that a night no longer has stays, and may be empty from now on. One that has become wider is widened.

    Raises:
        NightquestError: A column is there with a type that cannot take the night's values.
    """
    table = name(schema, layout.name)
    there = _columns(con, schema, layout.name)
    if not there:
        con.execute(compose("CREATE TABLE {table} ({columns})", table=table, columns=layout.declared()))
    elif changes := [*_changes(layout, there)]:
        con.execute(compose("ALTER TABLE {table} {changes}", table=table, changes=listed(changes)))
    _keep_key(con, schema, layout)


def _changes(layout: Layout, there: Mapping[str, tuple[str, bool]]) -> Iterable["Composed"]:
    for column in layout.columns:
        kind, nullable = there.get(column.name, (None, True))
        if kind is None:
            yield compose("ADD COLUMN {name} {kind}", name=name(column.name), kind=plain(column.kind))
        elif kind != column.kind and column.kind in _WIDER.get(kind, ()):
            yield compose("ALTER COLUMN {name} TYPE {kind}", name=name(column.name), kind=plain(column.kind))
        elif kind != column.kind and kind not in _WIDER.get(column.kind, ()):
            raise NightquestError(
                f"The column {layout.name}.{column.name} is {kind} there, and {column.kind} in the night.",
                f"Rename that table, or give the column the type {column.kind}.",
            )
        if column.nullable and not nullable:
            yield compose("ALTER COLUMN {name} DROP NOT NULL", name=name(column.name))
    known = {column.name for column in layout.columns}
    for gone in (each for each, (_, nullable) in there.items() if each not in known and not nullable):
        yield compose("ALTER COLUMN {name} DROP NOT NULL", name=name(gone))


def _keep_key(con: "Connection", schema: str, layout: Layout) -> None:
    """Give a table the unique index of its key; the index says in its comment which key it is of, since keys grow."""
    key, index = ", ".join(layout.key), f"{layout.name}_key"
    (said,) = con.execute(
        "SELECT obj_description(to_regclass(format('%%I.%%I', %s::text, %s::text)), 'pg_class')", [schema, index]
    ).fetchone() or (None,)
    if not key or said == key:
        return
    empty = {column.name for column in layout.columns if column.nullable}
    parts = (compose("coalesce({n}, '')" if k in empty else "{n}", n=name(k)) for k in layout.key)
    con.execute(compose("DROP INDEX IF EXISTS {index}", index=name(schema, index)))
    con.execute(
        compose(
            "CREATE UNIQUE INDEX {index} ON {table} ({parts})",
            index=name(index),
            table=name(schema, layout.name),
            parts=listed(parts),
        )
    )
    con.execute(compose("COMMENT ON INDEX {index} IS {key}", index=name(schema, index), key=value(key)))


def _columns(con: "Connection", schema: str, table: str) -> dict[str, tuple[str, bool]]:
    """Type and whether it may be empty, by column; nothing when there is no such table."""
    rows: Sequence[Any] = con.execute(
        """SELECT attname, format_type(atttypid, NULL), NOT attnotnull FROM pg_attribute
           WHERE attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) AND attnum > 0 AND NOT attisdropped""",
        [schema, table],
    ).fetchall()
    return {column: (kind, nullable) for column, kind, nullable in rows}
