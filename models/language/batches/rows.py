"""Batches as the ledger knows them: what was meant before the network heard of it, and how far each has come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from configs.language import LanguageModel
from models.language.calls import Failed, Reason, Request
from models.language.ledger import Attempt, Budget, Ledger, Outcome, Run
from models.language.ledger.claims import settle
from models.language.ledger.file import lives
from models.language.ledger.spending import request_of

KEY_BYTES = 11  # 22 hex digits


@dataclass(frozen=True)
class Batch:
    """A batch, times in seconds since 1970; fields in the order of the query in `_read`.

    Attributes:
        key: 22 hex digits; its requests' custom ids begin with it.
        state: `intent` (a process is sending it, or died doing so) -> `submitted` (the provider's id is known) ->
            `collected`. From `intent` also `unsure` (it may have been begun), and `released` once it is taken as never
            begun; `doubled` when it shows up after that.
        maybe_sent_at: When it may have been begun without our knowing; None when it surely was not.
        collections: How often its results were read and fell short of what the provider had counted.
    """

    id: int
    key: str
    provider: str
    owner_id: int
    state: str
    requests: int
    made_at: float
    maybe_sent_at: float | None
    provider_id: str | None
    collections: int
    app: str


def custom_id(batch_key: str, question_key: str) -> str:
    """At most 64 characters of [a-z0-9-]: which batch, which question."""
    return f"{batch_key[:22]}-{question_key[:40]}"


class BatchRows:
    """The batches of an open ledger; every change is one transaction, on disk when the method returns."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def intend(
        self, run: Run, budget: Budget, provider: str, requests: Sequence[Request], prices: Mapping[str, LanguageModel]
    ) -> Batch | None:
        """A new batch of those requests that the ledger grants, about to be sent; None when it grants none.

        From here on it may have been begun. What is asked of the ledger is as `Ledger.claim` has it.
        """
        ledger = self.ledger
        with ledger.file.transaction("write down a batch before it is sent, so it was not sent") as connection:
            (id_,) = connection.execute(
                "INSERT INTO batch (key, provider, run_id, owner_id, state, made_at, maybe_sent_at)"
                " VALUES (lower(hex(randomblob(?1))), ?2, ?3, ?4, 'intent', ?5, ?5) RETURNING id",
                (KEY_BYTES, provider, ledger.run_id(connection, run), ledger.owner, ledger.time()),
            ).fetchone()
            claims = ledger.decide(connection, run, budget, requests, prices, batch=id_)
            if not (granted := sum(isinstance(claim, Attempt) for claim in claims)):
                connection.execute("DELETE FROM batch WHERE id = ?", (id_,))
                return None
            connection.execute("UPDATE batch SET requests = ? WHERE id = ?", (granted, id_))
            return _read(connection, "b.id = ?", id_)[0]

    def take(self, batch: Batch) -> bool:
        """Take an unfinished batch over; False when another process was quicker."""
        with self.ledger.file.transaction("take over a batch") as connection:
            done = connection.execute(
                "UPDATE batch SET state = 'intent', owner_id = ? WHERE id = ? AND state = ? AND owner_id = ?",
                (self.ledger.owner, batch.id, batch.state, batch.owner_id),
            )
            return done.rowcount == 1

    def note(self, batch: Batch, **values: str | float | None) -> None:
        """Write down how it went."""
        with self.ledger.file.transaction("write down how a batch went") as connection:
            _set(connection, batch, values)

    def close(self, batch: Batch, reason: Reason, detail: str, **values: str | float | None) -> int:
        """Call what it did not answer failed, and open to another ask; returns how many that were.

        Args:
            batch: Ended, or never begun.
            reason: Of each failure.
            detail: Of each failure.
            values: Its state, and what else is to be written down of it.
        """
        with self.ledger.file.transaction("close a batch") as connection:
            in_flight = "SELECT id, key FROM attempt WHERE batch_id = ? AND state = 'sent'"
            left = connection.execute(in_flight, (batch.id,)).fetchall()
            outcomes = [Outcome(attempt, Failed(key, reason, detail, batch=True)) for attempt, key in left]
            settle(connection, outcomes, self.ledger.time())
            _set(connection, batch, {"detail": detail if left else "", **values})
        return len(left)

    def attempts(self, batch: Batch) -> dict[str, tuple[int, bool]]:
        """Its attempts by custom id, and whether each is settled."""
        with self.ledger.file.reading() as connection:
            rows = connection.execute(
                "SELECT key, id, state NOT IN ('sent', 'unknown') FROM attempt WHERE batch_id = ? ORDER BY id",
                (batch.id,),
            )
            return {custom_id(batch.key, key): (attempt, bool(settled)) for key, attempt, settled in rows}

    def request(self, attempt: int) -> Request:
        """What an attempt asks."""
        with self.ledger.file.reading() as connection:
            return request_of(connection, attempt)

    def unfinished(self, since: float = 0, app: str | None = None) -> list[Batch]:
        """Batches that may have been begun, and which no living process is sending.

        Those that were taken as never begun are among them, when they may have been sent since then.
        """
        now, in_doubt = self.ledger.time(), "b.state IN ('intent', 'unsure')"
        late = "b.state = 'released' AND b.maybe_sent_at >= ?"
        with self.ledger.file.reading() as connection:
            found = _read(connection, f"({in_doubt} OR {late}) AND r.app = coalesce(?, r.app)", since, app)
            return [one for one in found if one.state != "intent" or not lives(connection, one.owner_id, now)]

    def running(self, app: str | None = None) -> list[Batch]:
        """Batches that the provider has and that have not been collected, of one app or of all."""
        with self.ledger.file.reading() as connection:
            return _read(connection, "b.state = 'submitted' AND r.app = coalesce(?, r.app)", app)

    def known_ids(self, provider: str) -> set[str]:
        """The provider's ids of all batches that the ledger knows."""
        with self.ledger.file.reading() as connection:
            rows = connection.execute(
                "SELECT provider_id FROM batch WHERE provider = ? AND provider_id IS NOT NULL", (provider,)
            )
            return {id_ for (id_,) in rows}


def _set(connection: Connection, batch: Batch, values: Mapping[str, str | float | None]) -> None:
    assignments = ", ".join(f"{name} = ?" for name in values)
    connection.execute(f"UPDATE batch SET {assignments} WHERE id = ?", (*values.values(), batch.id))


def _read(connection: Connection, where: str, *values: object) -> list[Batch]:
    rows = connection.execute(
        "SELECT b.id, b.key, b.provider, b.owner_id, b.state, b.requests, b.made_at, b.maybe_sent_at, b.provider_id,"
        f" b.collections, r.app FROM batch b JOIN run r ON r.id = b.run_id WHERE {where} ORDER BY b.id",
        values,
    )
    return [Batch(*row) for row in rows]
