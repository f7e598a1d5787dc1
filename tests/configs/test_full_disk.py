"""A disk that is full is told in one sentence with its file system, whichever library found it out."""

import errno
import os
import sqlite3
from pathlib import Path

import duckdb
import polars as pl
import pytest

from configs.errors import DiskFullError, NightquestError
from configs.full_disk import full_disk, is_full, why


def caused(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


FULL = [
    OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    duckdb.IOException('IO Error: Could not write file "/x.duckdb.wal": No space left on device'),
    pl.exceptions.ComputeError("No space left on device (os error 28)"),
    sqlite3.OperationalError("database or disk is full"),
    caused(NightquestError("MLflow's store cannot be opened."), sqlite3.OperationalError("database or disk is full")),
]


@pytest.mark.parametrize("error", FULL, ids=lambda error: type(error).__name__)
def test_whoever_finds_it_out_the_file_system_is_named_and_what_to_do(error, tmp_path):
    assert is_full(error)
    told = full_disk(error, "nothing was taken", tmp_path / "not" / "there")
    assert isinstance(told, DiskFullError)
    mount = next(each for each in (tmp_path, *tmp_path.parents) if each.is_mount())
    assert told.message == f"The file system {mount} is full: nothing was taken."
    assert told.remedy == "Free disk space there, then run the same again; nothing was lost."
    assert told.exit_code == 3


def test_where_nobody_says_which_it_is_the_one_of_home_and_temporary_files_with_less_room():
    assert Path(why(FULL[0]).removeprefix("the file system ").removesuffix(" is full")).is_mount()


@pytest.mark.parametrize(
    ("number", "words"), [(errno.EDQUOT, "your quota is used up"), (errno.EFBIG, "takes no file so large")]
)
def test_a_quota_and_a_limit_on_files_are_told_as_such(number, words, tmp_path):
    assert why(OSError(number, os.strerror(number)), tmp_path).endswith(words)


def test_anything_else_is_told_as_it_is(tmp_path):
    assert not is_full(PermissionError(errno.EACCES, "Permission denied"))
    assert not is_full(NightquestError("The disk is full of another machine."))
    assert why(ValueError("It is odd.\nAnd long."), tmp_path) == "It is odd"
