"""The ledger's SQLite file: its tables, its transactions, its errors in words, and which processes hold it open."""

import os
import platform
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from configs.errors import BusyError, NightquestError

VERSION = 1  # of the tables
APPLICATION = 0x4E514C31  # marks the file as this ledger ("NQL1")
PAGE_BYTES = 8192  # most answers fit one
BUSY_TIMEOUT_MS = 30_000
OTHER_HOST_S = 3600  # a process of another host, which cannot be looked at, is taken for dead after this long

# Money is in integer nano-dollars, times are seconds since 1970 in UTC. A table's rows only ever grow in number; what
# changes is small: a question's state, a batch, the sums that budgets are checked against.
TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE owner (  -- a process that has, or had, the ledger open
    id INTEGER PRIMARY KEY, pid INTEGER NOT NULL, started_at REAL NOT NULL, host TEXT NOT NULL,
    opened_at REAL NOT NULL, first_attempt INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0);
CREATE TABLE run (
    id INTEGER PRIMARY KEY, app TEXT NOT NULL, night TEXT NOT NULL, name TEXT NOT NULL,
    first_attempt INTEGER NOT NULL, last_attempt INTEGER NOT NULL,  -- between which all its attempts lie
    UNIQUE (app, night, name));
CREATE TABLE turned_away (  -- claims that were given no attempt: 'answered' before, 'budget', 'late', 'unknown'
    run_id INTEGER NOT NULL, why TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (run_id, why)) WITHOUT ROWID;
CREATE TABLE night (
    app TEXT NOT NULL, night TEXT NOT NULL, spent INTEGER NOT NULL, reserved INTEGER NOT NULL,
    PRIMARY KEY (app, night)) WITHOUT ROWID;
