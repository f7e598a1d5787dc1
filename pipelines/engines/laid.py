"""Rows of players that lie on the disk: memory holds the columns or players that are asked for, while they are used."""

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Self

import polars as pl

from configs.errors import NightquestError
from configs.full_disk import full_disk, is_full
from data.whole_files import ask_disk

KEY = "player_key"
PLACE = "_place"  # of a row in the frame that was laid


class Laid:
    """A frame, cut into parts of which each lies in a file of its own.

    The files have no name, so that nothing of them is left however the process ends. Pickled it takes its rows along.

    Args:
        parts: At least one; no more than one is held in memory. Where they have PLACE, that is a row's place in the
            frame that was cut; else they follow one another. Who is asked for by player has all rows in one part.
        folder: Where there is room; it exists.

    Attributes:
        schema: Of the rows.
        height: How many there are.
        folder: Where they lie.

    Raises:
        NightquestError: The files cannot be written.
    """

    def __init__(self, parts: Iterable[pl.DataFrame], folder: Path) -> None:
        self.schema, self.height, self.folder = pl.Schema(), 0, folder
        self._files = list[IO[bytes]]()
        weakref.finalize(self, _close, self._files)
        for part in parts:
            placed = part if PLACE in part.columns else part.with_row_index(PLACE, self.height)
            self.schema, self.height = placed.drop(PLACE).schema, self.height + placed.height
            self._files.append(_kept(folder, placed))

    @classmethod
    def cut(cls, rows: pl.DataFrame, parts: pl.Series, folder: Path) -> Self:
        """A frame on the disk, by the part of each row, from 0 on."""
        placed, count = rows.with_row_index(PLACE), parts.sort()[-1] + 1 if rows.height else 1
        return cls((placed.filter(parts == part) for part in range(count)), folder)

    def beside(self, columns: pl.DataFrame) -> Self:
        """The same with more columns, whose rows are in the order of these."""
        rows = (_read(file) for file in self._files)
        return type(self)((part.hstack(columns[part[PLACE]]) for part in rows), self.folder)

    @cached_property
    def _players(self) -> pl.DataFrame:
        """Who has a row, in the order of the rows, and in which part."""
        each = (_read(file, [KEY]).unique(KEY, keep="first", maintain_order=True) for file in self._files)
        found = [mine.with_columns(_part=pl.lit(number, pl.UInt32)) for number, mine in enumerate(each)]
        return pl.concat(found).sort(PLACE).drop(PLACE)

    @property
    def columns(self) -> list[str]:
        """The names of its columns."""
        return list(self.schema)

    @property
    def players(self) -> pl.Series:
        """player_key of everybody who has a row, each once, in the order of the rows."""
        return self._players[KEY]

    def of(self, players: pl.Series) -> pl.DataFrame:
        """The rows of some players, in their order."""
        mine = self._players.filter(pl.col(KEY).is_in(players.implode()))
        found = (_read(self._files[part]) for part in mine["_part"].unique().sort())
        return self._in_order(rows.filter(pl.col(KEY).is_in(mine[KEY].implode())) for rows in found)

    def select(self, *columns: str | pl.Expr, **named: str | pl.Expr) -> pl.DataFrame:
        """What `DataFrame.select` gives, with no more columns read than that takes."""
        exprs = [_expr(each) for each in columns] + [_expr(each).alias(name) for name, each in named.items()]
        names = list(dict.fromkeys(name for expr in exprs for name in expr.meta.root_names()))
        return self._in_order(_read(file, names) for file in self._files).select(exprs)

    def filter(self, predicate: str | pl.Expr) -> pl.DataFrame:
        """The rows for which something holds, in their order."""
        return self._in_order(_read(file).filter(predicate) for file in self._files)

    def at(self, places: pl.Series) -> pl.DataFrame:
        """The rows at some places, in the order of these."""
        asked = places.cast(pl.UInt32).alias(PLACE)
        rows = pl.concat(_read(file).filter(pl.col(PLACE).is_in(asked.implode())) for file in self._files)
        return asked.to_frame().join(rows, on=PLACE, how="left", maintain_order="left").drop(PLACE)

    def parts(self) -> Iterator[pl.DataFrame]:
        """All rows, part by part; in their order within one."""
        for file in self._files:
            yield _read(file).drop(PLACE)

    def cut_like_this(self, rows: pl.DataFrame) -> Self:
        """Rows of its players on the disk, in the same parts."""
        mine = rows.select(KEY).join(self._players, on=KEY, how="left", maintain_order="left")["_part"]
        return type(self)((rows.filter(mine == part) for part in range(len(self._files))), self.folder)

    def clear(self) -> pl.DataFrame:
        """No rows."""
        return pl.DataFrame(schema=self.schema)

    def _in_order(self, some: Iterator[pl.DataFrame]) -> pl.DataFrame:
        """Rows as they were in the frame that was laid."""
        rows = list(some) or [_read(self._files[0]).clear()]
        every = rows[0] if len(rows) == 1 else pl.concat(rows).sort(PLACE)
        return every.drop(PLACE)

    def __reduce__(self) -> tuple[Any, ...]:
        each = [_read(file) for file in self._files]
        parts = [rows.select(PLACE, _part=pl.lit(part, pl.UInt32)) for part, rows in enumerate(each)]
        return partial(type(self).cut, folder=self.folder), (
            self._in_order(iter(each)),
            pl.concat(parts).sort(PLACE)["_part"],
        )


