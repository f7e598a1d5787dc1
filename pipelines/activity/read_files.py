"""Delivered files as blocks of rows, whatever their format: CSV, JSON (both also gzip or zstd) and Parquet."""

import hashlib
import itertools
import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from configs.errors import NightquestError
from configs.files import PLAIN, Files
from pipelines.activity.read_csv import DELIMITERS, Header, check_columns, read_header, read_rows
from pipelines.activity.read_json import begins_array, begins_long_object, opened, split_objects, told_of_list
from pipelines.activity.read_text import Limits, Lines, read_chunks, split_lines
from pipelines.activity.refused import BadLine, FileRefusedError

TEXT_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json"})
JSON_SUFFIXES = frozenset({".jsonl", ".ndjson", ".json"})
PACKED_SUFFIXES = frozenset({".gz", ".zst"})
LIMITS = Limits()


@dataclass(frozen=True)
class Block:
    """Some rows of a file.

    Attributes:
        frame: `_line` (Int64, 1-based; the row's number in Parquet), `_raw` (String, null in Parquet) and the columns.
            Of JSON only `_line` and `_raw`: the objects are taken apart in the warehouse.
        bad: Lines that are not rows.
        is_json: Whether `_raw` is a JSON object to take apart.
    """

    frame: pl.DataFrame
    bad: list[BadLine] = field(default_factory=list)
    is_json: bool = False


