"""The folder through which the rows of buckets go, where a machine has one that its workers see too.

Rows lie there as Parquet files that are whole or not there. A night has a folder of its own in it, removed at its end;
what a killed one left is removed by the next of the same home and app, which no other process works on meanwhile.
"""

import hashlib
import platform
import shutil
import tempfile
import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import polars as pl

from data.partitions import write_parquet


class LazyRows(ABC):
    """Rows that whoever works on a bucket reads for itself; can be sent to a process."""

    @abstractmethod
    def frame(self) -> pl.DataFrame:
        """The rows.

        Raises:
            OSError: They cannot be read, or memory or disk ran out.
        """


@dataclass(frozen=True)
class FileRows(LazyRows):
    """Rows in a file."""

    path: Path

    def frame(self) -> pl.DataFrame:
        """The rows."""
        try:
            return pl.read_parquet(self.path, memory_map=False)
        except pl.exceptions.PolarsError as error:
            raise OSError(str(error)) from error


class Exchange:
    """One night's folder.

    Attributes:
        folder: It exists.
        memory_gb: What a worker's DuckDB may take.
    """

    def __init__(self, folder: Path, memory_gb: float) -> None:
        self.folder = folder
        self.memory_gb = memory_gb
        self._filed = dict[tuple[int, int], tuple[weakref.ref[pl.DataFrame], FileRows]]()
        self._numbers = count()

    def file(self, frame: pl.DataFrame, number: int, rows: pl.DataFrame) -> FileRows:
        """A bucket's rows of a frame as a file: written once, however often the frame is worked on.

        Raises:
            OSError: It cannot be written.
        """
        found = self._filed.get((id(frame), number))
        if found is None or found[0]() is not frame:
            path = self.place()
            write_parquet(path, rows)
            found = self._filed[id(frame), number] = weakref.ref(frame), FileRows(path)
        return found[1]

    def place(self) -> Path:
        """A name that nothing has."""
        return self.folder / f"{next(self._numbers)}.parquet"


@contextmanager
def open_exchange(shared: Path, home: Path, app: str, memory_gb: float) -> Iterator[Exchange]:
    """A folder for one night of an app, in what the machines share.

    Raises:
        OSError: It cannot be made.
    """
    of_home = hashlib.sha256(f"{platform.node()}:{home.absolute()}".encode()).hexdigest()[:12]
    mine = shared.absolute() / f"{app}-{of_home}"
    shutil.rmtree(mine, ignore_errors=True)
    mine.mkdir(parents=True)
    # A name of its own: a worker that a killed night left behind writes nothing into the next one's.
    folder = Path(tempfile.mkdtemp(dir=mine))
    folder.chmod(mine.stat().st_mode & 0o777)
    try:
        yield Exchange(folder, memory_gb)
    finally:
        shutil.rmtree(mine, ignore_errors=True)
