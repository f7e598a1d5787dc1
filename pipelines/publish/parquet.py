"""Tables as Parquet, written a piece at a time."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, cast

import polars as pl
from polars.io.plugins import register_io_source

from pipelines.publish.disk import Disk, Fill, stream_whole
from pipelines.publish.published import TableFile
from pipelines.publish.rows import AT_A_TIME

Pieces = Iterator[pl.DataFrame]


def write_table(disk: Disk, path: Path, pieces: Pieces) -> TableFile:
    """Write a table as Parquet such that its name never stands for half of it.

    The bytes are the same for the same rows, however they are cut into pieces.

    Args:
        disk: What writes.
        path: The file.
        pieces: The table's rows, at least one piece, all of one schema.

    Raises:
        Exception: Whatever a piece raises, before anything has the file's name.
    """
    return put_table(partial(stream_whole, disk, path), path.name, pieces)


def put_table(put: Callable[[Fill], None], name: str, pieces: Pieces) -> TableFile:
    """`write_table` with another way to put a file in place, given what fills it."""
    first, written = next(pieces), _Written()
    put(partial(_sink, chain([first], pieces), first.schema, written))
    return TableFile(file=name, rows=written.rows, bytes=written.bytes, sha256=written.digest.hexdigest())


class _Written:
    """A file that is written to, which polars may not see fail: it ends such a write by ending the process."""

    def __init__(self) -> None:
        self.rows, self.bytes, self.digest = 0, 0, hashlib.sha256()
        self.failed: Exception | None = None

    def to(self, file: IO[bytes]) -> "_Written":
        self.file = file
        return self

    def write(self, data: bytes) -> int:
        """Write on, until something fails."""
        if self.failed is None:
            try:
                self.file.write(data)
                self.digest.update(data)
                self.bytes += len(data)
            except Exception as error:  # noqa: BLE001 (raised when polars has ended)
                self.failed = error
        return len(data)

    def flush(self) -> None:
        """All is written when the file is closed."""

    def counted(self, pieces: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The pieces, until something fails."""
        try:
            for piece in pieces:
                self.rows += piece.height
                yield piece
                if self.failed is not None:
                    return
        except Exception as error:  # noqa: BLE001 (raised when polars has ended)
            self.failed = error


def _sink(pieces: Iterator[pl.DataFrame], schema: pl.Schema, written: _Written, file: IO[bytes]) -> None:
    def source(*_: object) -> Iterator[pl.DataFrame]:
        return written.counted(_even(pieces))

    register_io_source(source, schema=schema).sink_parquet(
        cast("IO[bytes]", written.to(file)),
        compression="zstd",
        compression_level=3,
        statistics=True,
        row_group_size=AT_A_TIME,
        maintain_order=True,
        engine="streaming",
    )
    if written.failed is not None:
        raise written.failed


def _even(pieces: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Pieces of AT_A_TIME rows, the last one aside: a group of rows is as it would be of the table as a whole."""
    waiting: list[pl.DataFrame] = []
    for piece in pieces:
        waiting.append(piece)
        if sum(frame.height for frame in waiting) < AT_A_TIME:
            continue
        rows = pl.concat(waiting)
        full = rows.height // AT_A_TIME * AT_A_TIME
        for start in range(0, full, AT_A_TIME):
            yield rows.slice(start, AT_A_TIME).rechunk()
        waiting = [rows.slice(full)]
    yield pl.concat(waiting).rechunk()
