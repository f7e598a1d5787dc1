"""Attempts at questions, within a transaction: who may ask, and what came of it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from sqlite3 import Connection
from typing import NamedTuple

from models.language.calls import FINAL, Failed, Reason, Reply, Request, Usage
from models.language.ledger.file import NANO, nano, packed
from models.language.ledger.spending import OF_MONTH, OF_NIGHT, Run, spent

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


class AskedQuestion(NamedTuple):
    """A question that was asked before: the attempt that counts, whose it is, and how many answers were not seen."""

    attempt: int
    state: str
    run_id: int
    owner_id: int
    batch: str | None
    unknowns: int

    def why_not(self, run_id: int) -> tuple[Reason, str] | None:
        """Why a run may not ask it once more."""
        if self.state == "sent":
            return "late", self.batch or "in flight"
        if self.unknowns > RESENDS:
            return "unknown", "sent more than once without an answer; it is not sent again"
        if self.state == "unknown" and run_id <= self.run_id:
            return "unknown", "sent without an answer; a later run may send it once more"
        return None


def find_asked(connection: Connection, request: Request) -> AskedQuestion | None:
    """A question, if it was asked before: the attempt that was answered, else the last one."""
    row = connection.execute(
        "SELECT a.id, a.state, a.run_id, a.owner_id, b.key, sum(a.state = 'unknown') OVER () FROM attempt a"
        " LEFT JOIN batch b ON b.id = a.batch_id WHERE a.key = ? ORDER BY a.state = 'answered' DESC, a.id DESC LIMIT 1",
        (request.key,),
    ).fetchone()
    return AskedQuestion(*row) if row else None


def left(connection: Connection, run: Run, month: str, budget: Budget) -> int:
    """Nano-dollars that may still be reserved; -1 when a budget is 0, so that not even what is free is bought."""
    if min(budget.max_cost_usd, budget.max_cost_usd_per_month) <= 0:
        return -1
    night, so_far = spent(connection, OF_NIGHT, run.app, run.night), spent(connection, OF_MONTH, month)
    return min(round(budget.max_cost_usd * NANO) - night, round(budget.max_cost_usd_per_month * NANO) - so_far)


def turn_away(connection: Connection, run_id: int, why: str) -> None:
    """Count a claim of a run that was given no attempt."""
    grown = "ON CONFLICT DO UPDATE SET n = n + 1"
    connection.execute(f"INSERT INTO turned_away (run_id, why, n) VALUES (?, ?, 1) {grown}", (run_id, why))


def grant(connection: Connection, request: Request, **values: float | str | None) -> Attempt:
    """A new attempt, with values for the columns that its request does not tell."""
    row = {"key": request.key, "form_id": _form_id(connection, request), "user": request.user, **values}
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    made = connection.execute(f"INSERT INTO attempt ({names}) VALUES ({marks})", tuple(row.values()))
    return Attempt(int(made.lastrowid or 0), request)


def _form_id(connection: Connection, request: Request) -> int:
    """The row of what a request has in common with others, all but its user part; written when new."""
    schema = json.dumps(request.schema, ensure_ascii=False, separators=(",", ":"))
    form = (
        request.provider, request.model, request.system, schema, request.schema_name, request.max_tokens,
        request.effort, request.purpose, request.prompt_version,
    )  # fmt: skip
    digest = hashlib.sha256(json.dumps(form).encode()).digest()
    row = connection.execute("SELECT id FROM form WHERE hash = ?", (digest,)).fetchone()
    if row is None:
        columns = "hash, provider, model, system, schema, schema_name, max_tokens, effort, purpose, prompt_version"
        new = f"INSERT INTO form ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
        row = connection.execute(new, (digest, *form)).fetchone()
    return int(row[0])


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
        "SELECT a.reserved, a.month, r.app, r.night, a.state, a.cost FROM attempt a JOIN run r ON r.id = a.run_id"
        " WHERE a.id = ?",
        (outcome.attempt_id,),
    ).fetchone()
    if row is None:
        raise ValueError(f"no such attempt: {outcome.attempt_id}")
    reserved, month, app, night, before, cost_before = row
    reply, state = outcome.reply, _state(outcome.reply)
    if before not in {"sent", "unknown"} or before == state:
        return
    cost, reason = _cost(reply, state, reserved), reply.reason if isinstance(reply, Failed) else None
    text = reply.detail if isinstance(reply, Failed) else reply.text
    text = text.encode("utf-8", "replace").decode()  # JSON may escape a lone surrogate, which no file can hold
    connection.execute(
        "UPDATE attempt SET state = ?, reason = ?, cost = ?, input = ?, cached = ?, cache_write = ?, output = ?,"
        " reasoning = ?, seconds = ?, settled_at = ?, killed = ?, text = ?, raw = ? WHERE id = ?",
        (state, reason, cost, *astuple(reply.usage), reply.seconds, now, killed, text, packed(outcome.raw, text),
         outcome.attempt_id),
    )  # fmt: skip
    book(connection, app, night, month, cost - cost_before, -reserved if before == "sent" else 0)


def bury(connection: Connection, owner: int, now: float, *, killed: bool) -> None:
    """Call unknown what an owner had in flight, live; what stands in a batch lives on with the batch.

    Args:
        connection: Inside a transaction.
        owner: Its row.
        now: In seconds since 1970.
        killed: Whether its process died, for the report.
    """
    in_flight = "SELECT id, key FROM attempt WHERE owner_id = ? AND state = 'sent' AND batch_id IS NULL"
    detail = "the process ended before the answer was kept"
    rows = connection.execute(in_flight, (owner,)).fetchall()
    settle(connection, [Outcome(id_, Failed(key, "unknown", detail)) for id_, key in rows], now, killed=killed)
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
