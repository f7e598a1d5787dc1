"""Connections to DuckDB; nothing else opens one."""

import time
from pathlib import Path

import duckdb

from configs.commands import command
from configs.errors import BusyError
from configs.full_disk import is_full
from data.duckdb_errors import holder, no_room, unusable, unwritable

_LOOK_AGAIN_S = 1.0


def in_memory() -> duckdb.DuckDBPyConnection:
    """A database in memory, for one thread."""
    return duckdb.connect(":memory:", config={"threads": 1})


def connect(path: Path, app: str, *, read_only: bool, wait_for_lock_s: float) -> duckdb.DuckDBPyConnection:
    """An app's file, held against other processes, with its doors open; see `open_warehouse`.

    Raises:
        BusyError: Another process has it open, still after the wait.
        NightquestError: It cannot be written or is damaged.
    """
    deadline = time.monotonic() + wait_for_lock_s
    while True:
        try:
            return _connect_once(path, app, read_only)
        except BusyError:
            left = deadline - time.monotonic()
            if left <= 0:
                raise
            time.sleep(min(_LOOK_AGAIN_S, left))


def _connect_once(path: Path, app: str, read_only: bool) -> duckdb.DuckDBPyConnection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return duckdb.connect(str(path.absolute()), read_only=read_only)  # `a:b/` would name an extension
    except duckdb.IOException as error:
        if "could not set lock" in str(error).lower():
            raise BusyError(
                f"Another process is working on '{app}'{holder(str(error))}.",
                f"Wait for it to end (see: {command('status')}), then run this again.",
            ) from None
        raise unusable(path, error) from error
    except duckdb.Error as error:
        raise unusable(path, error) from error
    except OSError as error:
        raise (no_room(path, error) if is_full(error) else unwritable(path, error.strerror or "failed")) from error


def close_the_doors(con: duckdb.DuckDBPyConnection) -> None:
    """No SQL from an app file or a source may reach the file system or the network."""
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def sniffed_delimiter(path: Path) -> str | None:
    """What DuckDB's sniffer finds between the fields of a CSV file; None where it finds several fields nowhere."""
    con = in_memory()
    try:
        found = con.execute("SELECT Delimiter, len(Columns) FROM sniff_csv($1)", [str(path)]).fetchone()
    except duckdb.Error:
        return None
    finally:
        con.close()
    return str(found[0]) if found and found[1] > 1 else None
