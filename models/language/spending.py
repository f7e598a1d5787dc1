"""What the ledger can tell: answers from before, what runs and months have spent, and how an answer came to be."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import Any, NamedTuple

from models.language.calls import Failed, Reply, Request, Usage, Written
from models.language.ledger_rows import NANO, chunks, marks, with_text

# A night's runs, or one of them; and their attempts with their outcomes.
RUNS = "SELECT * FROM run WHERE app = ? AND night = ? AND name = coalesce(?, name)"
OF_RUNS = (
    f"FROM ({RUNS}) r CROSS JOIN attempt a ON a.id BETWEEN r.first_attempt AND r.last_attempt AND a.run_id = r.id"
    " LEFT JOIN outcome o ON o.attempt_id = a.id"
)


NEWEST, ENOUGH = 20_000, 10  # answers that tell what answers usually cost


@dataclass(frozen=True)
class SpendLine:
    """Attempts that share provider, model, purpose and mode (`live` or `batch`)."""

    provider: str
    model: str
    purpose: str
    mode: str
    calls: int
    answered: int
    tokens: Usage
    cost_usd: float
    reserved_usd: float


@dataclass(frozen=True)
class SpendReport:
    """What a run or a night asked, got and paid.

    Attributes:
        calls: Attempts, answered or not.
        answered: Attempts with an answer that was paid for, be it refused, truncated or malformed.
        in_flight: Attempts still without an outcome, those in running batches too.
        from_ledger: Questions whose answer was there before.
        failed: Attempts without a usable answer, by reason; refused and truncated ones are among the answered too.
        turned_away: Claims that were given no attempt, by reason.
        cost_usd: Of the answers seen.
        reserved_usd: May be billed on top: attempts in flight, and those whose outcome is unknown.
        resent: Attempts at questions whose first answer was not seen, so that both may have been billed.
        in_flight_at_kill: Attempts in flight when their process died.
    """

    calls: int
    answered: int
    in_flight: int
    from_ledger: int
    failed: Mapping[str, int]
    turned_away: Mapping[str, int]
    tokens: Usage
    cost_usd: float
    reserved_usd: float
    resent: int
    in_flight_at_kill: int
    lines: tuple[SpendLine, ...]


def nothing_spent() -> SpendReport:
    """The report of a night that asked nobody."""
    return SpendReport(0, 0, 0, 0, {}, {}, Usage(), 0.0, 0.0, 0, 0, ())


@dataclass(frozen=True)
class CallRecord:
    """How an answer came to be.

    Attributes:
        state: `sent` while in flight, `answered`, `failed` (unbilled) or `unknown` (sent, no answer seen).
        reply: None while in flight.
        raw: The provider's answer as it came.
        attempts: How often it was asked.
        batch: The ledger's key of the batch that it was in.
    """

    request: Request
    state: str
    reply: Reply | None
    raw: str
    attempts: int
    sent_at: datetime
    settled_at: datetime | None
    mode: str
    batch: str | None
    app: str
    night: str


class Kept(NamedTuple):
    """An outcome with its answer."""

    attempt_id: int
    reason: Any
    cost: int
    input: int
    cached: int
    cache_write: int
    output: int
    reasoning: int
    seconds: float
    batch_id: int | None
    night: str
    text: str
    raw: str | None

    def reply(self, key: str) -> Reply:
        """The answer as it was paid for before."""
        usage = Usage(self.input, self.cached, self.cache_write, self.output, self.reasoning)
        cost, batch = self.cost / NANO, self.batch_id is not None
        reply: Reply = Written(key, self.text, usage, cost)
        if self.reason is not None:
            reply = Failed(key, self.reason, self.text, usage, cost)
        return replace(reply, batch=batch, paid_now=False, seconds=self.seconds, night=self.night)


def answers_of(connection: Connection, attempts: Sequence[int], *, raw: bool = False) -> dict[int, Kept]:
    """Outcomes of settled attempts, by attempt; with the raw answers when asked for."""
    found: dict[int, Kept] = {}
    for some in chunks(attempts):
        rows = connection.execute(
            "SELECT o.attempt_id, o.reason, o.cost, o.input, o.cached, o.cache_write, o.output, o.reasoning, o.seconds,"
            f" a.batch_id, r.night, o.text, {'o.raw' if raw else 'NULL'} FROM outcome o"
            " JOIN attempt a ON a.id = o.attempt_id JOIN run r ON r.id = a.run_id"
            f" WHERE o.attempt_id IN ({marks(some)})",
            some,
        )
        found.update((row[0], Kept(*row)) for row in rows)
    return found


def usual_shares(connection: Connection) -> dict[tuple[str, str], float]:
    """By model and purpose, what the newest answers cost of the most that they could; where there are enough."""
    rows = connection.execute(
        "SELECT f.model, f.purpose, sum(o.cost) * 1.0 / sum(a.reserved) FROM attempt a"
        " JOIN outcome o ON o.attempt_id = a.id JOIN form f ON f.id = a.form_id"
        " WHERE a.id > (SELECT max(id) FROM attempt) - ? AND o.state = 'answered'"
        " GROUP BY f.model, f.purpose HAVING count(*) >= ? AND sum(a.reserved) > 0",
        (NEWEST, ENOUGH),
    )
    return {(model, purpose): share for model, purpose, share in rows}


def spent(connection: Connection, app: str, night: str) -> float:
    """US dollars that count against a night's budget: answers, what is in flight, and what may have been billed."""
    row = connection.execute("SELECT spent + reserved FROM night WHERE app = ? AND night = ?", (app, night)).fetchone()
    return (row[0] if row else 0) / NANO


