"""Delimited text to columns of text, with the line number and raw text of every row.

Tidy blocks (the rule) go through polars; a block with quoted line breaks or broken quoting goes through a strict parser
that gives up single lines, never the file.
"""

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from configs.nouns import counted
from pipelines.activity.columns import OWN_COLUMNS, say_lacking
from pipelines.activity.read_text import Lines
from pipelines.activity.refused import RAW_CHARACTERS, BadLine, FileRefusedError

DELIMITERS = (",", ";", "\t", "|")
BROKEN_QUOTES_ALLOWED = 1000
MAX_COLUMNS = 1000


@dataclass(frozen=True)
class Header:
    """The columns of a delimited file and the character between them."""

    delimiter: str
    columns: tuple[str, ...]


@dataclass
class _Found:
    """What a block held: fields of good rows, the lines they begin on, their text, and bad lines."""

    rows: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    raws: list[str] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)


def read_header(line: str, wanted: Collection[str], delimiters: Sequence[str] = DELIMITERS) -> Header:
    """Find the delimiter with which a header names the wanted columns; without any, the one that splits it most.

    Where nothing is wanted, a column without a name is called column_ and its place, as an index that a tool added.

    Raises:
        FileRefusedError: No delimiter gives the wanted columns, or no table can have these columns.
    """
    found = [Header(d, tuple(name.strip() for name in _fields(line, d))) for d in delimiters]
    best = max(found, key=lambda header: (len(set(wanted) & set(header.columns)), len(header.columns)))
    missing = [name for name in wanted if name not in best.columns]
    if missing:
        start = line[:80].replace("\t", " ")
        seen = best.columns if len(best.columns) > 1 else line.split()
        raise FileRefusedError(
            f"The first line ('{start}') is no header with {', '.join(wanted)}: "
            f"it {say_lacking(missing, seen)}. Name the columns in the first line, separated by commas."
        )
    if not wanted and len(best.columns) > 1:
        filled = tuple(name or f"column_{place}" for place, name in enumerate(best.columns, 1))
        best = Header(best.delimiter, filled)
    check_columns(best.columns)
    return best


def check_columns(names: Sequence[str]) -> None:
    """Make sure that a table can have these columns.

    Raises:
        FileRefusedError: One is unnamed, named twice (upper and lower case are one to SQL) or Nightquest's own.
    """
    low = [name.lower() for name in names]
    twice = [name for i, name in enumerate(names) if low[i] in low[:i]]
    own = [name for name in names if name.lower() in OWN_COLUMNS]
    if twice:
        raise FileRefusedError(f"The column '{twice[0][:60]}' stands twice; name each column differently.")
    if own:
        raise FileRefusedError(f"The column '{own[0]}' is Nightquest's own; rename it.")
    if "" in low or not names or len(names) > MAX_COLUMNS:
        raise FileRefusedError(f"The header leaves a column unnamed or has over {MAX_COLUMNS} columns; mend it.")


def read_rows(blocks: Iterator[Lines], header: Header) -> Iterator[tuple[pl.DataFrame, list[BadLine]]]:
    """Parse what follows the header.

    Yields:
        Rows (_line Int64, _raw String, then the header's columns as String, empty ones null), and the bad lines.

    Raises:
        FileRefusedError: Quoting is broken on too many lines.
    """
    pending, broken = Lines([], []), 0
    for block in blocks:
        lines = Lines(pending.numbers + block.numbers, pending.texts + block.texts)
        counts = _field_counts(lines.texts, header.delimiter)
        frame = None if counts is None else _read_tidy(lines, header, counts, found := _Found(bad=list(block.bad)))
        if frame is not None:
            pending = Lines([], [])
        else:
            found = _Found(bad=list(block.bad))
            rest = _read_carefully(lines, header, found, last=False)
            pending = Lines(lines.numbers[rest:], lines.texts[rest:])
            frame = _to_frame(found, header)
            broken += sum(bad.reason.startswith("the quoting") for bad in found.bad)
            _check_broken(broken)
        yield frame, found.bad
    if pending.texts:
        found = _Found()
        _read_carefully(pending, header, found, last=True)
        _check_broken(broken + len(found.bad))
        yield _to_frame(found, header), found.bad


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def _field_counts(texts: Sequence[str], delimiter: str) -> np.ndarray | None:
    """Fields on each line, or None where quotes span lines or do not stand at the edge of a field."""
    body = np.frombuffer("".join(f"{text}\n" for text in texts).encode(), np.uint8)
    separator, newline, quote = ord(delimiter), 10, 34
    ends, separators, quotes = (np.flatnonzero(body == sign) for sign in (newline, separator, quote))
    if len(quotes):
        if len(quotes) % 2 or (np.searchsorted(quotes, ends) % 2).any():
            return None
        opening, closing = quotes[::2], quotes[1::2]
        before, after = body[opening - 1], body[closing + 1]  # the byte "before" the first is the last newline
        edges = [separator, newline, quote]
        if not (np.isin(before, edges).all() and np.isin(after, edges).all()):
            return None
        separators = separators[np.searchsorted(quotes, separators) % 2 == 0]
    return np.diff(np.searchsorted(separators, ends), prepend=0) + 1


