"""Rows of a warehouse as Parquet files by bucket of players, for workers that cannot or need not open the warehouse."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from data.whole_files import ask_disk, whole_file

if TYPE_CHECKING:
    import pyarrow as pa

BUCKET = "bucket"


def write_parquet(path: Path, rows: pl.DataFrame) -> None:
    """Write a file whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    with whole_file(path) as part:
        try:
            rows.write_parquet(part)
        except pl.exceptions.PolarsError as error:
            with part.open("ab") as file:
                ask_disk(file)
            raise OSError(str(error)) from error


def partition_path(folder: Path, table: str, number: int) -> Path:
    """Where the rows of a bucket lie."""
    return folder / f"{BUCKET}={number}" / f"{table}.parquet"


def write_partitions(rows: "pa.RecordBatchReader", folder: Path, table: str, count: int) -> None:
    """Write rows that come in order of their column `bucket` as a file for each of the buckets, also for an empty one.

    No more than a batch of them is held.

    Raises:
        OSError: A file cannot be written.
        ValueError: A row is in none of the buckets, or they are not in order.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 (half a second, for who has a shared folder)

    pieces = _by_bucket(rows)
    number, piece = next(pieces, (count, None))
    for each in range(count):
        path = partition_path(folder, table, each)
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as part, pq.ParquetWriter(part, rows.schema) as writer:
            while number == each and piece is not None:
                writer.write_batch(piece)
                number, piece = next(pieces, (count, None))
    if piece is not None:
        raise ValueError(f"rows of bucket {number} come out of order, or there are {count} buckets only")


def _by_bucket(rows: "pa.RecordBatchReader") -> Iterator[tuple[int, "pa.RecordBatch | None"]]:
    """The batches, cut where the bucket changes, each with its bucket."""
    for batch in rows:
        buckets = pl.Series(batch.column(BUCKET)).rle()
        first = 0
        for length, number in buckets.struct.unnest().iter_rows():
            yield number, batch.slice(first, length)
            first += length
