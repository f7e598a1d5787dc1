"""The ledger's SQLite file: its tables, its transactions, its errors in words, and which processes hold it open."""

import fcntl
import os
import platform
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path

import psutil

from configs.errors import BusyError, NightquestError
from configs.full_disk import full_disk, is_full

NANO = 1_000_000_000
TABLES = Path(__file__).with_name("tables.sql")
VERSION = 2  # of the tables
APPLICATION = 0x4E514C31  # marks the file as this ledger ("NQL1")
PAGE_BYTES = 8192  # most answers fit one
BUSY_TIMEOUT_MS = 30_000
OTHER_HOST_S = 3600  # a process of another host, which cannot be looked at, is taken for dead after this long

_RESTORE = (
    "Bring back a copy of it, with its -wal file if there is one. If there is none, move it away; a new one is made, "
    "what was paid for is asked again, and running batches are not known to it."
)
_DENIED = ("{}.", "Give Nightquest the right to write there, and run it again.", 2)
_IN_WORDS = {
    sqlite3.SQLITE_IOERR: ("the disk takes no more or is failing ({}).", "Make room or mend it, and run it again.", 3),
    sqlite3.SQLITE_CORRUPT: ("the file is damaged ({}).", _RESTORE, 2),
    sqlite3.SQLITE_NOTADB: ("the file is damaged ({}).", _RESTORE, 2),
    sqlite3.SQLITE_READONLY: _DENIED, sqlite3.SQLITE_CANTOPEN: _DENIED,
    sqlite3.SQLITE_PERM: _DENIED, sqlite3.SQLITE_AUTH: _DENIED,
}  # fmt: skip


class LedgerFile:
    """One connection for all threads of a process; other processes may have the same file open.

    Args:
        path: Made, with its folder, when absent.

    Raises:
        NightquestError: It cannot be opened, is damaged, or was made by another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        with self._in_words("be opened"):
            path.parent.mkdir(parents=True, exist_ok=True)
            self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
            try:
                self._prepare()
            except BaseException:
                self.connection.close()
                raise

    def _prepare(self) -> None:
        run = self.connection.execute
        run(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        run(f"PRAGMA page_size = {PAGE_BYTES}")
        # Two processes that make the file at one time are told by SQLite that it is busy, without waiting.
        with self.path.with_name(f"{self.path.name}.lock").open("a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            run("PRAGMA journal_mode = WAL")
            if not run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                self._make()
        run("PRAGMA synchronous = FULL")
        run("PRAGMA cell_size_check = ON")
        run("PRAGMA cache_size = -32768")
        run("PRAGMA wal_autocheckpoint = 4096")
        version, application = run("PRAGMA user_version").fetchone()[0], run("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION:
            raise NightquestError(
                f"{self.path} is not a spending ledger of Nightquest.", "Move it away; a new one is made."
            )
        if version != VERSION:
            raise NightquestError(
                f"The spending ledger {self.path} was made by another Nightquest (tables {version}, known {VERSION}).",
                "Use that one, or another --home.",
            )

    def _make(self) -> None:
        with self.transaction("be made") as connection:
            for statement in TABLES.read_text(encoding="utf-8").split(";\n"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def transaction(self, doing: str) -> Iterator[sqlite3.Connection]:
        """A write that is on disk when the block ends, or did not happen.

        Args:
            doing: Ends the sentence "The spending ledger could not ...".

        Raises:
            NightquestError: Disk full, file damaged, and the like. BusyError: another process holds it for too long.
        """
        with self._lock, self._in_words(doing):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read; raises as `transaction` does."""
        with self._lock, self._in_words("be read"):
            yield self.connection

    @contextmanager
    def _in_words(self, doing: str) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CANTOPEN) & 0xFF
            begin = f"The spending ledger {self.path} could not {doing}"
            if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
                held = f"another process has been writing to it for {BUSY_TIMEOUT_MS // 1000} s."
                raise BusyError(f"{begin}: {held}", "Try again.") from error
            if is_full(error):
                raise full_disk(
                    error, f"the spending ledger {self.path} could not {doing}", self.path, "run it again."
                ) from error
            what, remedy, exit_code = _IN_WORDS.get(code, ("{}.", "", 1))
            raise NightquestError(f"{begin}: {what.format(error)}", remedy, exit_code=exit_code) from error

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self.connection.close()


def register(connection: sqlite3.Connection, opened_at: float) -> int:
    """Write down, inside a transaction, that this process has the ledger open; returns the owner's id."""
    process = psutil.Process(os.getpid())
    row = (process.pid, process.create_time(), platform.node(), opened_at)
    done = connection.execute("INSERT INTO owner (pid, started_at, host, opened_at) VALUES (?, ?, ?, ?)", row)
    return int(done.lastrowid or 0)


def lives(connection: sqlite3.Connection, owner: int, now: float) -> bool:
    """Whether an owner's process still runs with the ledger open."""
    pid, started_at, host, gone, last = connection.execute(
        "SELECT pid, started_at, host, gone, coalesce((SELECT max(sent_at) FROM attempt WHERE owner_id = owner.id"
        " AND state = 'sent'), opened_at) FROM owner WHERE id = ?",
        (owner,),
    ).fetchone()
    if gone:
        return False
    if host != platform.node():
        return bool(now - last < OTHER_HOST_S)
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started_at) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def nano(usd: float) -> int:
    """US dollars as whole nano-dollars, rounded up but for a float's own error."""
    return ceil(usd * NANO - 1e-3)


def packed(raw: str, text: str) -> bytes:
    """A raw answer, compressed by the text in it that is kept beside it."""
    packer = zlib.compressobj(level=1, zdict=text.encode())
    return packer.compress(raw.encode("utf-8", "replace")) + packer.flush() if raw else b""


def unpacked(raw: bytes, text: str) -> str:
    """The raw answer as it came."""
    return zlib.decompressobj(zdict=text.encode()).decompress(raw).decode() if raw else ""
