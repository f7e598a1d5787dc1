"""Text files as numbered lines, read in blocks: decompressed, decoded and held to limits on the way."""

import codecs
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

from pipelines.activity.refused import RAW_CHARACTERS, BadLine, FileRefusedError

_MAGIC = {
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"SQLite format 3": "a SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x7fELF": "a program",
}
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_CONTROLS = frozenset(range(32)) - {9, 10, 13}


@dataclass(frozen=True)
class Limits:
    """What a delivered file may ask of the machine.

    Attributes:
        line_bytes: A longer line is quarantined, truncated.
        text_bytes: Size of the decompressed text.
        ratio: Decompressed to compressed size, judged once `ratio_from_bytes` have come out.
        block_bytes: How much text is worked on at a time.
        rows: How many rows of a Parquet file are worked on at a time.
    """

    line_bytes: int = 1 << 20
    text_bytes: int = 64 << 30
    ratio: int = 200
    ratio_from_bytes: int = 64 << 20
    block_bytes: int = 32 << 20
    rows: int = 250_000


@dataclass(frozen=True)
class Lines:
    """Consecutive lines without their ends, each with its number; those that are not text stand in `bad`."""

    numbers: list[int]
    texts: list[str]
    bad: list[BadLine] = field(default_factory=list)


def read_chunks(
    path: Path, limits: Limits, on_bytes: Callable[[int], None], encoding: str | None = None
) -> Iterator[bytes]:
    """Read a text file some bytes at a time, as UTF-8, whatever its lines are like.

    Args:
        path: Plain, gzip or zstd; told by its first bytes, whatever its name.
        limits: What the file may ask.
        on_bytes: Called with the bytes read from disk since the last call.
        encoding: Of text that does not begin with the byte order mark of UTF-8; none is UTF-8.

    Raises:
        FileRefusedError: The file is empty, damaged, not text of its encoding, or decompresses beyond the limits.
    """
    compressed = path.stat().st_size
    if compressed == 0:
        raise FileRefusedError("The file is empty; deliver it again.")
    total, told = 0, 0
    recode: Callable[[bytes], bytes] = _as_it_is
    with path.open("rb") as disk, _decompressed(disk, path) as stream:
        while chunk := _next_chunk(stream, limits.block_bytes):
            if total == 0:
                recode = _recoder(chunk, encoding)
                chunk = _checked_start(chunk, encoding)
            total += len(chunk)
            _check_size(total, compressed, limits)
            on_bytes(disk.tell() - told)
            told = disk.tell()
            yield recode(chunk)
    if total == 0:
        raise FileRefusedError("The file is empty once decompressed; deliver it again.")


def split_lines(chunks: Iterable[bytes], limits: Limits) -> Iterator[Lines]:
    """The lines of a text that comes some bytes at a time; those that are too long or no text come as bad ones."""
    tail, skipped, number = b"", None, 1
    for chunk in chunks:
        bad: list[BadLine] = []
        if skipped is not None:
            end = chunk.find(b"\n")
            if end < 0:
                continue
            bad.append(_too_long(number, skipped, limits))
            number, skipped, chunk = number + 1, None, chunk[end + 1 :]  # noqa: PLW2901
        body, newline, tail = (tail + chunk).rpartition(b"\n")
        block = _split(body, number, limits, bad) if newline else Lines([], [], bad)
        number += body.count(b"\n") + 1 if newline else 0
        if len(tail) > limits.line_bytes:
            skipped, tail = tail[:RAW_CHARACTERS], b""
        yield block
    if skipped is not None:
        yield Lines([], [], [_too_long(number, skipped, limits)])
    elif tail:
        yield _split(tail, number, limits, [])


