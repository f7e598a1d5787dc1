"""What DuckDB's errors mean to people, and what they can do."""

import datetime as dt
import os
import re
from pathlib import Path

import duckdb
import psutil

from configs.errors import NightquestError
from configs.full_disk import full_disk, is_full


def holder(message: str) -> str:
    """Which process DuckDB names as the holder of the lock, as a person knows it."""
    found = re.search(r"PID (\d+)", message)
    if found is None:
        return ""
    try:
        process = psutil.Process(int(found[1]))
        python, *command = process.cmdline() or [""]
        since = dt.datetime.fromtimestamp(process.create_time(), dt.UTC)
    except psutil.Error:
        return f": process {found[1]}"
    if not command or command[0].startswith("-"):
        command = [python, *command]
    told = " ".join([Path(command[0]).name, *command[1:]])[:120]
    return f": process {found[1]} ({told}), since {since:%Y-%m-%d %H:%M} UTC"


def is_out_of_room(error: duckdb.Error) -> bool:
    """Whether disk or memory ran out; a commit that could not be written is told as an error of the transaction."""
    kinds = (duckdb.IOException, duckdb.FatalException, duckdb.OutOfMemoryException)
    return isinstance(error, kinds) or "Could not write file" in str(error)


def told_by_arrow(error: OSError) -> duckdb.Error:
    """DuckDB's own error of what Arrow has made one of the file system."""
    kinds = {"Out of Memory Error": duckdb.OutOfMemoryException, "IO Error": duckdb.IOException}
    kind = next((kind for begins, kind in kinds.items() if str(error).startswith(begins)), duckdb.Error)
    return kind(str(error))


def unusable(path: Path, error: Exception) -> NightquestError:
    """The file cannot be opened."""
    if is_full(error):
        return no_room(path, error)
    folder = path.parent if path.parent.exists() else path.parent.parent
    if not os.access(folder, os.W_OK):
        return unwritable(path, "Permission denied")
    return NightquestError(
        f"Cannot open the warehouse {path}: {first_line(error)}.", "Restore it from a backup, or move it away."
    )


def no_room(path: Path, error: Exception) -> NightquestError:
    """The file's disk is full."""
    what = f"the warehouse {path} cannot be written"
    return full_disk(error, what, path, "run the same again; what was begun is undone, and nothing is lost.")


def unwritable(path: Path, why: str) -> NightquestError:
    """The file or its folder cannot be written to."""
    return NightquestError(f"Cannot write {path}: {why}.", "Give --home a folder you may write to.")


def first_line(error: Exception) -> str:
    """What an error says first, without its full stop."""
    return (str(error).splitlines() or ["unknown error"])[0].rstrip(".")