CREATE TABLE month (name TEXT PRIMARY KEY, spent INTEGER NOT NULL, reserved INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE text (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, body TEXT NOT NULL);
CREATE TABLE form (  -- all of a request but its user part
    id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, provider TEXT NOT NULL, model TEXT NOT NULL,
    system_id INTEGER NOT NULL, schema_id INTEGER NOT NULL, schema_name TEXT NOT NULL, max_tokens INTEGER NOT NULL,
    effort TEXT, purpose TEXT NOT NULL, prompt_version TEXT NOT NULL);
CREATE TABLE question (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE,
    state TEXT NOT NULL,  -- of its last attempt: 'sent', 'answered', 'failed' (unbilled), 'unknown'
    last INTEGER NOT NULL, unknowns INTEGER NOT NULL);
CREATE TABLE attempt (  -- in flight until it has an outcome
    id INTEGER PRIMARY KEY, question_id INTEGER NOT NULL, form_id INTEGER NOT NULL, run_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL, batch_id INTEGER, month TEXT NOT NULL, reserved INTEGER NOT NULL,
    resend INTEGER NOT NULL, sent_at REAL NOT NULL, user TEXT NOT NULL);
CREATE INDEX attempt_by_batch ON attempt (batch_id, question_id) WHERE batch_id IS NOT NULL;
CREATE TABLE outcome (
    attempt_id INTEGER PRIMARY KEY, state TEXT NOT NULL, reason TEXT, cost INTEGER NOT NULL,
    input INTEGER NOT NULL, cached INTEGER NOT NULL, cache_write INTEGER NOT NULL, output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL, seconds REAL NOT NULL, settled_at REAL NOT NULL, killed INTEGER NOT NULL,
    text TEXT NOT NULL, raw TEXT NOT NULL);
CREATE TABLE batch (  -- see batch_rows.py for its states
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, run_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL, state TEXT NOT NULL, requests INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0, made_at REAL NOT NULL, first_sent_at REAL, maybe_sent_at REAL,
    submissions INTEGER NOT NULL DEFAULT 0, file_id TEXT, provider_id TEXT, adopted INTEGER NOT NULL DEFAULT 0,
    collections INTEGER NOT NULL DEFAULT 0, detail TEXT NOT NULL DEFAULT '');
CREATE TABLE doubled (provider_id TEXT PRIMARY KEY, batch_id INTEGER NOT NULL) WITHOUT ROWID;
"""


class LedgerFile:
    """One connection for all threads of a process; other processes may have the same file open.

    Args:
        path: Made, with its folder, when absent.

    Raises:
        NightquestError: It cannot be opened, is damaged, or was made by a newer version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.when_rolled_back: list[Callable[[], None]] = []  # what is remembered of rows may be of none
        self._lock = threading.RLock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NightquestError(
                f"The folder {path.parent} of the spending ledger cannot be made: {error.strerror}.",
                "Make room or give the right to write there, and run it again.",
            ) from None
        with self._in_words("be opened"):
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
        self._use_wal()
        run("PRAGMA synchronous = FULL")
        run("PRAGMA cell_size_check = ON")
        run("PRAGMA cache_size = -32768")
        run("PRAGMA wal_autocheckpoint = 4096")
        if not run("PRAGMA user_version").fetchone()[0]:
            with self.transaction("be made"):
                if not run("PRAGMA user_version").fetchone()[0]:  # another process may have been first
                    self._make()
        version, application = run("PRAGMA user_version").fetchone()[0], run("PRAGMA application_id").fetchone()[0]
        oldest = run("SELECT value FROM meta WHERE name = 'oldest_reader'").fetchone() if version else None
        if application != APPLICATION or oldest is None:
            raise NightquestError(
                f"{self.path} is not a spending ledger of Nightquest.", "Move it away; a new one is made."
            )
        if int(oldest[0]) > VERSION:
            raise NightquestError(
                f"The spending ledger {self.path} was made by a newer Nightquest (tables {version}, known {VERSION}).",
                "Update Nightquest, or use another --home.",
            )

    def _use_wal(self) -> None:
        """SQLite lets no two processes wait for each other over this, but tells one of them that it is busy."""
        ends_at = time.monotonic() + BUSY_TIMEOUT_MS / 1000
        while True:
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > ends_at:
                    raise
                time.sleep(0.02)
            else:
                return

    def _make(self) -> None:
        run = self.connection.execute
        if run("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return
        for statement in TABLES.split(";\n"):
            if statement.strip():
                run(statement)
        # A later version that adds tables or columns leaves `oldest_reader`, so that this one may go on reading.
        run("INSERT INTO meta (name, value) VALUES ('oldest_reader', ?)", (str(VERSION),))
        run(f"PRAGMA application_id = {APPLICATION}")
        run(f"PRAGMA user_version = {VERSION}")

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
                for forget in self.when_rolled_back:
                    forget()
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
        except sqlite3.Error as error:
            raise self._error(error, doing) from error

    def _error(self, error: sqlite3.Error, doing: str) -> NightquestError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        begin = f"The spending ledger {self.path} could not {doing}"
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            return BusyError(
                f"{begin}: another process has been writing to it for {BUSY_TIMEOUT_MS // 1000} s.", "Try again."
            )
        if code == sqlite3.SQLITE_FULL:
            return NightquestError(f"{begin}: the disk is full.", "Make room, and run it again.", exit_code=3)
        if code == sqlite3.SQLITE_IOERR:
            return NightquestError(
                f"{begin}: the disk is full or failing ({error}).",
                "Make room or mend it, and run it again.",
                exit_code=3,
            )
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return NightquestError(
                f"{begin}: the file is damaged ({error}).",
                "Bring back a copy of it, with its -wal file if there is one. If there is none, move it away; "
                "a new one is made, what was paid for is asked again, and running batches are not known to it.",
            )
        if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}:
            return NightquestError(f"{begin}: {error}.", "Give Nightquest the right to write there, and run it again.")
        return NightquestError(f"{begin}: {error}.", exit_code=1)

    def close(self) -> None:
        """Give the file back."""
        with self._lock:
            self.connection.close()


def register(connection: sqlite3.Connection, opened_at: float) -> int:
    """Write down, inside a transaction, that this process has the ledger open; returns the owner's id."""
    process = psutil.Process(os.getpid())
    row = (process.pid, process.create_time(), platform.node(), opened_at)
    done = connection.execute(
        "INSERT INTO owner (pid, started_at, host, opened_at, first_attempt)"
        " SELECT ?, ?, ?, ?, coalesce(max(id), 0) FROM attempt",
        row,
    )
    return int(done.lastrowid or 0)


def lives(connection: sqlite3.Connection, owner: int, now: float) -> bool:
    """Whether an owner's process still runs with the ledger open."""
    pid, started_at, host, opened_at, first_attempt, gone = connection.execute(
        "SELECT pid, started_at, host, opened_at, first_attempt, gone FROM owner WHERE id = ?", (owner,)
    ).fetchone()
    if gone:
        return False
    if host != platform.node():
        last = connection.execute(
            "SELECT max(sent_at) FROM attempt WHERE owner_id = ? AND id > ?", (owner, first_attempt)
        ).fetchone()[0]
        return bool(now - (last or opened_at) < OTHER_HOST_S)
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started_at) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
