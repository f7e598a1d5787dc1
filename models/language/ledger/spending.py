"""What the ledger can tell: answers from before, what runs and months have spent, and how an answer came to be."""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from sqlite3 import Connection

from models.language.calls import Failed, Reply, Request, Usage, Written
from models.language.ledger.file import NANO, LedgerFile, with_text

# A night's runs, or one of them; and their attempts with their outcomes.
RUNS = "SELECT * FROM run WHERE app = ? AND night = ? AND name = coalesce(?, name)"
OF_RUNS = (
    f"FROM ({RUNS}) r CROSS JOIN attempt a ON a.id BETWEEN r.first_attempt AND r.last_attempt AND a.run_id = r.id"
    " LEFT JOIN outcome o ON o.attempt_id = a.id"
)
NEWEST, ENOUGH = 20_000, 10  # answers that tell what answers usually cost


@dataclass(frozen=True)
class Run:
    """Who pays: a run for an app's night (`2024-03-01`, or `by hand`); `id` is another for each run of a process."""

    app: str
    night: str
    id: str


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


class Reports:
    """What the ledger can tell; every method may raise NightquestError when its file is damaged or busy."""

    file: LedgerFile

    def report(self, run: Run, *, whole_night: bool = False) -> SpendReport:
        """What a run asked, got and paid, or all runs for its night."""
        named = (run.app, run.night, None if whole_night else run.id)
        with self.file.reading() as connection:
            lines = _lines(connection, named)
            in_flight, killed, resent = connection.execute(
                "SELECT count(*) FILTER (WHERE o.state IS NULL), coalesce(sum(o.killed), 0),"
                f" count(*) FILTER (WHERE a.resend AND o.state IS NOT 'failed') {OF_RUNS}",
                named,
            ).fetchone()
            failed = f"SELECT o.reason, count(*) {OF_RUNS} WHERE o.reason IS NOT NULL GROUP BY 1 ORDER BY 1"
            away = f"SELECT why, sum(n) FROM turned_away JOIN ({RUNS}) r ON r.id = run_id GROUP BY 1 ORDER BY 1"
            turned_away = dict(connection.execute(away, named).fetchall())
            return SpendReport(
                calls=sum(line.calls for line in lines),
                answered=sum(line.answered for line in lines),
                in_flight=in_flight,
                from_ledger=turned_away.pop("answered", 0),
                failed=dict(connection.execute(failed, named).fetchall()),
                turned_away=turned_away,
                tokens=Usage(*(sum(n) for n in zip(*(astuple(line.tokens) for line in lines), strict=True))),
                cost_usd=sum(line.cost_usd for line in lines),
                reserved_usd=sum(line.reserved_usd for line in lines),
                resent=resent,
                in_flight_at_kill=killed,
                lines=tuple(lines),
            )

    def paid_for(self, app: str, first_night: str, last_night: str) -> list[tuple[str, str, str, float]]:
        """(purpose, provider, prompt version, US dollars) of all answers seen for the nights of an app, both included.

        What was refused or could not be used was paid for like the rest.
        """
        with self.file.reading() as connection:
            rows = connection.execute(
                "SELECT f.purpose, f.provider, f.prompt_version, sum(o.cost) FROM run r"
                " CROSS JOIN attempt a ON a.id BETWEEN r.first_attempt AND r.last_attempt AND a.run_id = r.id"
                " JOIN outcome o ON o.attempt_id = a.id AND o.state <> 'unknown' JOIN form f ON f.id = a.form_id"
                " WHERE r.app = ? AND r.night BETWEEN ? AND ? GROUP BY 1, 2, 3 HAVING sum(o.cost) > 0 ORDER BY 1, 2, 3",
                (app, first_night, last_night),
            )
            return [(*told, cost / NANO) for *told, cost in rows]

    def nights(self, app: str | None = None, most: int = 31) -> list[tuple[str, str]]:
        """The newest app and night pairs that anything was asked for, of one app or of all."""
        with self.file.reading() as connection:
            return connection.execute(
                "SELECT app, night FROM run WHERE ? IN (app, '') GROUP BY app, night ORDER BY max(id) DESC LIMIT ?",
                (app or "", most),
            ).fetchall()

    def usual_shares(self) -> dict[tuple[str, str], float]:
        """By model and purpose, what answers usually cost of the most that they could; where enough are known."""
        with self.file.reading() as connection:
            rows = connection.execute(
                "SELECT f.model, f.purpose, sum(o.cost) * 1.0 / sum(a.reserved) FROM attempt a"
                " JOIN outcome o ON o.attempt_id = a.id JOIN form f ON f.id = a.form_id"
                " WHERE a.id > (SELECT max(id) FROM attempt) - ? AND o.state = 'answered'"
                " GROUP BY f.model, f.purpose HAVING count(*) >= ? AND sum(a.reserved) > 0",
                (NEWEST, ENOUGH),
            )
            return {(model, purpose): share for model, purpose, share in rows}

    def spent(self, app: str, night: str) -> float:
        """US dollars that count against a night's budget: answers, what is in flight, what may have been billed."""
        return self._sum("night WHERE (app, night) = (?, ?)", app, night)

    def spent_in(self, month: str) -> float:
        """US dollars that count against the budget of a month (`2024-03`, UTC), all apps; of what was sent in it."""
        return self._sum("month WHERE name = ?", month)

    def _sum(self, rows: str, *named: str) -> float:
        with self.file.reading() as connection:
            row = connection.execute(f"SELECT spent + reserved FROM {rows}", named).fetchone()
        return (row[0] if row else 0) / NANO

    def why(self, key: str) -> CallRecord | None:
        """How an answer came to be; None when the question was never asked."""
        with self.file.reading() as connection:
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
            kept = answer_of(connection, last, key)
            return CallRecord(
                request=request_of(connection, last),
                state=state,
                reply=kept[0] if kept else None,
                raw=kept[1] if kept else "",
                attempts=attempts,
                sent_at=datetime.fromtimestamp(sent_at, UTC),
                settled_at=None if settled_at is None else datetime.fromtimestamp(settled_at, UTC),
                mode="live" if batch_id is None else "batch",
                batch=batch,
                app=app,
                night=night,
            )