def _read_tidy(lines: Lines, header: Header, counts: np.ndarray, found: _Found) -> pl.DataFrame | None:
    width = len(header.columns)
    frame = pl.DataFrame({"_line": lines.numbers, "_raw": lines.texts}, schema={"_line": pl.Int64, "_raw": pl.String})
    frame = frame.with_columns(count=pl.Series(counts)).filter(pl.col("_raw").str.strip_chars() != "")
    for line, raw, count in frame.filter(pl.col("count") != width).select("_line", "_raw", "count").iter_rows():
        found.bad.append(_wrong_width(line, raw, count, width))
    frame = frame.filter(pl.col("count") == width).drop("count")
    if frame.is_empty():
        return _to_frame(_Found(), header)
    try:
        values = pl.read_csv(
            io.BytesIO("\n".join(frame["_raw"]).encode()),
            has_header=False,
            schema=dict.fromkeys(header.columns, pl.String),
            separator=header.delimiter,
        )
    except pl.exceptions.PolarsError:
        found.bad.clear()
        return None
    if values.height != frame.height:
        found.bad.clear()
        return None
    return pl.concat(
        [frame.select("_line", pl.col("_raw").str.slice(0, RAW_CHARACTERS)), _empty_to_null(values)], how="horizontal"
    )


def _read_carefully(lines: Lines, header: Header, found: _Found, *, last: bool) -> int:
    """Parse with the strict parser; returns where an unfinished quoted row begins, or the end."""
    begun, n = 0, len(lines.texts)
    while begun < n:
        base = begun
        reader = csv.reader((f"{text}\n" for text in lines.texts[base:]), delimiter=header.delimiter, strict=True)
        try:
            for fields in reader:
                end = base + reader.line_num
                if not _keep(fields, lines, begun, end, header, found):
                    break  # a row over several lines with the wrong width: a quote was left open
                begun = end
            else:
                return n
        except csv.Error as error:
            unfinished = "unexpected end of data" in str(error)
            if unfinished and not last and sum(map(len, lines.texts[begun:])) < csv.field_size_limit():
                return begun
        found.bad.append(
            BadLine(lines.numbers[begun], lines.texts[begun][:RAW_CHARACTERS], "the quoting of the line is broken")
        )
        begun += 1
        if len(found.bad) > BROKEN_QUOTES_ALLOWED:
            _check_broken(sum(bad.reason.startswith("the quoting") for bad in found.bad))
    return n


def _keep(fields: list[str], lines: Lines, begun: int, end: int, header: Header, found: _Found) -> bool:
    raw = "\n".join(lines.texts[begun:end])[:RAW_CHARACTERS]
    if not raw.strip():
        return True
    if len(fields) == len(header.columns):
        found.rows.append(fields)
        found.numbers.append(lines.numbers[begun])
        found.raws.append(raw)
        return True
    if end - begun > 1:
        return False
    found.bad.append(_wrong_width(lines.numbers[begun], raw, len(fields), len(header.columns)))
    return True


def _wrong_width(line: int, raw: str, count: int, width: int) -> BadLine:
    return BadLine(line, raw[:RAW_CHARACTERS], f"the line has {counted(count, 'field')} and the header has {width}")


def _check_broken(broken: int) -> None:
    if broken > BROKEN_QUOTES_ALLOWED:
        raise FileRefusedError(
            f"The quoting is broken on more than {BROKEN_QUOTES_ALLOWED} lines; export the file again as RFC 4180 CSV."
        )


def _to_frame(found: _Found, header: Header) -> pl.DataFrame:
    start = pl.DataFrame({"_line": found.numbers, "_raw": found.raws}, schema={"_line": pl.Int64, "_raw": pl.String})
    values = pl.DataFrame(found.rows, schema=dict.fromkeys(header.columns, pl.String), orient="row")
    return pl.concat([start, _empty_to_null(values)], how="horizontal")


def _empty_to_null(values: pl.DataFrame) -> pl.DataFrame:
    return values.with_columns(pl.when(pl.all() != "").then(pl.all()))
