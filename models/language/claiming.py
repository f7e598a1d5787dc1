"""Who may ask: the decisions of one transaction of the ledger, over questions asked before and money left."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import NamedTuple

from configs.errors import NightquestError
from configs.language import LanguageModel
from models.language.calls import Failed, Reason, Reply, Request, most_it_costs
from models.language.forms import Forms
from models.language.ledger_rows import NANO, chunks, marks, nano
from models.language.spending import answers_of

RESENDS = 1  # of a question whose answer was not seen


@dataclass(frozen=True)
class Run:
    """Who pays: a run for an app's night (`2024-03-01`, or `by hand`); `id` is another for each run of a process."""

    app: str
    night: str
    id: str


@dataclass(frozen=True)
class Budget:
    """What all runs for a night may cost, and all apps in a UTC calendar month, in US dollars; 0 buys nothing."""

    max_cost_usd: float
    max_cost_usd_per_month: float


@dataclass(frozen=True)
class Attempt:
    """The right to send a request, and the duty to settle what came of it."""

    id: int
    request: Request


Claim = Reply | Attempt


class Asked(NamedTuple):
    """A question that the ledger knows: its state and its last attempt."""

    key: bytes
    id: int
    state: str
    last: int
    unknowns: int
    run_id: int
    owner_id: int
    batch: str | None


def reserves(requests: Sequence[Request], prices: Mapping[str, LanguageModel], *, batch: bool) -> list[int]:
    """The most that each request costs, in nano-dollars.

    Raises:
        NightquestError: A model has no price.
    """
    missing = {request.model for request in requests} - set(prices)
    if missing:
        raise NightquestError(
            f"No price is known for the model '{min(missing)}', so that what it costs could not be bounded.",
            "Add it to configs/language.yaml.",
        )
    return [nano(most_it_costs(request, prices[request.model], batch=batch)) for request in requests]


def find_asked(connection: Connection, requests: Sequence[Request]) -> dict[bytes, Asked]:
    """The questions among these that were asked before, by key."""
    keys = [bytes.fromhex(request.key) for request in requests]
    found: dict[bytes, Asked] = {}
    for some in chunks(keys):
        rows = connection.execute(
            "SELECT q.key, q.id, q.state, q.last, q.unknowns, a.run_id, a.owner_id, b.key FROM question q"
            " JOIN attempt a ON a.id = q.last LEFT JOIN batch b ON b.id = a.batch_id"
            f" WHERE q.key IN ({marks(some)})",
            some,
        )
        found.update((row[0], Asked(*row)) for row in rows)
    return found


class Claims:
    """One call of `claim`, inside its transaction: `decide` for each request in turn, then `write`.

    Args:
        connection: Inside a transaction.
        run_id: Row of the run that pays.
        left: Nano-dollars that may still be reserved; below 0 nothing may be, not even what is free.
        asked: As `find_asked` gives it.
    """

    def __init__(self, connection: Connection, forms: Forms, run_id: int, left: int, asked: dict[bytes, Asked]) -> None:
        self._connection, self._forms, self._run_id, self._left, self._asked = connection, forms, run_id, left, asked
        self._answers = answers_of(connection, [row.last for row in asked.values() if row.state == "answered"])
        last = connection.execute("SELECT (SELECT max(id) FROM attempt), (SELECT max(id) FROM question)").fetchone()
        self._attempt_ids, self._question_ids = (itertools.count((id_ or 0) + 1) for id_ in last)
        self._away: Counter[str] = Counter()
        self._taken: set[bytes] = set()
        self._new: list[tuple[int, bytes, int]] = []
        self._again: list[tuple[int, int]] = []
        self._attempts: list[tuple[int, int, int, int, int, str]] = []
        self.reserved = 0

    def decide(self, request: Request, reserve: int) -> Claim:
        """An attempt, an answer from before, or why there is neither."""
        key = bytes.fromhex(request.key)
        row = self._asked.get(key)
        if row is not None and row.state == "answered":
            self._away["answered"] += 1
            return self._answers[row.last].reply(request.key)
        why = self._held(key, row) or self._too_dear(reserve)
        if why is not None:
            self._away[why[0]] += 1
            return Failed(request.key, why[0], why[1], paid_now=False)
        return self._grant(request, key, row, reserve)

    def _held(self, key: bytes, row: Asked | None) -> tuple[Reason, str] | None:
        if key in self._taken:
            return "late", "asked for twice at one time"
        if row is None:
            return None
        if row.state == "sent":
            return "late", row.batch or "in flight"
        if row.unknowns > RESENDS:
            return "unknown", "sent more than once without an answer; it is not sent again"
        if row.state == "unknown" and self._run_id <= row.run_id:
            return "unknown", "sent without an answer; a later run may send it once more"
        return None

    def _too_dear(self, reserve: int) -> tuple[Reason, str] | None:
        if self.reserved + reserve > self._left:
            return "budget", "it could cost more than is left"
        return None

    def _grant(self, request: Request, key: bytes, row: Asked | None, reserve: int) -> Attempt:
        attempt = next(self._attempt_ids)
        if row is None:
            question, resend = next(self._question_ids), 0
            self._new.append((question, key, attempt))
        else:
            question, resend = row.id, int(row.unknowns > 0)
            self._again.append((attempt, question))
        self._attempts.append(
            (attempt, question, self._forms.id(self._connection, request), reserve, resend, request.user)
        )
        self._taken.add(key)
        self.reserved += reserve
        return Attempt(attempt, request)

    def write(self, owner: int, batch: int | None, month: str, now: float) -> int:
        """Write all decisions down; returns how many attempts there are."""
        many = self._connection.executemany
        many("INSERT INTO question (id, key, state, last, unknowns) VALUES (?, ?, 'sent', ?, 0)", self._new)
        many("UPDATE question SET state = 'sent', last = ? WHERE id = ?", self._again)
        common = (self._run_id, owner, batch, month, now)
        many(
            "INSERT INTO attempt (id, question_id, form_id, reserved, resend, user, run_id, owner_id, batch_id, month,"
            " sent_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [attempt + common for attempt in self._attempts],
        )
        if self._attempts:
            many("UPDATE run SET last_attempt = ? WHERE id = ?", [(self._attempts[-1][0], self._run_id)])
        many(
            "INSERT INTO turned_away (run_id, why, n) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
            [(self._run_id, why, n) for why, n in self._away.items()],
        )
        return len(self._attempts)


def left(connection: Connection, run: Run, month: str, budget: Budget) -> int:
    """Nano-dollars that may still be reserved; -1 when a budget is 0."""
    if min(budget.max_cost_usd, budget.max_cost_usd_per_month) <= 0:
        return -1
    night = connection.execute("SELECT spent + reserved FROM night WHERE app = ? AND night = ?", (run.app, run.night))
    so_far = connection.execute("SELECT spent + reserved FROM month WHERE name = ?", (month,))
    return min(
        round(budget.max_cost_usd * NANO) - (night.fetchone() or (0,))[0],
        round(budget.max_cost_usd_per_month * NANO) - (so_far.fetchone() or (0,))[0],
    )