def spent_in_month(connection: Connection, month: str) -> float:
    """US dollars that count against a month's budget, all apps; what was sent in a month counts in it."""
    row = connection.execute("SELECT spent + reserved FROM month WHERE name = ?", (month,)).fetchone()
    return (row[0] if row else 0) / NANO


def report(connection: Connection, app: str, night: str, run: str | None) -> SpendReport:
    """What a night, or one run for it, asked, got and paid."""
    named = (app, night, run)
    lines = _lines(connection, named)
    in_flight, killed, resent = connection.execute(
        "SELECT count(*) FILTER (WHERE o.state IS NULL), coalesce(sum(o.killed), 0),"
        f" count(*) FILTER (WHERE a.resend AND o.state IS NOT 'failed') {OF_RUNS}",
        named,
    ).fetchone()
    failed = connection.execute(
        f"SELECT o.reason, count(*) {OF_RUNS} WHERE o.reason IS NOT NULL GROUP BY 1 ORDER BY 1", named
    )
    away = connection.execute(
        f"SELECT why, sum(n) FROM turned_away JOIN ({RUNS}) r ON r.id = run_id GROUP BY 1 ORDER BY 1", named
    )
    turned_away = dict(away.fetchall())
    return SpendReport(
        calls=sum(line.calls for line in lines),
        answered=sum(line.answered for line in lines),
        in_flight=in_flight,
        from_ledger=turned_away.pop("answered", 0),
        failed=dict(failed.fetchall()),
        turned_away=turned_away,
        tokens=_total([line.tokens for line in lines]),
        cost_usd=sum(line.cost_usd for line in lines),
        reserved_usd=sum(line.reserved_usd for line in lines),
        resent=resent,
        in_flight_at_kill=killed,
        lines=tuple(lines),
    )


def why(connection: Connection, key: str) -> CallRecord | None:
    """How an answer came to be; None when the question was never asked."""
    row = connection.execute(
        "SELECT q.state, q.last, a.sent_at, o.settled_at, b.key, a.batch_id, r.app, r.night,"
        " (SELECT count(*) FROM attempt x WHERE x.question_id = q.id)"
        " FROM question q JOIN attempt a ON a.id = q.last JOIN run r ON r.id = a.run_id"
        " LEFT JOIN outcome o ON o.attempt_id = a.id LEFT JOIN batch b ON b.id = a.batch_id WHERE q.key = ?",
        (bytes.fromhex(key),),
    ).fetchone()
    if row is None:
        return None
    state, last, sent_at, settled_at, batch, batch_id, app, night, attempts = row
    kept = answers_of(connection, [last], raw=True).get(last)
    return CallRecord(
        request=requests_of(connection, [last])[last],
        state=state,
        reply=kept.reply(key) if kept else None,
        raw=with_text(kept.raw or "", kept.text) if kept else "",
        attempts=attempts,
        sent_at=datetime.fromtimestamp(sent_at, UTC),
        settled_at=None if settled_at is None else datetime.fromtimestamp(settled_at, UTC),
        mode="live" if batch_id is None else "batch",
        batch=batch,
        app=app,
        night=night,
    )


def requests_of(connection: Connection, attempts: Sequence[int]) -> dict[int, Request]:
    """Requests as they were asked, by attempt."""
    found: dict[int, Request] = {}
    for some in chunks(attempts):
        rows = connection.execute(
            "SELECT a.id, f.provider, f.model, s.body, a.user, f.schema_id, f.schema_name, f.max_tokens, f.effort,"
            " f.purpose, f.prompt_version FROM attempt a JOIN form f ON f.id = a.form_id"
            " JOIN text s ON s.id = f.system_id"
            f" WHERE a.id IN ({marks(some)})",
            some,
        ).fetchall()
        schemas = _schemas(connection, {row[5] for row in rows})
        for attempt, provider, model, system, user, schema, *rest in rows:
            found[attempt] = Request(provider, model, system, user, schemas[schema], *rest)
    return found


def _schemas(connection: Connection, ids: set[int]) -> dict[int, Any]:
    rows = connection.execute(f"SELECT id, body FROM text WHERE id IN ({marks(list(ids))})", list(ids))
    return {id_: json.loads(body) for id_, body in rows}


def _lines(connection: Connection, named: tuple[str, str, str | None]) -> list[SpendLine]:
    rows = connection.execute(
        "SELECT f.provider, f.model, f.purpose, iif(a.batch_id IS NULL, 'live', 'batch'), count(*),"
        " count(*) FILTER (WHERE o.state = 'answered'), sum(o.input), sum(o.cached), sum(o.cache_write),"
        " sum(o.output), sum(o.reasoning), sum(o.cost) FILTER (WHERE o.state <> 'unknown'),"
        " sum(a.reserved) FILTER (WHERE o.state IS NULL OR o.state = 'unknown')"
        f" {OF_RUNS} JOIN form f ON f.id = a.form_id GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
        named,
    )
    return [
        SpendLine(
            provider,
            model,
            purpose,
            mode,
            calls,
            answered,
            Usage(*(n or 0 for n in tokens)),
            cost_usd=(cost or 0) / NANO,
            reserved_usd=(reserved or 0) / NANO,
        )
        for provider, model, purpose, mode, calls, answered, *tokens, cost, reserved in rows
    ]


def _total(usages: Sequence[Usage]) -> Usage:
    return Usage(*(sum(n) for n in zip(*(astuple(usage) for usage in usages), strict=True))) if usages else Usage()
