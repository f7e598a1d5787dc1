"""Batches as the ledger knows them: what was meant before the network heard of it, and how far each has come."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from models.language.calls import Failed, Reason, Request
from models.language.ledger import Ledger, Outcome, Run
from models.language.ledger.claims import settle
from models.language.ledger.file import lives
from models.language.ledger.spending import request_of

KEY_BYTES = 11  # 22 hex digits
AT_ONCE = 300  # requests settled in one transaction


@dataclass(frozen=True)
class Batch:
    """A batch, times in seconds since 1970; fields in the order of the query in `_read`.

    Attributes:
        key: 22 hex digits; its requests' custom ids begin with it.
        state: `gathering` (nothing was sent) -> `intent` (a process is sending it, or died doing so) -> `submitted`
            (the provider's id is known) -> `collected`. From `intent` also `unsure` (it may have been begun) and
            `unsent` (it was not); `released` at the end of a batch that never began.
        maybe_sent_at: When it may last have been begun without our knowing; None when it surely was not.
        submissions: How often it was sent.
        collections: How often its results were read and fell short of what the provider had counted.
    """

    id: int
    key: str
    provider: str
    owner_id: int
    state: str
    requests: int
    made_at: float
    first_sent_at: float | None
    maybe_sent_at: float | None
    submissions: int
    provider_id: str | None
    collections: int
    detail: str
    app: str
    night: str


def custom_id(batch_key: str, request: Request) -> str:
    """At most 64 characters of [a-z0-9-]: which batch, which question."""
    return f"{batch_key[:22]}-{request.key[:40]}"


class BatchRows:
    """The batches of an open ledger; every change is one transaction, on disk when the method returns."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def path(self, key: str) -> Path:
        """The file of a batch's requests, kept until the provider's id of it is known."""
        return self.ledger.folder / "batches" / f"{key}.jsonl"

    def gather(self, run: Run, provider: str) -> Batch:
        """A new, empty batch."""
        with self.ledger.file.transaction("begin a batch, so nothing was sent") as connection:
            (id_,) = connection.execute(
                "INSERT INTO batch (key, provider, run_id, owner_id, state, made_at)"
                " VALUES (lower(hex(randomblob(?))), ?, ?, ?, 'gathering', ?) RETURNING id",
                (KEY_BYTES, provider, self.ledger.run_id(connection, run), self.ledger.owner, self.ledger.time()),
            ).fetchone()
            return _read(connection, "b.id = ?", id_)[0]

    def drop_if_empty(self, batch: Batch) -> None:
        """Forget a batch into which nothing went."""
        with self.ledger.file.transaction("drop an empty batch") as connection:
            empty = "NOT EXISTS (SELECT 1 FROM attempt WHERE batch_id = ?1)"
            connection.execute(f"DELETE FROM batch WHERE id = ?1 AND {empty}", (batch.id,))

    def intend(self, batch: Batch, requests: int, size: int) -> Batch:
        """It is about to be sent, so many bytes; from here on it may have been begun."""
        with self.ledger.file.transaction("write down a batch before it is sent, so it was not sent") as connection:
            connection.execute(
                "UPDATE batch SET state = 'intent', requests = ?1, bytes = ?2, owner_id = ?3, detail = '',"
                " maybe_sent_at = ?4, first_sent_at = coalesce(first_sent_at, ?4), submissions = submissions + 1"
                " WHERE id = ?5",
                (requests, size, self.ledger.owner, self.ledger.time(), batch.id),
            )
            return _read(connection, "b.id = ?", batch.id)[0]

    def take(self, batch: Batch) -> bool:
        """Take an unfinished batch over; False when another process was quicker."""
        with self.ledger.file.transaction("take over a batch") as connection:
            done = connection.execute(
                "UPDATE batch SET state = iif(state = 'gathering', state, 'intent'), owner_id = ?"
                " WHERE id = ? AND state = ? AND owner_id = ?",
                (self.ledger.owner, batch.id, batch.state, batch.owner_id),
            )
            return done.rowcount == 1

    def submitted(self, batch: Batch, provider_id: str, *, adopted: bool = False) -> None:
        """The provider's id is known; the file of requests is needed no longer."""
        self._set(batch, state="submitted", provider_id=provider_id, adopted=int(adopted))
        self._remove_file(batch)

    def unsure(self, batch: Batch, detail: str) -> None:
        """It may have been begun."""
        self._set(batch, state="unsure", detail=detail)

    def unsent(self, batch: Batch, detail: str) -> None:
        """It was surely not begun."""
        self._set(batch, state="unsent", detail=detail, maybe_sent_at=None)

    def fell_short(self, batch: Batch) -> None:
        """Fewer results were read than the provider had counted."""
        self._set(batch, collections=batch.collections + 1)

    def doubled(self, batch: Batch, provider_id: str) -> None:
        """The provider has begun it once more under this id."""
        with self.ledger.file.transaction("write down a doubled batch") as connection:
            row = (provider_id, batch.id)
            connection.execute("INSERT OR IGNORE INTO doubled (provider_id, batch_id) VALUES (?, ?)", row)

    def close(self, batch: Batch, reason: Reason, detail: str, state: str) -> int:
        """Call what it did not answer failed, and open to another ask; returns how many that were.

        Args:
            batch: Ended, or never begun.
            reason: Of each failure.
            detail: Of each failure.
            state: `collected` or `released`.
        """
        closed = after = 0
        while rows := self._in_flight(batch, after):
            with self.ledger.file.transaction("close a batch") as connection:
                outcomes = [Outcome(attempt, Failed(key, reason, detail, batch=True)) for attempt, key, _ in rows]
                settle(connection, outcomes, self.ledger.time())
            closed, after = closed + len(rows), rows[-1][2]
        self._set(batch, state=state, detail=detail if closed else "")
        self._remove_file(batch)
        return closed

    def match(self, batch: Batch, custom_ids: Sequence[str]) -> dict[str, tuple[int, bool, Request]]:
        """By custom id of this batch: the attempt, whether it is settled, and what was asked."""
        found: dict[str, tuple[int, bool, Request]] = {}
        with self.ledger.file.reading() as connection:
            for name in custom_ids:
                if (first := _first_key(batch.key, name)) is None:
                    continue
                row = connection.execute(
                    "SELECT a.id, coalesce(o.state, 'unknown') <> 'unknown' FROM question q"
                    " JOIN attempt a ON a.batch_id = ? AND a.question_id = q.id"
                    " LEFT JOIN outcome o ON o.attempt_id = a.id WHERE q.key BETWEEN ? AND ?",
                    (batch.id, first, first + b"\xff" * 12),
                ).fetchone()
                if row:
                    found[name] = row[0], bool(row[1]), request_of(connection, row[0])
        return found

    def unfinished(self, app: str | None = None) -> list[Batch]:
        """Batches whose provider's id is not known, and which no living process is about to send."""
        with self.ledger.file.reading() as connection:
            of_app = "b.state IN ('gathering', 'intent', 'unsure', 'unsent') AND r.app = coalesce(?, r.app)"
            return [
                batch
                for batch in _read(connection, of_app, app)
                if batch.state in {"unsure", "unsent"} or not lives(connection, batch.owner_id, self.ledger.time())
            ]

    def running(self, app: str | None = None) -> list[Batch]:
        """Batches that the provider has and that have not been collected, of one app or of all."""
        with self.ledger.file.reading() as connection:
            return _read(connection, "b.state = 'submitted' AND r.app = coalesce(?, r.app)", app)

    def known_ids(self, provider: str) -> set[str]:
        """The provider's ids of all batches that the ledger knows."""
        with self.ledger.file.reading() as connection:
            rows = connection.execute(
                "SELECT provider_id FROM batch WHERE provider = ? AND provider_id IS NOT NULL"
                " UNION SELECT provider_id FROM doubled",
                (provider,),
            )
            return {id_ for (id_,) in rows}

    def figures(self, run: Run, *, whole_night: bool = False) -> dict[str, int]:
        """Of a run's or a night's batches: how many in each state, `adopted`, sent again (`resubmitted`), `doubled`."""
        named = (run.app, run.night, None if whole_night else run.id)
        of_runs = (
            "FROM batch b JOIN run r ON r.id = b.run_id WHERE (r.app, r.night, r.name) = (?, ?, coalesce(?, r.name))"
        )
        with self.ledger.file.reading() as connection:
            states = connection.execute(f"SELECT b.state, count(*) {of_runs} GROUP BY 1 ORDER BY 1", named).fetchall()
            sums = connection.execute(
                "SELECT coalesce(sum(b.adopted), 0), coalesce(sum(b.submissions > 1), 0),"
                f" coalesce(sum((SELECT count(*) FROM doubled d WHERE d.batch_id = b.id)), 0) {of_runs}",
                named,
            ).fetchone()
        return dict(states) | dict(zip(("adopted", "resubmitted", "doubled"), sums, strict=True))

    def _in_flight(self, batch: Batch, after: int) -> list[tuple[int, str, int]]:
        with self.ledger.file.reading() as connection:
            return connection.execute(
                "SELECT a.id, lower(hex(q.key)), q.id FROM attempt a JOIN question q ON q.id = a.question_id"
                " WHERE a.batch_id = ? AND a.question_id > ?"
                " AND NOT EXISTS (SELECT 1 FROM outcome o WHERE o.attempt_id = a.id) ORDER BY a.question_id LIMIT ?",
                (batch.id, after, AT_ONCE),
            ).fetchall()

    def _remove_file(self, batch: Batch) -> None:
        with suppress(OSError):  # the ledger tells what is to be done, not the folder
            self.path(batch.key).unlink(missing_ok=True)

    def _set(self, batch: Batch, **values: str | float | None) -> None:
        assignments = ", ".join(f"{name} = ?" for name in values)
        with self.ledger.file.transaction("write down how a batch went") as connection:
            connection.execute(f"UPDATE batch SET {assignments} WHERE id = ?", (*values.values(), batch.id))


def _read(connection: Connection, where: str, *values: object) -> list[Batch]:
    rows = connection.execute(
        "SELECT b.id, b.key, b.provider, b.owner_id, b.state, b.requests, b.made_at, b.first_sent_at, b.maybe_sent_at,"
        " b.submissions, b.provider_id, b.collections, b.detail, r.app, r.night"
        f" FROM batch b JOIN run r ON r.id = b.run_id WHERE {where} ORDER BY b.id",
        values,
    )
    return [Batch(*row) for row in rows]


def _first_key(batch_key: str, name: str) -> bytes | None:
    """The lowest key of a question that this custom id can mean; None when it is not one of this batch."""
    head, _, tail = name.partition("-")
    with suppress(ValueError):
        return bytes.fromhex(tail) if head == batch_key[:22] and len(tail) == 40 else None
    return None
