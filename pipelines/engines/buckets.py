"""Work on players, bucket by bucket: in this process, or by whoever an engine has for it."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

from configs.full_disk import why
from pipelines.engines.exchange import Exchange, LazyRows
from pipelines.engines.laid import KEY, PLACE, Frame, Laid
from pipelines.engines.workers import EngineError, UnreadableBucket, UnwritableResult, Work, Workers, results
from pipelines.luck import lot

PLAYERS_A_BUCKET = 25_000
_SEED, _NUMBERS = 20_250_101, 65_536  # of the players' numbers: players.bucket in the warehouse has them too
_log = logging.getLogger(f"nightquest.{__name__}")


class PlayerRows(Protocol):
    """Rows of players that lie elsewhere, so that no more of them are held than are worked on."""

    def of(self, players: pl.Series) -> pl.DataFrame:
        """The rows of these players."""


@runtime_checkable
class PartitionedRows(PlayerRows, Protocol):
    """Such rows that a worker can come by itself, such as from what lies in the shared folder by bucket."""

    def later(self, players: pl.Series, number: int) -> LazyRows | None:
        """The rows of these players, who are a bucket's; None where only this process can."""


Frames = Sequence[pl.DataFrame | PlayerRows]


@dataclass
class Buckets:
    """The work of many players in parts that rest on nothing of each other.

    Attributes:
        count: How many; None goes by the number of players and workers.
        engine: Who does the work, for people.
        workers: Opens the engine's; None is this process.
        notes: A sentence for what an engine did not do, so that it was done here.
        exchange: Where rows go as files; None: they are sent with the call.
        folder: Where rows lie of which many buckets are worked on one after the other; None: in memory.
    """

    count: int | None = None
    engine: str = "local"
    workers: Callable[[], Workers] | None = None
    notes: list[str] = field(default_factory=list)
    exchange: Exchange | None = None
    folder: Path | None = None

    def each(self, work: Work, same: Sequence[Any], frames: Frames) -> pl.DataFrame:
        """What `work` gives for every bucket, one below the other.

        Args:
            work: Takes `same`, then `frames`, cut to the bucket's players; a function that can be sent to a process.
                Of each player it gives the same rows, whoever else is in the bucket.
            same: What is the same for all.
            frames: With player_key, the first (there, or `Laid`) with a row or more for every player; one without
                columns goes to all.

        Raises:
            Exception: Whatever `work` raises. What an engine cannot do is done here, with a note.
        """
        players = _players(frames)
        count, done = self._number(len(players), 1), dict[int, pl.DataFrame]()
        if self.workers is not None:
            try:
                workers = self.workers()
                count = self._number(len(players), workers.count)
                cut = _Cut(frames, count, self)
                for number, rows in results(workers, work, count, partial(cut.sent, same)):
                    if isinstance(rows, UnreadableBucket):
                        self.tell(f"A worker of the engine {self.engine} could not do its part, done here: {rows.why}.")
                        continue
                    if isinstance(rows, UnwritableResult):
                        self.leave_folder(rows.why)
                    done[number] = rows.rows if isinstance(rows, UnwritableResult) else rows
            except EngineError as error:
                self.tell(f"The engine {self.engine} {error}; what it left undone was worked on here.")
        cut = _Cut(frames, count, self)
        return pl.concat([done[n] if n in done else work(*same, *cut.of(n)) for n in range(count)])

    def lay(self, rows: pl.DataFrame) -> Frame:
        """The rows, by bucket on the disk where there are several, so that memory holds those of one.

        Args:
            rows: With player_key.

        Raises:
            NightquestError: They cannot be written.
        """
        count = self._number(rows[KEY].n_unique(), 1)
        if self.folder is None or count == 1:
            return rows
        return Laid.cut(rows, rows.select(bucket_of(count)).to_series(), self.folder)

    def work_out(self, work: Callable[[pl.DataFrame], pl.DataFrame], rows: pl.DataFrame) -> Laid | None:
        """What `work` gives for rows, here, a bucket at a time, of which none is held; None where there is but one.

        Args:
            work: Gives a row for each of the rows that it takes, in their order, whatever others there are.
            rows: With player_key.

        Raises:
            NightquestError: What it gives cannot be written.
        """
        count = self._number(rows[KEY].n_unique(), 1)
        if self.folder is None or count == 1:
            return None
        placed, number = rows.select(KEY).with_row_index(PLACE).select(PLACE), rows.select(bucket_of(count)).to_series()
        parts = (placed.filter(number == n).hstack(work(rows.filter(number == n))) for n in range(count))
        return Laid(parts, self.folder)

    def fix(self, players: int) -> int:
        """Say how many buckets there are for so many players, never more, whatever is worked on from now on.

        Raises:
            EngineError: There are no workers, so that nobody knows how many want one.
        """
        self.count = min(self._number(players, self.workers().count if self.workers else 1), max(players, 1))
        return self.count

    def leave_folder(self, reason: str) -> None:
        """Go on without the shared folder, which cannot be written."""
        if self.exchange is not None:
            self.tell(
                f"The shared folder {self.exchange.folder} cannot be written: {reason}. Rows were sent with the calls, "
                "and nothing is lost; mend it for the next night."
            )
            self.exchange = None

    def tell(self, note: str) -> None:
        """Add a sentence to the notes, once."""
        if note not in self.notes:
            _log.warning("%s", note)
            self.notes.append(note)

    def _number(self, players: int, at_once: int) -> int:
        return self.count or max(-(-players // PLAYERS_A_BUCKET), at_once)


HERE = Buckets(count=1)


def bucket_of(count: int) -> pl.Expr:
    """The bucket of a player, 0 to `count` - 1: a keyed hash, so that buckets are alike whoever came when."""
    return lot(KEY, seed=_SEED) % _NUMBERS % count


def _players(frames: Frames) -> pl.Series:
    """The players of the first frame, each once, in its order."""
    first = frames[0]
    if isinstance(first, Laid):
        return first.players
    if not isinstance(first, pl.DataFrame):
        raise TypeError("the first frame of a work in buckets must be there: it says who the players are")
    return first[KEY].unique(maintain_order=True)


class _Cut:
    """Frames cut into buckets, a bucket at a time."""

    def __init__(self, frames: Frames, count: int, by: Buckets) -> None:
        self._by = by
        self._frames = frames
        self._players = _players(frames)
        self._buckets = [_numbered(frame, count) for frame in (self._players.to_frame(), *frames)]

    def of(self, number: int) -> list[pl.DataFrame]:
        """The rows of a bucket's players, of every frame."""
        mine, *buckets = self._buckets
        players = self._players if mine is None else self._players.filter(mine == number)
        return [_read(*each, number, players) for each in zip(self._frames, buckets, strict=True)]

    def sent(self, same: Sequence[Any], number: int) -> list[Any]:
        """What a worker is given: where its rows go, what is the same for all, and the same, of which it reads some."""
        try:
            rows = self._filed(number)
        except OSError as error:
            self._by.leave_folder(why(error, self._by.exchange.folder if self._by.exchange else None))
            rows = self._filed(number)
        return [self._by.exchange and self._by.exchange.place(), *same, *rows]

    def _filed(self, number: int) -> list[pl.DataFrame | LazyRows]:
        mine, *buckets = self._buckets
        players = self._players if mine is None else self._players.filter(mine == number)
        each = zip(self._frames, buckets, strict=True)
        return [_filed(self._by.exchange, *one, number, players) for one in each]


def _numbered(frame: pl.DataFrame | PlayerRows, count: int) -> pl.Series | None:
    """The bucket of each row; None where all go to each."""
    if count == 1 or not isinstance(frame, pl.DataFrame) or not frame.width:
        return None
    return frame.select(bucket_of(count)).to_series()


def _cut(frame: pl.DataFrame | PlayerRows, buckets: pl.Series | None, number: int, players: pl.Series) -> pl.DataFrame:
    if not isinstance(frame, pl.DataFrame):
        return frame.of(players)
    return frame if buckets is None else frame.filter(buckets == number)


def _read(frame: pl.DataFrame | PlayerRows, buckets: pl.Series | None, number: int, players: pl.Series) -> pl.DataFrame:
    """A bucket's rows, from where its worker would read them if they lie there."""
    later = frame.later(players, number) if isinstance(frame, PartitionedRows) else None
    if later is not None:
        with suppress(OSError):
            return later.frame()
    return _cut(frame, buckets, number, players)


def _filed(
    exchange: Exchange | None,
    frame: pl.DataFrame | PlayerRows,
    buckets: pl.Series | None,
    number: int,
    players: pl.Series,
) -> pl.DataFrame | LazyRows:
    later = frame.later(players, number) if isinstance(frame, PartitionedRows) else None
    if later is not None:
        return later
    rows = _cut(frame, buckets, number, players)
    if exchange is None or not rows.width:
        return rows
    return exchange.file(frame if isinstance(frame, pl.DataFrame) else rows, number, rows)
