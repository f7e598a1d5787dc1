"""Questions and their attempts, within a transaction: who may ask, and what came of it."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from sqlite3 import Connection
from typing import NamedTuple

from models.language.calls import FINAL, Failed, Reason, Reply, Request, Usage
from models.language.ledger.file import NANO, nano, storable, without_text
from models.language.ledger.spending import Run, answer_of

RESENDS = 1  # of a question whose answer was not seen


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


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt; `raw` is the provider's answer as it came."""

    attempt_id: int
    reply: Reply
    raw: str = ""


Claim = Reply | Attempt


class Asked(NamedTuple):
    """A question that was asked before: its state, last attempt, unseen answers, and whose that attempt is."""

    id: int
    state: str
    last: int
    unknowns: int
    run_id: int
    owner_id: int
    batch: str | None


@dataclass
class Claims:
    """Decides on requests in turn, and writes each decision down, inside a transaction.

    Attributes:
        run_id: Row of the run that pays.
        owner: Row of whom the attempts belong to.
        batch: Row of the batch that the requests go into; None asks live.
        month: In which it counts (`2024-03`, UTC).
        now: In seconds since 1970.
        is_dead: Whether an owner's process died; what it had in flight is unknown from then on.
    """

    connection: Connection
    run: Run
    run_id: int
    budget: Budget
    owner: int
    batch: int | None
    month: str
    now: float
    is_dead: Callable[[int], bool]

    def __post_init__(self) -> None:
        self._left = left(self.connection, self.run, self.month, self.budget)

    def decide(self, request: Request, reserve: int) -> Claim:
        """An attempt, which reserves so many nano-dollars, an answer from before, or why there is neither."""
        asked = find_asked(self.connection, request)
        if asked and asked.state == "sent" and asked.batch is None and self.is_dead(asked.owner_id):
            asked = find_asked(self.connection, request)
        if asked and asked.state == "answered" and (kept := answer_of(self.connection, asked.last, request.key)):
            self._turn_away("answered")
            return kept[0]
        why = self._why_not(asked) if asked else None
        if why is None and reserve > self._left:
            why = "budget", "it could cost more than is left"
        if why is not None:
            self._turn_away(why[0])
            return Failed(request.key, *why, paid_now=False)
        return self._grant(request, reserve, asked)

    def _why_not(self, asked: Asked) -> tuple[Reason, str] | None:
        if asked.state == "sent":
            return "late", asked.batch or "in flight"
        if asked.unknowns > RESENDS:
            return "unknown", "sent more than once without an answer; it is not sent again"
        if asked.state == "unknown" and self.run_id <= asked.run_id:
            return "unknown", "sent without an answer; a later run may send it once more"
        return None

    def _turn_away(self, why: str) -> None:
        self.connection.execute(
            "INSERT INTO turned_away (run_id, why, n) VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1",
            (self.run_id, why),
        )

    def _grant(self, request: Request, reserve: int, asked: Asked | None) -> Attempt:
        execute = self.connection.execute
        (attempt,) = execute("SELECT coalesce(max(id), 0) + 1 FROM attempt").fetchone()
        (question,) = execute(
            "INSERT INTO question (key, state, last, unknowns) VALUES (?, 'sent', ?, 0)"
            " ON CONFLICT (key) DO UPDATE SET state = 'sent', last = excluded.last RETURNING id",
            (bytes.fromhex(request.key), attempt),
        ).fetchone()
        resend = asked is not None and asked.unknowns > 0
        execute(
            "INSERT INTO attempt (id, question_id, form_id, run_id, owner_id, batch_id, month, reserved, resend,"
            " sent_at, user) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (attempt, question, _form_id(self.connection, request), self.run_id, self.owner, self.batch, self.month,
             reserve, int(resend), self.now, request.user),
        )  # fmt: skip
        execute("UPDATE run SET last_attempt = ? WHERE id = ?", (attempt, self.run_id))
        book(self.connection, self.run.app, self.run.night, self.month, 0, reserve)
        self._left -= reserve
        return Attempt(attempt, request)


def find_asked(connection: Connection, request: Request) -> Asked | None:
    """A question, if it was asked before."""
    row = connection.execute(
        "SELECT q.id, q.state, q.last, q.unknowns, a.run_id, a.owner_id, b.key FROM question q"
        " JOIN attempt a ON a.id = q.last LEFT JOIN batch b ON b.id = a.batch_id WHERE q.key = ?",
        (bytes.fromhex(request.key),),
    ).fetchone()
    return Asked(*row) if row else None


def left(connection: Connection, run: Run, month: str, budget: Budget) -> int:
    """Nano-dollars that may still be reserved; -1 when a budget is 0, so that not even what is free is bought."""
    if min(budget.max_cost_usd, budget.max_cost_usd_per_month) <= 0:
        return -1
    night = connection.execute("SELECT spent + reserved FROM night WHERE app = ? AND night = ?", (run.app, run.night))
    so_far = connection.execute("SELECT spent + reserved FROM month WHERE name = ?", (month,))
    return min(
        round(budget.max_cost_usd * NANO) - (night.fetchone() or (0,))[0],
        round(budget.max_cost_usd_per_month * NANO) - (so_far.fetchone() or (0,))[0],
    )