Frame = pl.DataFrame | Laid


def laid(rows: Frame, folder: Path, at_a_time: int) -> Frame:
    """Put rows on the disk in parts of `at_a_time`, where there are more than that; fewer stay in memory.

    Raises:
        NightquestError: The files cannot be written.
    """
    if isinstance(rows, Laid) or rows.height <= at_a_time:
        return rows
    return Laid(rows.iter_slices(at_a_time), folder)


def parts(frame: Frame) -> Iterator[pl.DataFrame]:
    """All rows, part by part where they lie on the disk."""
    return frame.parts() if isinstance(frame, Laid) else iter([frame])


def each_part(frame: Frame, work: Callable[[pl.DataFrame], pl.DataFrame]) -> Frame:
    """What `work` gives for all rows, part by part where they lie on the disk, as that does then."""
    return Laid(map(work, frame.parts()), frame.folder) if isinstance(frame, Laid) else work(frame)


def together(frames: Sequence[Frame]) -> Frame:
    """The rows of frames one below the other, part by part where all of them were cut alike."""
    cut = [frame for frame in frames if isinstance(frame, Laid)]
    if len(cut) < len(frames):
        return pl.concat(map(whole, frames))
    return Laid(map(pl.concat, zip(*(frame.parts() for frame in cut), strict=True)), cut[0].folder)


def beside(frame: Frame, columns: pl.DataFrame) -> Frame:
    """The same with more columns, whose rows are in the order of these."""
    return frame.beside(columns) if isinstance(frame, Laid) else frame.hstack(columns)


def whole(frame: Frame) -> pl.DataFrame:
    """All rows in memory: of what is known to be small."""
    return frame if isinstance(frame, pl.DataFrame) else frame.filter(pl.lit(value=True))


def _expr(column: str | pl.Expr) -> pl.Expr:
    return pl.col(column) if isinstance(column, str) else column


def _kept(folder: Path, rows: pl.DataFrame) -> IO[bytes]:
    try:
        return _write(folder, rows)
    except (OSError, pl.exceptions.PolarsError) as error:
        if is_full(error):
            raise full_disk(error, "what the night works out cannot be kept", folder) from error
        raise NightquestError(
            f"What the night works out cannot be kept in {folder}: {error}.",
            "Mend what forbids it, and run the same again.",
            exit_code=1,
        ) from error


def _write(folder: Path, rows: pl.DataFrame) -> IO[bytes]:
    file = TemporaryFile(dir=folder)  # noqa: SIM115 (open as long as its rows are asked for)
    try:
        try:
            rows.write_parquet(file, compression="lz4", statistics=False)
            file.flush()
        except pl.exceptions.PolarsError:
            ask_disk(file)
            raise
    except BaseException:
        file.close()
        raise
    return file


def _close(files: list[IO[bytes]]) -> None:
    for file in files:
        file.close()


def _read(file: IO[bytes], columns: list[str] | None = None) -> pl.DataFrame:
    file.seek(0)
    return pl.read_parquet(file, columns=columns and [PLACE, *columns])
