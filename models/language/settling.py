"""What came of attempts: answers kept, costs booked, questions closed or opened again, inside a transaction."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import NamedTuple

from models.language.calls import Failed, Reason, Reply, Usage
from models.language.ledger_rows import book, chunks, marks, nano, storable, without_text

# Paid for, whatever it says: to ask again would be another purchase.
FINAL: frozenset[Reason] = frozenset({"refused", "truncated", "malformed"})

OUTCOME = (
    "attempt_id, state, reason, cost, input, cached, cache_write, output, reasoning, seconds, settled_at, killed,"
    " text, raw"
)


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt.

    Attributes:
        raw: The provider's answer as it came.
    """

    attempt_id: int
    reply: Reply
    raw: str = ""


class Open(NamedTuple):
    """An attempt as it stands before it is settled."""

    id: int
    question_id: int
    reserved: int
    month: str
    app: str
    night: str
    question_state: str
    last: int
    before: str | None
    cost_before: int | None


def settle(connection: Connection, outcomes: Sequence[Outcome], now: float, *, killed: bool = False) -> int:
    """Write outcomes down; returns how many attempts had none before.

    An attempt that has been settled is left as it is, unless its outcome was unknown.

    Raises:
        ValueError: There is no such attempt.
    """
    latest = {outcome.attempt_id: outcome for outcome in outcomes}
    attempts = _attempts(connection, list(latest))
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    rows, questions = [], []
    for row in attempts:
        outcome = latest[row.id]
        state = _state(outcome.reply)
        if row.before not in {None, "unknown"} or row.before == state:
            continue
        cost = _cost(outcome.reply, state, row.reserved)
        text = storable(outcome.reply.detail if isinstance(outcome.reply, Failed) else outcome.reply.text)
        kept = (now, int(killed), text, without_text(storable(outcome.raw), text))
        rows.append((row.id, state, *_figures(outcome.reply, cost), *kept))
        questions.append(_question(row, state))
        total = sums[row.app, row.night, row.month]
        total[0] += cost - (row.cost_before or 0)
        total[1] -= row.reserved if row.before is None else 0
    connection.executemany(f"INSERT OR REPLACE INTO outcome ({OUTCOME}) VALUES ({marks(range(14))})", rows)
    connection.executemany("UPDATE question SET state = ?, last = ?, unknowns = unknowns + ? WHERE id = ?", questions)
    book(connection, sums)
    return sum(row.before is None for row in attempts)


def bury(connection: Connection, owner: int, now: float, *, killed: bool) -> int:
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
    outcomes = [Outcome(attempt, Failed(key, "unknown", detail)) for attempt, key in rows]
    settle(connection, outcomes, now, killed=killed)
    connection.execute("UPDATE owner SET gone = 1 WHERE id = ?", (owner,))
    return len(outcomes)


def _attempts(connection: Connection, ids: Sequence[int]) -> list[Open]:
    found: list[Open] = []
    for some in chunks(ids):
        rows = connection.execute(
            "SELECT a.id, a.question_id, a.reserved, a.month, r.app, r.night, q.state, q.last, o.state, o.cost"
            " FROM attempt a JOIN run r ON r.id = a.run_id JOIN question q ON q.id = a.question_id"
            f" LEFT JOIN outcome o ON o.attempt_id = a.id WHERE a.id IN ({marks(some)})",
            some,
        )
        found.extend(Open(*row) for row in rows)
    if len(found) < len(ids):
        raise ValueError(f"no such attempts: {sorted(set(ids) - {row.id for row in found})[:5]}")
    return found


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


def _figures(reply: Reply, cost: int) -> tuple[str | None, int, int, int, int, int, int, float]:
    usage, reason = reply.usage, reply.reason if isinstance(reply, Failed) else None
    tokens = (usage.input, usage.cached, usage.cache_write, usage.output, usage.reasoning)
    return (reason, cost, *tokens, reply.seconds)


def _question(row: Open, state: str) -> tuple[str, int, int, int]:
    more = (state == "unknown") - (row.before == "unknown")
    if row.question_state != "answered" and (state == "answered" or row.last == row.id):
        return state, row.id, more, row.question_id
    return row.question_state, row.last, more, row.question_id