def answer_of(connection: Connection, attempt: int, key: str) -> tuple[Reply, str] | None:
    """What an attempt at the question of this key brought, and the raw answer; None while it is in flight."""
    row = connection.execute(
        "SELECT o.reason, o.cost, o.seconds, a.batch_id, r.night, o.text, o.raw, o.input, o.cached, o.cache_write,"
        " o.output, o.reasoning FROM outcome o JOIN attempt a ON a.id = o.attempt_id JOIN run r ON r.id = a.run_id"
        " WHERE o.attempt_id = ?",
        (attempt,),
    ).fetchone()
    if row is None:
        return None
    reason, cost, seconds, batch_id, night, text, raw, *tokens = row
    rest = (Usage(*tokens), cost / NANO, batch_id is not None, False, seconds, night)
    reply = Written(key, text, *rest) if reason is None else Failed(key, reason, text, *rest)
    return reply, with_text(raw, text)


def request_of(connection: Connection, attempt: int) -> Request:
    """What an attempt asked."""
    provider, model, system, user, schema, *rest = connection.execute(
        "SELECT f.provider, f.model, s.body, a.user, t.body, f.schema_name, f.max_tokens, f.effort, f.purpose,"
        " f.prompt_version FROM attempt a JOIN form f ON f.id = a.form_id JOIN text s ON s.id = f.system_id"
        " JOIN text t ON t.id = f.schema_id WHERE a.id = ?",
        (attempt,),
    ).fetchone()
    return Request(provider, model, system, user, json.loads(schema), *rest)


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
