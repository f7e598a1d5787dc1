"""What the ledger can tell: answers from before, what runs and months have spent, and how an answer came to be."""

import json
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from datetime import UTC, datetime
from sqlite3 import Connection

from models.language.calls import Failed, Reply, Request, Usage, Written
from models.language.ledger.file import NANO, LedgerFile, unpacked

# A night's runs, or one of them; and their attempts.
NAMED = "WHERE r.app = ? AND r.night = ? AND r.name = coalesce(?, r.name)"
OF_RUNS = f"FROM run r JOIN attempt a ON a.run_id = r.id JOIN form f ON f.id = a.form_id {NAMED}"
OF_NIGHT, OF_MONTH = "night WHERE (app, night) = (?, ?)", "month WHERE name = ?"
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

    calls: int = 0
    answered: int = 0
    in_flight: int = 0
    from_ledger: int = 0
    failed: Mapping[str, int] = field(default_factory=dict)
    turned_away: Mapping[str, int] = field(default_factory=dict)
    tokens: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    reserved_usd: float = 0.0
    resent: int = 0
    in_flight_at_kill: int = 0
    lines: tuple[SpendLine, ...] = ()


@dataclass(frozen=True)
class CallRecord:
    """How an answer came to be.

    Attributes:
        reply: None while in flight.
        raw: The provider's answer as it came.
        attempts: How often it was asked.
    """

    request: Request
    reply: Reply | None
    raw: str
    attempts: int
    sent_at: datetime
    settled_at: datetime | None
    mode: str


class Reports:
    """What the ledger can tell; every method may raise NightquestError when its file is damaged or busy."""

    file: LedgerFile

    def report(self, run: Run, *, whole_night: bool = False) -> SpendReport:
        """What a run asked, got and paid, or all runs for its night."""
        named = (run.app, run.night, None if whole_night else run.id)
        with self.file.reading() as connection:
            lines = _lines(connection, named)
            in_flight, killed, resent = connection.execute(
                "SELECT count(*) FILTER (WHERE a.state = 'sent'), coalesce(sum(a.killed), 0),"
                f" count(*) FILTER (WHERE a.resend AND a.state <> 'failed') {OF_RUNS}",
                named,
            ).fetchone()
            failed = f"SELECT a.reason, count(*) {OF_RUNS} AND a.reason IS NOT NULL GROUP BY 1 ORDER BY 1"
            away = f"SELECT why, sum(n) FROM turned_away JOIN run r ON r.id = run_id {NAMED} GROUP BY 1 ORDER BY 1"
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
            return connection.execute(
                f"SELECT f.purpose, f.provider, f.prompt_version, sum(a.cost) / {NANO}.0 FROM run r"
                " JOIN attempt a ON a.run_id = r.id JOIN form f ON f.id = a.form_id"
                " WHERE r.app = ? AND r.night BETWEEN ? AND ? AND a.state <> 'unknown'"
                " GROUP BY 1, 2, 3 HAVING sum(a.cost) > 0 ORDER BY 1, 2, 3",
                (app, first_night, last_night),
            ).fetchall()

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
                "SELECT f.model, f.purpose, sum(a.cost) * 1.0 / sum(a.reserved) FROM attempt a"
                " JOIN form f ON f.id = a.form_id"
                " WHERE a.id > (SELECT max(id) FROM attempt) - ? AND a.state = 'answered'"
                " GROUP BY f.model, f.purpose HAVING count(*) >= ? AND sum(a.reserved) > 0",
                (NEWEST, ENOUGH),
            )
            return {(model, purpose): share for model, purpose, share in rows}

    def spent(self, app: str, night: str) -> float:
        """US dollars that count against a night's budget: answers, what is in flight, what may have been billed."""
        with self.file.reading() as connection:
            return spent(connection, OF_NIGHT, app, night) / NANO

    def why(self, key: str) -> CallRecord | None:
        """How an answer came to be; None when the question was never asked."""
        with self.file.reading() as connection:
            row = connection.execute(
                "SELECT id, state, raw, text, count(*) OVER (), sent_at, settled_at, batch_id FROM attempt"
                " WHERE key = ? ORDER BY state = 'answered' DESC, id DESC LIMIT 1",
                (key,),
            ).fetchone()
            if row is None:
                return None
            attempt, state, raw, text, attempts, sent_at, settled_at, batch_id = row
            return CallRecord(
                request=request_of(connection, attempt),
                reply=None if state == "sent" else reply_of(connection, attempt),
                raw=unpacked(raw, text),
                attempts=attempts,
                sent_at=datetime.fromtimestamp(sent_at, UTC),
                settled_at=None if settled_at is None else datetime.fromtimestamp(settled_at, UTC),
                mode="live" if batch_id is None else "batch",
            )


def spent(connection: Connection, of: str, *named: str) -> int:
    """Nano-dollars that count against a budget: OF_NIGHT by app and night, OF_MONTH by name (`2024-03`, UTC)."""
    row = connection.execute(f"SELECT spent + reserved FROM {of}", named).fetchone()
    return row[0] if row else 0


def reply_of(connection: Connection, attempt: int) -> Reply:
    """What a settled attempt brought."""
    key, reason, text, cost, batch_id, seconds, night, *tokens = connection.execute(
        "SELECT a.key, a.reason, a.text, a.cost, a.batch_id, a.seconds, r.night, a.input, a.cached, a.cache_write,"
        " a.output, a.reasoning FROM attempt a JOIN run r ON r.id = a.run_id WHERE a.id = ?",
        (attempt,),
    ).fetchone()
    rest = (Usage(*tokens), cost / NANO, batch_id is not None, False, seconds, night)
    return Written(key, text, *rest) if reason is None else Failed(key, reason, text, *rest)


def request_of(connection: Connection, attempt: int) -> Request:
    """What an attempt asked."""
    provider, model, system, user, schema, *rest = connection.execute(
        "SELECT f.provider, f.model, f.system, a.user, f.schema, f.schema_name, f.max_tokens, f.effort, f.purpose,"
        " f.prompt_version FROM attempt a JOIN form f ON f.id = a.form_id WHERE a.id = ?",
        (attempt,),
    ).fetchone()
    return Request(provider, model, system, user, json.loads(schema), *rest)


def _lines(connection: Connection, named: tuple[str, str, str | None]) -> list[SpendLine]:
    rows = connection.execute(
        "SELECT f.provider, f.model, f.purpose, iif(a.batch_id IS NULL, 'live', 'batch'), count(*),"
        " sum(a.state = 'answered'), sum(a.input), sum(a.cached), sum(a.cache_write), sum(a.output), sum(a.reasoning),"
        f" sum(iif(a.state = 'unknown', 0, a.cost)) / {NANO}.0,"
        f" sum(iif(a.state IN ('sent', 'unknown'), a.reserved, 0)) / {NANO}.0"
        f" {OF_RUNS} GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
        named,
    )
    return [
        SpendLine(provider, model, purpose, mode, calls, answered, Usage(*tokens), cost, reserved)
        for provider, model, purpose, mode, calls, answered, *tokens, cost, reserved in rows
    ]
