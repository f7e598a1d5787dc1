"""Rows on their way from a PostgreSQL into a Parquet file: those that are new since a watermark, a part at a time.

They come by COPY, in the order of the watermark, seen at one moment. Whole numbers, numbers, and yes or no keep their
types; all else comes as the text that PostgreSQL prints, in UTC, so that nothing is lost or made up on the way.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from configs.commands import command
from configs.errors import NightquestError
from configs.pulls import Pull
from data.postgres import compose, name, plain, value
from pipelines.activity.read_csv import check_columns
from pipelines.activity.refused import FileRefusedError

if TYPE_CHECKING:
    from data.postgres import Composed, Connection

PART_BYTES = 8 << 20  # of text that is in memory at one time
_MARK = "nightquest watermark"  # no column of a SELECT has a blank unless somebody means it
_ARROW = {
    **dict.fromkeys(("smallint", "integer", "bigint", "oid"), pa.int64()),
    **dict.fromkeys(("real", "double precision"), pa.float64()),
    "boolean": pa.bool_(),
}


@dataclass(frozen=True)
class _Kind:
    """How a watermark's type becomes a whole number, and back.

    Attributes:
        counted: The column as a whole number.
        since: Whether the column is as new as a whole number.
        now: The whole number of this moment, beyond which nothing counts as the newest.
        unit: Of `overlap`, in whole numbers.
        overlap: Unless the app file says another.
    """

    counted: str
    since: str
    now: str
    unit: int
    overlap: int


def _moment(kind: str) -> _Kind:
    return _Kind(
        "(extract(epoch FROM {mark}) * 1000000)::bigint",
        f"isfinite({{mark}}) AND {{mark}} >= {kind} 'epoch' + {{since}} * interval '1 microsecond'",
        "(extract(epoch FROM now()) * 1000000)::bigint",
        1_000_000,
        3600,
    )


_NUMBER = _Kind("({mark})::bigint", "{mark} >= {since}", "9223372036854775807", 1, 1000)
_KINDS: Mapping[str, _Kind] = {
    **dict.fromkeys(("smallint", "integer", "bigint"), _NUMBER),
    "timestamp with time zone": _moment("timestamptz"),
    "timestamp without time zone": _moment("timestamp"),
    "date": _Kind(
        "({mark} - date '1970-01-01')",
        "isfinite({mark}) AND {mark} >= date '1970-01-01' + {since}::integer",
        "(current_date - date '1970-01-01')",
        1,
        1,
    ),
}


@dataclass(frozen=True)
class Since:
    """Where a pull stands.

    Attributes:
        mark: The newest watermark, as a whole number; None before the first pull.
        watermark: The column that it is of.
        columns: Each column's type in PostgreSQL, by name.
        recent: Hashes of the values of the rows taken last, which the next pull sees again, by column.
    """

    mark: int | None = None
    watermark: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    recent: pl.DataFrame = field(default_factory=pl.DataFrame)


@dataclass(frozen=True)
class RowsRead:
    """What a pull has read.

    Attributes:
        rows: How many are new, in the file.
        since: Where it stands once they are taken.
        notes: What a person should know.
    """

    rows: int
    since: Since
    notes: tuple[str, ...]


def read_columns(con: "Connection", title: str, pull: Pull) -> dict[str, str]:
    """The type of each column that a pull's SELECT yields, by name.

    Raises:
        NightquestError: Two have one name, one has a name that cannot be kept, or the watermark cannot be one.
    """
    found = con.execute(compose("SELECT * FROM ({select}\n) AS pulled LIMIT 0", select=plain(pull.select))).description
    told = [(column.name, column.type_code) for column in found or ()]
    kinds = con.execute("SELECT oid, format_type(oid, NULL) FROM pg_type WHERE oid = ANY(%s)", [[c for _, c in told]])
    by_code = dict(kinds.fetchall())
    try:
        check_columns([column for column, _ in told])
    except FileRefusedError as error:
        raise NightquestError(f"{title}: {error}", "Name its columns with AS in the SELECT.") from None
    columns = {column: by_code[code] for column, code in told}
    if columns.get(pull.watermark) not in _KINDS:
        is_what = f"is {columns[pull.watermark]}" if pull.watermark in columns else f"is not among {', '.join(columns)}"
        raise NightquestError(
            f"{title}: its watermark {pull.watermark} {is_what}.",
            "Yield a column that is a moment, a date or a whole number and only grows, such as updated_at or id.",
        )
    return columns


def read_rows(
    con: "Connection",
    title: str,
    pull: Pull,
    since: Since,
    file: Path,
    *,
    app: str = "",
    leave_out: Sequence[str] = (),
    most: int | None = None,
) -> RowsRead:
    """Write what is new into a Parquet file.

    Args:
        con: In a transaction that sees one moment.
        title: What is read, at the start of a sentence.
        pull: The app file's words.
        since: Where the pull stands.
        file: Written anew.
        app: For which it is read.
        leave_out: Columns that are not written.
        most: Rows to read at most; none is all.

    Raises:
        NightquestError: The SELECT cannot be used, or another kind of watermark has been used before.
    """
    columns = read_columns(con, title, pull)
    kind = _KINDS[columns[pull.watermark]]
    before = since.columns.get(since.watermark, "")
    if since.mark is not None and (since.watermark, _KINDS[before]) != (pull.watermark, kind):
        raise NightquestError(
            f"{title}: its watermark is {pull.watermark} ({columns[pull.watermark]}), and was {since.watermark} "
            f"({before}) before.",
            f"Read everything again: {command('pull', '--again', app=app)}",
        )
    overlap = (kind.overlap if pull.overlap is None else pull.overlap) * kind.unit
    (now,) = con.execute(compose("SELECT {now}", now=plain(kind.now))).fetchone() or (0,)
    sink = _File(file, columns, leave_out, since, int(now), overlap)
    query = _query(pull, kind, None if since.mark is None else since.mark - overlap, most)
    try:
        _receive(con, query, sink)
    except pa.ArrowInvalid as error:
        said = (str(error).splitlines() or ["unreadable"])[0][:160].rstrip(".")
        raise NightquestError(
            f"{title} yields what cannot be read: {said}.", "Cast it to text in the SELECT."
        ) from None
    mark = since.mark if sink.mark is None else max(sink.mark, sink.mark if since.mark is None else since.mark)
    notes = [*_changes(since.columns, columns)]
    if since.mark is not None and sink.mark is None:
        notes.append(
            "no row is as new as the newest one taken before; if the table was restored or emptied, pull --again"
        )
    return RowsRead(sink.rows, Since(mark, pull.watermark, columns, sink.recent), tuple(notes))


def _receive(con: "Connection", query: "Composed", sink: "_File") -> None:
    held: list[bytes] = []
    size = 0
    with con.cursor() as cursor, cursor.copy(compose("COPY ({query}) TO STDOUT (FORMAT csv)", query=query)) as copy:
        for row in copy:
            held.append(bytes(row))
            size += len(row)
            if size >= PART_BYTES:
                sink.add(b"".join(held))
                held, size = [], 0
    sink.add(b"".join(held))
    sink.close()


def _query(pull: Pull, kind: _Kind, since: int | None, most: int | None) -> "Composed":
    mark = name("pulled", pull.watermark)
    where = compose(kind.since, mark=mark, since=value(since)) if since is not None else compose("true")
    if since is None and "isfinite" in kind.since:
        where = compose("isfinite({mark})", mark=mark)
    return compose(
        "SELECT pulled.*, {counted} AS {as_mark} FROM ({select}\n) AS pulled WHERE {where} AND {mark} IS NOT NULL "
        "ORDER BY {mark} {limit}",
        counted=compose(kind.counted, mark=mark),
        as_mark=name(_MARK),
        select=plain(pull.select),
        where=where,
        mark=mark,
        limit=compose("LIMIT {most}", most=value(most)) if most is not None else compose(""),
    )


class _File:
    """The Parquet file that grows part by part, without the rows that were taken before."""

    def __init__(
        self, file: Path, columns: Mapping[str, str], leave_out: Sequence[str], since: Since, now: int, overlap: int
    ) -> None:
        self.types = {column: _ARROW.get(kind, pa.string()) for column, kind in columns.items()}
        self.leave_out = [_MARK, *leave_out]
        kept = [(column, kind) for column, kind in self.types.items() if column not in leave_out]
        self.writer = pq.ParquetWriter(file, pa.schema(kept))
        self.known, self.now, self.overlap, self.rows = since.recent, now, overlap, 0
        # A row is known by the values of the columns that are still what they were.
        self.same = [column for column, kind in columns.items() if since.columns.get(column) == kind]
        self.mark: int | None = None  # the newest; a row dated in the future does not count, and is seen again
        self._recent = pl.DataFrame(schema={_MARK: pl.Int64, **dict.fromkeys(columns, pl.UInt64)})

    def add(self, text: bytes) -> None:
        if not text:
            return
        types = {**self.types, _MARK: pa.int64()}
        table = pc.read_csv(
            io.BytesIO(text),
            read_options=pc.ReadOptions(column_names=list(types), block_size=2 * len(text)),
            parse_options=pc.ParseOptions(newlines_in_values=True),
            convert_options=pc.ConvertOptions(
                column_types=types,
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                true_values=["t"],
                false_values=["f"],
            ),
        )
        hashes = pl.DataFrame(table).select(_MARK, *(pl.col(column).hash() for column in self.types))
        rows = table.drop_columns(self.leave_out)
        self.mark = min(int(hashes[_MARK][-1]), self.now)
        self._recent = pl.concat([self._recent, hashes]).filter(pl.col(_MARK) >= self.mark - self.overlap)
        if self.same and self.known.height:
            new = hashes.with_row_index("at").join(self.known, on=self.same, how="anti", maintain_order="left")
            rows = rows.take(new["at"].to_arrow())
        self.rows += rows.num_rows
        self.writer.write_table(rows)

    def close(self) -> None:
        self.writer.close()

    @property
    def recent(self) -> pl.DataFrame:
        """Hashes of the rows that the next pull sees again."""
        return self._recent.drop(_MARK)


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> Sequence[str]:
    """What has become of the columns since the last pull, in words."""
    if not before:
        return ()
    told = [f"the column {column} is new ({now[column]})" for column in now if column not in before]
    told += [f"the column {column} is gone" for column in before if column not in now]
    return told + [
        f"the column {column} is {kind} and was {before[column]} before"
        for column, kind in now.items()
        if before.get(column, kind) != kind
    ]