def _form_id(connection: Connection, request: Request) -> int:
    """The row of what a request has in common with others, all but its user part; written when new."""
    schema = json.dumps(request.schema, ensure_ascii=False, separators=(",", ":"))
    parts = (
        request.provider, request.model, request.schema_name, request.max_tokens, request.effort, request.purpose,
        request.prompt_version,
    )  # fmt: skip
    digest = hashlib.sha256(json.dumps([*parts, request.system, schema]).encode()).digest()
    row = connection.execute("SELECT id FROM form WHERE hash = ?", (digest,)).fetchone()
    row = (
        row
        or connection.execute(
            "INSERT INTO form (hash, system_id, schema_id, provider, model, schema_name, max_tokens, effort, purpose,"
            " prompt_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            (digest, _text_id(connection, request.system), _text_id(connection, schema), *parts),
        ).fetchone()
    )
    return int(row[0])


def _text_id(connection: Connection, body: str) -> int:
    digest = hashlib.sha256(body.encode()).digest()
    connection.execute("INSERT OR IGNORE INTO text (hash, body) VALUES (?, ?)", (digest, body))
    return int(connection.execute("SELECT id FROM text WHERE hash = ?", (digest,)).fetchone()[0])


def settle(connection: Connection, outcomes: Sequence[Outcome], now: float, *, killed: bool = False) -> None:
    """Write outcomes down, the last one of each attempt.

    An attempt that has been settled is left as it is, unless its outcome was unknown.

    Raises:
        ValueError: There is no such attempt.
    """
    for outcome in {outcome.attempt_id: outcome for outcome in outcomes}.values():
        _settle(connection, outcome, now, killed=killed)


def _settle(connection: Connection, outcome: Outcome, now: float, *, killed: bool) -> None:
    row = connection.execute(
        "SELECT a.question_id, a.reserved, a.month, r.app, r.night, q.state, q.last, o.state, coalesce(o.cost, 0)"
        " FROM attempt a JOIN run r ON r.id = a.run_id JOIN question q ON q.id = a.question_id"
        " LEFT JOIN outcome o ON o.attempt_id = a.id WHERE a.id = ?",
        (outcome.attempt_id,),
    ).fetchone()
    if row is None:
        raise ValueError(f"no such attempt: {outcome.attempt_id}")
    question, reserved, month, app, night, question_state, last, before, cost_before = row
    reply, state = outcome.reply, _state(outcome.reply)
    if before not in {None, "unknown"} or before == state:
        return
    cost, reason = _cost(reply, state, reserved), reply.reason if isinstance(reply, Failed) else None
    text = storable(reply.detail if isinstance(reply, Failed) else reply.text)
    connection.execute(
        "INSERT OR REPLACE INTO outcome (attempt_id, state, reason, cost, input, cached, cache_write, output,"
        " reasoning, seconds, settled_at, killed, text, raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (outcome.attempt_id, state, reason, cost, *astuple(reply.usage), reply.seconds, now, int(killed), text,
         without_text(storable(outcome.raw), text)),
    )  # fmt: skip
    if question_state != "answered" and (state == "answered" or last == outcome.attempt_id):
        changed = (state, outcome.attempt_id, question)
        connection.execute("UPDATE question SET state = ?, last = ? WHERE id = ?", changed)
    more = (state == "unknown") - (before == "unknown")
    connection.execute("UPDATE question SET unknowns = unknowns + ? WHERE id = ?", (more, question))
    book(connection, app, night, month, cost - cost_before, 0 if before else -reserved)


def bury(connection: Connection, owner: int, now: float, *, killed: bool) -> None:
    """Call unknown what an owner had in flight, live; what stands in a batch lives on with the batch.

    Args:
        connection: Inside a transaction.
        owner: Its row.
        now: In seconds since 1970.
        killed: Whether its process died, for the report.
    """
    rows = connection.execute(
        "SELECT a.id, lower(hex(q.key)) FROM attempt a JOIN question q ON q.id = a.question_id"
        " WHERE a.id > (SELECT first_attempt FROM owner WHERE id = ?1) AND a.owner_id = ?1 AND a.batch_id IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM outcome o WHERE o.attempt_id = a.id)",
        (owner,),
    ).fetchall()
    detail = "the process ended before the answer was kept"
    settle(connection, [Outcome(row[0], Failed(row[1], "unknown", detail)) for row in rows], now, killed=killed)
    connection.execute("UPDATE owner SET gone = 1 WHERE id = ?", (owner,))


def book(connection: Connection, app: str, night: str, month: str, spent: int, reserved: int) -> None:
    """Add nano-dollars, either may be negative, to what a night and a month have spent and reserved."""
    grown = "ON CONFLICT DO UPDATE SET spent = spent + excluded.spent, reserved = reserved + excluded.reserved"
    of_night, of_month = (app, night, spent, reserved), (month, spent, reserved)
    connection.execute(f"INSERT INTO night (app, night, spent, reserved) VALUES (?, ?, ?, ?) {grown}", of_night)
    connection.execute(f"INSERT INTO month (name, spent, reserved) VALUES (?, ?, ?) {grown}", of_month)


def _state(reply: Reply) -> str:
    if not isinstance(reply, Failed) or reply.reason in FINAL:
        return "answered"
    return "unknown" if reply.reason == "unknown" else "failed"


def _cost(reply: Reply, state: str, reserved: int) -> int:
    # What was, or may have been, billed without a word about how much is booked at the most it can be.
    untold = isinstance(reply, Failed) and reply.reason == "malformed" and reply.usage == Usage()
    # Tokens for nothing: its price was not known to who read it. What is free has nothing reserved either.
    unpriced = state == "answered" and reply.usage != Usage() and nano(reply.cost_usd) == 0
    return reserved if state == "unknown" or untold or unpriced else nano(reply.cost_usd)