def find_files(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The files to read, folders walked in order of name, and those in folders that are no data.

    Raises:
        NightquestError: A path does not exist, cannot be read, or a folder holds no data.
    """
    files: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if not _is_folder(path):
            files.append(path)
            continue
        inside = sorted(_walk(path))
        data = [
            p for p in inside if p.is_file() and not is_hidden(p) and _format_suffix(p) in TEXT_SUFFIXES | {".parquet"}
        ]
        if not data:
            raise NightquestError(f"The folder '{path}' holds no CSV, JSON or Parquet file.", "Check the path.")
        files += data
        others += [p for p in inside if p not in set(data)]
    return list(dict.fromkeys(files)), others


def _walk(folder: Path) -> Iterator[Path]:
    """Everything below a folder that is no folder, links followed, each folder once, so that a loop of links ends.

    Of a hidden folder nothing but its own name.
    """
    seen = set()
    for here, inner, names in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(here)) in seen:
            inner.clear()
            continue
        seen.add(real)
        hidden = [name for name in inner if is_hidden(Path(name))]
        inner[:] = [name for name in inner if name not in hidden]
        yield from (Path(here) / name for name in (*names, *hidden))


def is_hidden(path: Path) -> bool:
    """Whether a name begins with a point, as those of folders and files that a person did not deliver do."""
    return path.name.startswith(".")


def _is_folder(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no such name"
        raise NightquestError(f"There is no file or folder '{str(path)[:200]}' ({why}).", "Check the path.") from None
    if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode):
        raise NightquestError(f"'{path}' is neither a file nor a folder.", "Save what it gives to a file first.")
    return stat.S_ISDIR(mode)


def table_stem(path: Path) -> str:
    """A file's name without format and compression suffixes."""
    bare = path.with_suffix("") if path.suffix.lower() in PACKED_SUFFIXES else path
    return bare.stem


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        FileRefusedError: The file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise FileRefusedError(f"The file cannot be read ({error.strerror}); check its permissions.") from error


def read_blocks(
    path: Path,
    wanted: Collection[str],
    limits: Limits = LIMITS,
    on_bytes: Callable[[int], None] = lambda _: None,
    written: Files = PLAIN,
) -> Iterator[Block]:
    """Read a file block by block, so that its size does not matter.

    Args:
        path: One file. Its first bytes tell compression and Parquet; its name, or else its first line, CSV from JSON.
        wanted: Columns that a CSV header must name; they also decide which delimiter it uses.
        limits: What the file may ask of the machine.
        on_bytes: Called with the bytes read since the last call.
        written: What the app file says of text files.

    Raises:
        FileRefusedError: The file as a whole cannot be read.
    """
    with path.open("rb") as stream:
        magic = stream.read(4)
    if magic == b"PAR1" or (path.suffix.lower() == ".parquet" and magic):
        return _read_parquet(path, limits, on_bytes)
    chunks = read_chunks(path, limits, on_bytes, written.encoding)
    return _read_text(chunks, _format_suffix(path) in JSON_SUFFIXES, wanted, limits, written)


def _format_suffix(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in PACKED_SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _read_text(
    chunks: Iterator[bytes], named_json: bool, wanted: Collection[str], limits: Limits, written: Files
) -> Iterator[Block]:
    chunks, around = opened(chunks)
    first = next(chunks)
    chunks = itertools.chain([first], chunks)
    in_array = begins_array(first, named_json=named_json or around)
    if in_array or begins_long_object(first):
        yield from map(_json_block, split_objects(chunks, limits, in_array=in_array, around=around))
    elif named_json or first.lstrip().startswith(b"{"):
        yield from (_json_block(block) for block in _without_blank_start(split_lines(chunks, limits)))
    else:
        yield from _read_delimited(split_lines(chunks, limits), wanted, written)


def _read_delimited(blocks: Iterator[Lines], wanted: Collection[str], written: Files) -> Iterator[Block]:
    sign = written.sign
    if sign == " ":
        blocks, sign = map(_split_at_blanks, blocks), "\t"
    blocks = _without_blank_start(blocks)
    if written.columns:
        check_columns(written.columns)
        header = Header(sign or ",", tuple(written.columns))
        yield from itertools.starmap(Block, read_rows(blocks, header))
        return
    first = next(blocks)
    if first.bad and first.bad[0].line < first.numbers[0]:
        raise FileRefusedError(f"The header cannot be read: {first.bad[0].reason}.")
    header = read_header(first.texts[0], wanted, (sign,) if sign else DELIMITERS)
    rest = Lines(first.numbers[1:], first.texts[1:], first.bad)
    for frame, bad in read_rows(itertools.chain([rest], blocks), header):
        yield Block(frame, bad)


def _split_at_blanks(block: Lines) -> Lines:
    """The same lines with one tab between their words."""
    return Lines(block.numbers, ["\t".join(text.split()) for text in block.texts], block.bad)


def _without_blank_start(blocks: Iterator[Lines]) -> Iterator[Lines]:
    """The same lines from the first on that holds something."""
    before: list[BadLine] = []
    for block in blocks:
        before += block.bad
        start = next((i for i, text in enumerate(block.texts) if text.strip()), None)
        if start is not None:
            yield Lines(block.numbers[start:], block.texts[start:], before)
            yield from blocks
            return
    if not before:
        raise FileRefusedError("The file holds only blank lines.")
    reason = f"{before[0].reason}{told_of_list(before[0].raw or '')}"
    raise FileRefusedError(f"{reason[0].upper()}{reason[1:]}.")


def _json_block(block: Lines) -> Block:
    frame = pl.DataFrame({"_line": block.numbers, "_raw": block.texts}, schema={"_line": pl.Int64, "_raw": pl.String})
    return Block(frame.filter(pl.col("_raw").str.strip_chars() != ""), block.bad, is_json=True)


def _no_rows() -> pl.DataFrame:
    return pl.DataFrame(schema={"_line": pl.Int64, "_raw": pl.String})


def _read_parquet(path: Path, limits: Limits, on_bytes: Callable[[int], None]) -> Iterator[Block]:
    try:
        with pq.ParquetFile(path) as file:
            check_columns(file.schema_arrow.names)
            for column in file.schema_arrow:
                _check_type(column.name, column.type)
            schema = pa.schema([column.with_type(_in_utc(column.type)) for column in file.schema_arrow])
            line, rows = 1, max(1, file.metadata.num_rows)
            for batch in file.iter_batches(batch_size=limits.rows):
                frame = _plain(pl.DataFrame(pa.Table.from_batches([batch]).cast(schema)))
                numbers = pl.int_range(line, line + frame.height, dtype=pl.Int64, eager=True).alias("_line")
                yield Block(frame.select(numbers, pl.lit(None, pl.String).alias("_raw"), pl.all()))
                line += frame.height
                on_bytes(path.stat().st_size * frame.height // rows)
            if line == 1:
                empty = _plain(pl.DataFrame(schema.empty_table()))
                yield Block(pl.concat([_no_rows(), empty], how="horizontal"))
    except (pa.ArrowException, OSError, pl.exceptions.PolarsError) as error:
        first = (str(error).splitlines() or ["unreadable"])[0]
        raise FileRefusedError(f"The Parquet file is damaged ({first[:120]}); deliver it again.") from error


def _check_type(name: str, kind: pa.DataType) -> None:
    """Refuse the few Arrow types that no later step can hold, inside nested columns too."""
    if pa.types.is_decimal256(kind) or pa.types.is_union(kind) or pa.types.is_interval(kind):
        raise FileRefusedError(f"The column '{name[:60]}' is {kind}, which cannot be read; write it as text.")
    for inner in range(kind.num_fields):
        _check_type(name, kind.field(inner).type)


def _in_utc(kind: pa.DataType) -> pa.DataType:
    """The type with UTC for every zone: it only says how to show a moment, and not every reader knows each zone."""
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_in_utc(field.type)) for field in kind.fields])
    if pa.types.is_map(kind):
        return pa.map_(_in_utc(kind.key_type), _in_utc(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(kind.value_field.with_type(_in_utc(kind.value_type)))
    if pa.types.is_large_list(kind):
        return pa.large_list(kind.value_field.with_type(_in_utc(kind.value_type)))
    return kind


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Dictionary-encoded columns as text, half-precision numbers as single."""
    text = (pl.selectors.categorical() | pl.selectors.enum()).cast(pl.String)
    return frame.with_columns(text, pl.selectors.by_dtype(pl.Float16).cast(pl.Float32))
