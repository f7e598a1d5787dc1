"""A source: the one SELECT that reads events, players or the calendar out of foreign tables, checked before it runs."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from configs.errors import NightquestError
from pipelines.activity.columns import OWN_COLUMNS

PREFIX = "raw_"
# Functions that sqlglot has no class for, and that only look at their arguments.
_PLAIN_FUNCTIONS = frozenset(
    (
        *("bar", "bit_count", "contains", "datepart", "datesub", "epoch", "epoch_ms", "epoch_ns", "epoch_us"),
        *("isfinite", "isinf", "isnan", "json", "json_array_length", "json_contains", "json_extract"),
        *("json_extract_path", "json_extract_path_text", "json_extract_string", "json_keys", "json_merge_patch"),
        *("json_object", "json_type", "json_valid", "list_aggregate", "list_contains", "list_element"),
        *("list_value", "make_date", "make_time", "make_timestamp", "make_timestamptz", "map_extract"),
        *("md5_number_lower", "printf", "regexp_full_match", "row", "strftime", "strip_accents", "strptime", "to_json"),
        *("struct_pack", "to_days", "to_hours", "to_microseconds", "to_milliseconds", "to_minutes", "to_months"),
        *("to_seconds", "to_weeks", "to_years", "trunc", "try_strptime", "url_decode", "url_encode"),
    )
)
# The clock, chance and settings: the same rows must give the same events.
_FORBIDDEN = (
    *(exp.CurrentDate, exp.CurrentDatetime, exp.CurrentTime, exp.CurrentTimestamp, exp.CurrentUser),
    *(exp.Localtime, exp.Localtimestamp, exp.Rand, exp.Randn, exp.Uuid, exp.Into, exp.Parameter, exp.Placeholder),
    *(exp.SessionParameter, exp.Command, exp.ReadCSV, exp.ReadParquet),
)


@dataclass(frozen=True)
class Source:
    """A checked SELECT over raw tables.

    Attributes:
        sql: What is run: the checked tree written out again.
        tables: The raw tables it reads, by name.
        hash: Of its text; a mended source may take a delivery again.
        yields: The columns that it names; empty when it yields whatever a table has.
        reads: The columns that it reads of each raw table, by name, as far as its text tells.
        joined: The raw tables that are read beside others.
    """

    sql: str
    tables: tuple[str, ...]
    hash: str
    yields: tuple[str, ...] = ()
    reads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    joined: frozenset[str] = frozenset()


def read_source(sql: str) -> Source:
    """Parse and check the text of a source.

    Raises:
        NightquestError: It is not one SELECT over raw tables, or calls what reads files, the clock or chance.
    """
    try:
        statements = [s for s in sqlglot.parse(sql, dialect="duckdb") if s is not None]
    except SqlglotError as error:
        raise _wrong(f"cannot be read as SQL: {str(error).splitlines()[0]}") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise _wrong("must be one SELECT")
    tree = statements[0]
    for node in tree.walk():
        _check_node(node)
    scopes = [*traverse_scope(tree)]
    names = {table.name.lower() for scope in scopes for table in scope.sources.values() if isinstance(table, exp.Table)}
    strange = sorted(name for name in names if not re.fullmatch(r"raw_[a-z0-9_]+", name))
    if strange:
        raise _wrong(f"reads '{strange[0]}'; it may read raw tables only, named raw_ and the name of their file")
    if not names:
        raise _wrong("reads no raw table")
    return Source(
        tree.sql(dialect="duckdb", comments=False),
        tuple(sorted(names)),
        hashlib.sha256(sql.encode()).hexdigest(),
        () if tree.is_star else tuple(tree.named_selects),
        _reads(scopes),
        frozenset(
            table.name.lower()
            for scope in scopes
            for table in scope.sources.values()
            if isinstance(table, exp.Table) and (len(scope.sources) > 1 or table.find_ancestor(exp.In, exp.Exists))
        ),
    )


def _reads(scopes: Iterable[Scope]) -> dict[str, tuple[str, ...]]:
    """The columns of raw tables that scopes name: of `r.doc.field` the column is `doc`."""
    found: dict[str, dict[str, None]] = {}
    for scope in scopes:
        tables = {name: table.name.lower() for name, table in scope.sources.items() if isinstance(table, exp.Table)}
        for column in scope.columns:
            first, *rest = [part.name for part in column.parts]
            if first in tables and rest:
                found.setdefault(tables[first], {})[rest[0]] = None
            elif len(scope.sources) == 1 and tables and not rest and first not in _named(scope):
                found.setdefault(next(iter(tables.values())), {})[first] = None
    return {table: tuple(name for name in names if name not in OWN_COLUMNS) for table, names in found.items()}


def _named(scope: Scope) -> list[str]:
    return scope.expression.named_selects if isinstance(scope.expression, exp.Query) else []


def _wrong(what: str) -> NightquestError:
    return NightquestError(
        f"The source {what}.", "Mend its file in configs/sources; docs/ingest.md says what it may hold."
    )


def _check_node(node: exp.Expr) -> None:
    if isinstance(node, _FORBIDDEN):
        raise _wrong(f"uses '{node.sql(dialect='duckdb')[:60]}'; the same rows must always give the same events")
    if isinstance(node, exp.Anonymous) and node.name.lower() not in _PLAIN_FUNCTIONS:
        raise _wrong(f"calls '{node.name[:60]}', which is not on the list of functions a source may call")
    if isinstance(node, exp.Table) and (not isinstance(node.this, exp.Identifier) or node.args.get("db")):
        raise _wrong(
            f"reads '{node.sql(dialect='duckdb')[:60]}'; it may read raw tables only, never files or functions"
        )