@contextmanager
def _decompressed(disk: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    start = disk.read(4)
    disk.seek(0)
    if start.startswith(_GZIP):
        with gzip.GzipFile(fileobj=disk) as stream:
            yield cast("BinaryIO", stream)
    elif start == _ZSTD:
        with pa.CompressedInputStream(pa.PythonFile(disk, mode="r"), "zstd") as stream:
            yield cast("BinaryIO", stream)
    elif path.suffix in {".gz", ".zst"}:
        raise FileRefusedError(
            f"The file is named {path.suffix} and is not compressed that way; rename or compress it."
        )
    else:
        yield disk


def _next_chunk(stream: BinaryIO, size: int) -> bytes:
    try:
        return stream.read(size)
    except (EOFError, OSError, zlib.error, pa.ArrowException) as error:
        raise FileRefusedError("The compressed file is damaged or cut short; deliver it again.") from error


def _check_size(total: int, compressed: int, limits: Limits) -> None:
    if total > limits.text_bytes:
        raise FileRefusedError(f"The text is larger than {limits.text_bytes >> 30} GiB; split it.")
    if total > limits.ratio_from_bytes and total > limits.ratio * compressed:
        raise FileRefusedError(
            f"The file swells to more than {limits.ratio} times its size when decompressed, as archives made "
            "to do harm do; deliver it uncompressed if it is meant."
        )


def _as_it_is(chunk: bytes) -> bytes:
    return chunk


def _recoder(start: bytes, encoding: str | None) -> Callable[[bytes], bytes]:
    """What turns the bytes of a text into UTF-8, one chunk after another."""
    if encoding is None or start.startswith(codecs.BOM_UTF8):
        return _as_it_is
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return lambda chunk: decoder.decode(chunk).encode()


def _checked_start(chunk: bytes, encoding: str | None) -> bytes:
    """Refuse what is not text of its encoding by its beginning; drop the byte order mark of UTF-8."""
    for magic, what in _MAGIC.items():
        if chunk.startswith(magic):
            raise FileRefusedError(f"The file is {what}, not text; export it as CSV, JSON Lines or Parquet.")
    sample = chunk[:8192]
    if encoding is not None and codecs.lookup(encoding).name.startswith(("utf-16", "utf-32")):
        return chunk
    nul = sample.count(0)
    if chunk.startswith((b"\xff\xfe", b"\xfe\xff")) or 0.3 * len(sample) < nul < 0.7 * len(sample):
        raise FileRefusedError("The file is UTF-16 text; save it as UTF-8.")
    if sum(byte in _CONTROLS for byte in sample) > 0.05 * len(sample):
        raise FileRefusedError("The file is binary, not text; export it as CSV, JSON Lines or Parquet.")
    return chunk.removeprefix(codecs.BOM_UTF8)


def _split(body: bytes, first: int, limits: Limits, bad: list[BadLine]) -> Lines:
    try:
        texts = body.decode().replace("\r\n", "\n").removesuffix("\r").split("\n")
    except UnicodeDecodeError:
        return _split_line_by_line(body, first, limits, bad)
    numbers = list(range(first, first + len(texts)))
    if max(map(len, texts)) > limits.line_bytes:
        bad.extend(
            _too_long(n, t.encode(), limits) for n, t in zip(numbers, texts, strict=True) if len(t) > limits.line_bytes
        )
        kept = [(n, t) for n, t in zip(numbers, texts, strict=True) if len(t) <= limits.line_bytes]
        numbers, texts = [n for n, _ in kept], [t for _, t in kept]
    return Lines(numbers, texts, bad)


def _split_line_by_line(body: bytes, first: int, limits: Limits, bad: list[BadLine]) -> Lines:
    numbers, texts = [], []
    for number, line in enumerate(body.split(b"\n"), first):
        if len(line) > limits.line_bytes:
            bad.append(_too_long(number, line, limits))
            continue
        try:
            texts.append(line.removesuffix(b"\r").decode())
            numbers.append(number)
        except UnicodeDecodeError:
            raw = line[:RAW_CHARACTERS].removesuffix(b"\r").decode("utf-8", "backslashreplace")
            bad.append(BadLine(number, raw, "the line is not UTF-8 text; save the file as UTF-8"))
    return Lines(numbers, texts, bad)


def _too_long(number: int, start: bytes, limits: Limits) -> BadLine:
    raw = start[:RAW_CHARACTERS].decode("utf-8", "backslashreplace")
    return BadLine(
        number, raw, f"the line is longer than {limits.line_bytes >> 20} MiB; only its beginning is kept here"
    )
