"""Compaction: a warehouse written anew without the room that changes left behind, in the place of the old one."""

import shutil
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from configs.errors import NightquestError
from configs.full_disk import full_disk, is_full
from data.connections import connect
from data.duckdb_errors import first_line, is_out_of_room
from data.memory import most_memory
from data.warehouse import open_warehouse, require_warehouse, warehouse_path
from data.whole_files import sync

SUFFIX = ".compacting"  # of the new file until it is whole


@dataclass(frozen=True)
class Compacted:
    """Bytes of the file before and after."""

    before: int
    after: int


def free_share(home: Path, app: str, wait_for_lock_s: float = 0) -> float:
    """The share of a warehouse's blocks that hold nothing, 0 to 1."""
    with open_warehouse(home, app, read_only=True, wait_for_lock_s=wait_for_lock_s) as warehouse:
        total, free = warehouse.rows("SELECT total_blocks, free_blocks FROM pragma_database_size()")[0]
    return float(free / total) if total else 0.0


def compact_warehouse(home: Path, app: str, wait_for_lock_s: float = 0) -> Compacted:
    """Write an app's warehouse anew. Readers find the old file or the new one, whole, whenever it is interrupted.

    Takes as much disk again as the new file has, for a while.

    Raises:
        BusyError: Another process has the warehouse open, still after the wait.
        NightquestError: There is none, or the disk is full; the old one is as it was.
    """
    path = warehouse_path(home, app).absolute()
    require_warehouse(home, app)
    new = path.with_name(path.name + SUFFIX)
    try:
        # Held open until the new file stands in its place: what another process wrote between would be lost.
        with closing(connect(path, app, read_only=False, wait_for_lock_s=wait_for_lock_s)) as old:
            _remove(new)  # what a killed one left
            old.execute(f"SET memory_limit = '{most_memory()}B'")
            old.execute("CHECKPOINT")  # nothing waits beside the file any more
            before = path.stat().st_size
            old.execute(f"ATTACH {_quoted(new)} AS compacted")
            old.execute(f"COPY FROM DATABASE {_named(path.stem)} TO compacted")
            old.execute("DETACH compacted")  # and is written down whole
            shutil.copymode(path, new)
            sync(new)
            after = new.stat().st_size
            new.replace(path)
            sync(path.parent)
    except OSError as error:
        _remove(new)
        raise _failed(path, error) from error
    except duckdb.Error as error:
        if not is_out_of_room(error):
            raise
        _remove(new)
        raise _failed(path, error) from error
    return Compacted(before, after)


def _failed(path: Path, error: Exception) -> NightquestError:
    if is_full(error):
        return full_disk(error, f"the warehouse {path} was not compacted", path, "compact again; it is as it was.")
    return NightquestError(
        f"The warehouse {path} was not compacted: {first_line(error)}.", "Mend that, or leave it: it is as it was.", 1
    )


def _remove(new: Path) -> None:
    for left in (new, new.with_name(new.name + ".wal")):
        with suppress(FileNotFoundError):
            left.unlink()


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
