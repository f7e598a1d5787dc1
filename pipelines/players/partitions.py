"""What a night may see of its players, as Parquet by bucket: a worker reads its own without the warehouse."""

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import polars as pl

from configs.aggregations import macros_sql
from configs.full_disk import why
from data.partitions import partition_path, write_parquet, write_partitions
from data.warehouse import open_partition
from pipelines.engines.buckets import Buckets
from pipelines.engines.exchange import Exchange, LazyRows
from pipelines.engines.workers import EngineError
from pipelines.known import Known
from pipelines.pins import Night
from pipelines.players.features import LOOKS_BACK

_LATELY = "WHERE day >= $since"
_SINCE = {"known_active_days": "", "known_player_days": _LATELY, "known_player_day_keys": _LATELY}
Reads = Callable[[Known, pl.DataFrame], pl.DataFrame]


@dataclass(frozen=True)
class Partitions:
    """The known_* views of a night, cut at its moment, for the players of some snapshots.

    Attributes:
        folder: Where they lie; `metrics.parquet` is beside the buckets.
        night: The pins.
        memory_gb: For the DuckDB of who reads them.
    """

    folder: Path
    night: Night
    memory_gb: float

    @contextmanager
    def known(self, number: int) -> Iterator[Known]:
        """What the night may see of a bucket.

        Raises:
            OSError: It cannot be read, or memory or disk ran out.
        """
        tables = {table: partition_path(self.folder, table, number) for table in _SINCE}
        with open_partition({**tables, "metrics": _metrics(self.folder)}, self.memory_gb) as warehouse:
            warehouse.run(macros_sql())
            known = Known(warehouse, self.night)
            warehouse.seen_by = known  # its views are these tables
            yield known


def lay_out(known: Known, snapshots: pl.DataFrame, buckets: Buckets) -> Partitions | None:
    """Write what is known of the players of snapshots where the workers see it; None without such a place.

    Args:
        known: What the night may see.
        snapshots: player_key and base_day.
        buckets: What is worked on from now on is cut into as many as are written.
    """
    exchange = buckets.exchange
    if exchange is None or snapshots.is_empty():
        return None
    try:
        return _laid_out(known, snapshots, exchange, buckets.fix(snapshots["player_key"].n_unique()))
    except EngineError as error:
        buckets.tell(f"The engine {buckets.engine} {error}; the players were looked at here.")
    except OSError as error:
        buckets.leave_folder(why(error, exchange.folder))
    return None


def _laid_out(known: Known, snapshots: pl.DataFrame, exchange: Exchange, count: int) -> Partitions:
    folder = exchange.folder / "players"
    since = cast("dt.date", snapshots["base_day"].min()) - dt.timedelta(days=LOOKS_BACK)
    with known.lend(looked_at=snapshots.select("player_key").unique()):
        for table, when in _SINCE.items():
            laid = known.batches(
                f"""SELECT (bucket % $count)::INTEGER AS bucket, * EXCLUDE (bucket, user_id)
                    FROM {table} SEMI JOIN looked_at USING (player_key) JOIN players USING (player_key)
                    {when} ORDER BY bucket % $count, day, player_key""",
                {"count": count} | ({"since": since} if when else {}),
            )
            with laid as rows:
                write_partitions(rows, folder, table, count)
    write_parquet(_metrics(folder), known.frame("FROM metrics"))
    return Partitions(folder, known.night, exchange.memory_gb)


def _metrics(folder: Path) -> Path:
    return folder / "metrics.parquet"


class Reading:
    """What is read of snapshots, for some players at a time: here, or by who works on their bucket.

    Args:
        known: What the night may see.
        snapshots: player_key and base_day.
        read: Gives the rows of snapshots; a function that can be sent to a process.
        partitions: Where workers read.
    """

    def __init__(
        self, known: Known, snapshots: pl.DataFrame, read: Reads, partitions: Partitions | None = None
    ) -> None:
        self._known = known
        self._snapshots = snapshots
        self._reads = read
        self._partitions = partitions

    def of(self, players: pl.Series) -> pl.DataFrame:
        """Those of some players."""
        rows = self._reads(self._known, self._of(players))
        self._known.warehouse.ease()  # what is done with them takes memory, too
        return rows

    def later(self, players: pl.Series, number: int) -> LazyRows | None:
        """Those of a bucket's players, to be read where they are worked on; None where nothing lies there."""
        if self._partitions is None:
            return None
        return PartitionRows(self._partitions, number, self._of(players), self._reads)

    def _of(self, players: pl.Series) -> pl.DataFrame:
        return self._snapshots.filter(pl.col("player_key").is_in(players.implode()))


@dataclass(frozen=True)
class PartitionRows(LazyRows):
    """What a worker reads of a bucket's snapshots."""

    partitions: Partitions
    number: int
    snapshots: pl.DataFrame
    read: Reads

    def frame(self) -> pl.DataFrame:
        """The rows."""
        with self.partitions.known(self.number) as known:
            return self.read(known, self.snapshots)
