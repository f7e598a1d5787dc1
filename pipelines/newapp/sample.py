"""A sample of somebody's files: raw tables as their source will have them, and what each of their columns holds."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from configs.errors import NightquestError
from configs.files import Files
from data.warehouse import Warehouse
from pipelines.activity.columns import OWN_COLUMNS
from pipelines.activity.normalise import column_types, quote, text
from pipelines.activity.preview import goes_on
from pipelines.activity.raw_tables import keep_block
from pipelines.activity.read_files import LIMITS, read_blocks, table_stem
from pipelines.activity.refused import FileRefusedError
from pipelines.newapp.belonging import Filled, filled_by
from pipelines.newapp.forms import Form, forms_of
from pipelines.newapp.vocabulary import DURATION, HEADS, WRITTEN_OUT
from pipelines.newapp.wide import is_wide, unpivoted

_DEEPEST, _MOST_COLUMNS, _RARE = 3, 80, 0.002
_MOST_KINDS, _NEARLY_ALL = 200, 0.95
_DATED = re.compile(r"(?:_(?:\d+|part|export|q\d|[a-z]{3}\d{2,4}))+$")  # what tells one delivery of a table from others


@dataclass(frozen=True)
class Column:
    """A column, or a value within a JSON document, with what the sample shows of it.

    Attributes:
        name: As people would say it: 'cust id', or 'result.score.scaled' within a document.
        sql: How a SELECT reads it, as text or in its own type, from the table `r`.
        filled: Rows that have it.
        distinct: How many different values.
        form: What its values are, and the SQL that reads them.
        values: The most frequent values.
    """

    name: str
    sql: str
    filled: int
    distinct: int
    form: Form
    values: tuple[str, ...]

    @property
    def examples(self) -> tuple[str, ...]:
        """Some values."""
        return self.values[:3]

    @property
    def words(self) -> tuple[str, ...]:
        """Its name in lower-case words."""
        return words_of(self.name)


@dataclass(frozen=True)
class Table:
    """A raw table with its columns; `rows` of it were looked at, and it goes on where it is `partly` known.

    `filled` says of columns that may tell kinds apart, by value, how many rows have each column that not all rows have.
    """

    name: str
    files: tuple[Path, ...]
    rows: int
    columns: tuple[Column, ...]
    written: Files
    partly: bool = False
    bad: int = 0
    notes: tuple[str, ...] = field(default=())
    wide: str = ""
    filled: Mapping[str, Filled] = field(default_factory=dict)

    @property
    def relation(self) -> str:
        """What a SELECT reads: the raw table, or that as a row for each mark where it has a column for each day."""
        return self.wide or self.name

    def column(self, name: str) -> Column | None:
        """The column of a name, however it is spelled."""
        return next((one for one in self.columns if one.words == words_of(name)), None)


def words_of(name: str) -> tuple[str, ...]:
    """A name taken apart into lower-case words: 'InvoiceNo', 'invoice_no' and 'Invoice no.' are alike."""
    parted = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1 \2", re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name))
    plain = (word.lower() for word in re.split(r"[\W_]+", parted) if word)
    return tuple(part for word in plain for part in _parts(word))


def _parts(word: str) -> tuple[str, ...]:
    """A German compound as what it says of its head, and that: 'kampfdauer' is a 'dauer'."""
    compound = HEADS.match(word)
    return (compound[1], compound[2]) if compound else (word,)


def plain_name(words: Sequence[str], fallback: str = "thing") -> str:
    """Words as a name that an app file may have: lower-case letters, digits and underscores."""
    said = "_".join(words).lower().translate(WRITTEN_OUT)
    flat = unicodedata.normalize("NFKD", said).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "_", flat).strip("_")[:40].strip("_")
    return name if re.match("[a-z]", name) else f"{fallback}_{name}".strip("_")


def read_tables(warehouse: Warehouse, files: Sequence[Path], written: dict[Path, Files]) -> list[Table]:
    """The sample as tables: files of one name and kind in one, the beginning of each.

    Raises:
        NightquestError: A file cannot be read.
    """
    names = {path: _table_name(path) for path in files}
    return [
        _read_table(warehouse, name, [path for path in files if names[path] == name], written)
        for name in dict.fromkeys(names.values())
    ]


def _table_name(path: Path) -> str:
    bare = re.sub(r"[^a-z0-9]+", "_", table_stem(path).lower()).strip("_")
    if not bare:
        raise NightquestError(
            f"The table of '{path.name}' would have no name.",
            "Name the file with letters from a to z, such as sales.csv.",
        )
    return f"raw_{_DATED.sub('', bare) or bare}"


def _read_table(warehouse: Warehouse, name: str, files: list[Path], written: dict[Path, Files]) -> Table:
    bad = 0
    for place, path in enumerate(files, 1):
        try:
            block = next(iter(read_blocks(path, (), LIMITS, written=written[path])))
            kept, misfits = keep_block(warehouse, name, block, f"{place:08d}")
        except FileRefusedError as error:
            raise NightquestError(f"{path}: {error}", "docs/ingest.md says what goes in.") from None
        bad += len(block.bad) + len(misfits)
        if not kept:
            why = f": {block.bad[0].reason}" if block.bad else ""
            raise NightquestError(f"{path} holds no rows{why}.", "Give a file with rows in it.")
    names = [column for column in column_types(warehouse, name) if column not in OWN_COLUMNS]
    wide = unpivoted(name, names) if is_wide(names) else ""
    rows = int(warehouse.value(f"SELECT count(*) FROM {wide or name}"))
    columns = tuple(_columns(warehouse, wide or name, rows))
    partly = any(goes_on(path, LIMITS) for path in files)
    filled = _filled(warehouse, wide or name, columns, rows)
    return Table(name, tuple(files), rows, columns, written[files[0]], partly, bad, wide=wide, filled=filled)


def _filled(warehouse: Warehouse, relation: str, columns: Sequence[Column], rows: int) -> dict[str, Filled]:
    now_and_then = {one.name: one.sql for one in columns if 0 < one.filled < rows}
    kinds = [
        one
        for one in columns
        if one.form.kind == "text" and 2 <= one.distinct <= _MOST_KINDS and one.filled >= _NEARLY_ALL * rows
    ]
    return {one.name: filled_by(warehouse, relation, one.sql, now_and_then) for one in kinds if now_and_then}


def _columns(warehouse: Warehouse, table: str, rows: int) -> list[Column]:
    found = []
    for name, kind in column_types(warehouse, table).items():
        if name in OWN_COLUMNS:
            continue
        sql = f"r.{quote(name)}"
        nested = kind.startswith(("STRUCT", "MAP", "JSON"))
        found += _spread(warehouse, table, name, f"to_json({sql})" if nested else sql, kind, rows)
    return found[:_MOST_COLUMNS]


def _spread(
    warehouse: Warehouse, table: str, name: str, sql: str, kind: str, rows: int, depth: int = 0
) -> list[Column]:
    """A column, or each value within it where it holds documents."""
    keys = _keys(warehouse, table, sql) if kind.startswith(("VARCHAR", "STRUCT", "MAP", "JSON")) else {}
    if keys and depth < _DEEPEST:
        if not depth and kind == "VARCHAR":  # a later row may hold what is no document
            sql = f"TRY_CAST({sql} AS JSON)"
        return [
            column
            for key, count in keys.items()
            if count > _RARE * rows
            for column in _spread(warehouse, table, f"{name}.{key}", _within(sql, key), "VARCHAR", rows, depth + 1)
        ]
    counted = warehouse.rows(
        f"SELECT v, count(*) AS n FROM (SELECT nullif(trim(CAST({sql} AS VARCHAR)), '') AS v FROM {table} AS r) "
        "WHERE v IS NOT NULL GROUP BY v ORDER BY n DESC, v"
    )
    values = [str(value) for value, _ in counted]
    form = forms_of(warehouse, values, kind, sql, lasts=bool(set(words_of(name)) & DURATION.keys()))
    return [Column(name, sql, sum(n for _, n in counted), len(values), form, tuple(values[:200]))]


def _keys(warehouse: Warehouse, table: str, sql: str) -> dict[str, int]:
    """The keys of a column whose values are JSON objects, with the rows that have them; empty for any other."""
    doc = f"TRY_CAST({sql} AS JSON)"
    filled, objects = warehouse.rows(
        f"SELECT count(v), count(*) FILTER (v LIKE '{{%' AND json_type(TRY_CAST(v AS JSON)) = 'OBJECT') "
        f"FROM (SELECT CAST({sql} AS VARCHAR) AS v FROM {table} AS r)"
    )[0]
    if not filled or objects < 0.95 * filled:
        return {}
    return dict(
        warehouse.rows(
            f"SELECT k, count(*) AS n FROM (SELECT unnest(json_keys({doc})) AS k FROM {table} AS r "
            f"WHERE json_type({doc}) = 'OBJECT') GROUP BY k ORDER BY min(k)"
        )
    )


def _within(sql: str, key: str) -> str:
    """A value one step deeper: 'r."actor" ->> '/account/name''."""
    pointer = key.replace("~", "~0").replace("/", "~1")
    outer = re.match(r"^\((.*) ->> '(/.*)'\)$", sql)
    if outer:
        return f"({outer[1]} ->> {text(outer[2].replace(chr(39) * 2, chr(39)) + '/' + pointer)})"
    return f"({sql} ->> {text('/' + pointer)})"
