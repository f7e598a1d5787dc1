"""The spending ledger: what is asked is written down before it is sent, and what it cost after; nothing is paid twice.

A question is known by its key. `claim` gives an attempt to whoever asks first and has the money; from then on the
question belongs to that attempt until it is settled. An attempt whose process died may have been billed: its price
stays booked, and a later run may send it once more.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection

from configs.errors import BusyError, NightquestError
from configs.language import LanguageModel
from configs.nouns import counted
from models.language.calls import Failed, Reason, Request, most_it_costs
from models.language.ledger import claims as rows
from models.language.ledger.claims import Attempt, Budget, Claim, Outcome, bury, find_asked, settle
from models.language.ledger.file import NANO, LedgerFile, lives, nano, register
from models.language.ledger.spending import OF_MONTH, CallRecord, Reports, Run, SpendLine, SpendReport, reply_of, spent

CLOSED = "the client is closed"
LEDGER_FILE = Path("ledger") / "language.sqlite"  # under home
LINGER_S = 0.005  # gathers more for a transaction; halves what an ask costs a busy processor
SHORT: tuple[Reason, str] = ("budget", "it could cost more than is left")
__all__ = [
    "CLOSED",
    "LEDGER_FILE",
    "AsyncLedger",
    "Attempt",
    "Budget",
    "CallRecord",
    "Claim",
    "Ledger",
    "Outcome",
    "Run",
    "SpendLine",
    "SpendReport",
    "open_ledger",
]  # fmt: skip


class Ledger(Reports):
    """The ledger, opened by `open_ledger`; several threads and processes may use it at one time.

    Attributes:
        file: Its SQLite file.
        owner: Row of this opening of it; what is in flight belongs to an owner.
    """

    def __init__(self, file: LedgerFile, now: Callable[[], datetime]) -> None:
        self.file, self._now = file, now
        with file.transaction("be opened") as connection:
            self.owner = register(connection, self.time())
            for (owner,) in connection.execute("SELECT id FROM owner WHERE NOT gone").fetchall():
                self._bury_if_dead(connection, owner)

    def time(self) -> float:
        """Now, in seconds since 1970."""
        return self._now().timestamp()

    def claim(
        self, run: Run, budget: Budget, requests: Sequence[Request], prices: Mapping[str, LanguageModel]
    ) -> list[Claim]:
        """Ask for the right to send, in one transaction that is on disk before this returns.

        Args:
            run: Who pays.
            budget: What may be reserved in all.
            requests: Equal keys are given one attempt.
            prices: Of every model asked for, by name.

        Returns:
            For each request, in order: the answer that was paid for before (`paid_now=False`); an attempt; or `Failed`
            with `budget` (it could cost more than is left), `late` (a batch, another process or an earlier claim has
            it) or `unknown` (sent before, no answer seen: it may not be sent again, or not by this run).

        Raises:
            NightquestError: It could not be written down, so that nothing may be sent; or a model has no price.
        """
        with self.file.transaction("write down what is about to be asked, so nothing was sent") as connection:
            return self.decide(connection, run, budget, requests, prices)

    def decide(
        self,
        connection: Connection,
        run: Run,
        budget: Budget,
        requests: Sequence[Request],
        prices: Mapping[str, LanguageModel],
        *,
        batch: int | None = None,
    ) -> list[Claim]:
        """`claim` within a transaction; with the row of a batch that the requests go into, at its price."""
        most, month = _most(requests, prices, batch=batch is not None), self._month()
        run_id = self.run_id(connection, run)
        money, claims = rows.left(connection, run, month, budget), list[Claim]()
        told = {"run_id": run_id, "owner_id": self.owner, "batch_id": batch, "month": month, "sent_at": self.time()}
        for request, reserve in zip(requests, most, strict=True):
            asked = find_asked(connection, request)
            if asked and asked.state == "sent" and not asked.batch and self._bury_if_dead(connection, asked.owner_id):
                asked = find_asked(connection, request)
            why = asked.why_not(run_id) if asked else None
            if asked and asked.state == "answered":
                claims.append(reply_of(connection, asked.attempt))
                rows.turn_away(connection, run_id, "answered")
            elif why or reserve > money:
                claims.append(Failed(request.key, *(why or SHORT), paid_now=False))
                rows.turn_away(connection, run_id, (why or SHORT)[0])
            else:
                resend = bool(asked and asked.unknowns)
                claims.append(rows.grant(connection, request, reserved=reserve, resend=resend, **told))
                rows.book(connection, run.app, run.night, month, 0, reserve)
                money -= reserve
        return claims

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Write down what came of attempts, in one transaction that is on disk before this returns.

        An answer, also a refused, truncated or malformed one, closes its question for good. `unknown` books the most
        it can have cost. All else was not billed and may be sent again. What is settled already stays as it is.

        Raises:
            NightquestError: The disk is full or failing. Answers that still found room are kept one by one; attempts
                whose answer did not stay in flight, booked at the most they can have cost.
        """
        try:
            with self.file.transaction("write down what was answered") as connection:
                settle(connection, outcomes, self.time())
        except BusyError:
            raise
        except NightquestError as error:
            lost = len(outcomes) if len(outcomes) < 2 else sum(self._is_lost(outcome) for outcome in outcomes)
            if lost:
                raise type(error)(
                    f"{error.message} Not kept: {lost:,} of {counted(len(outcomes), 'answer')}; "
                    "what is not kept stays booked at the most it can have cost, and is asked again at most once.",
                    error.remedy,
                    error.exit_code,
                ) from error

    def _is_lost(self, outcome: Outcome) -> bool:
        """Whether an outcome by itself finds no room either."""
        try:
            self.settle([outcome])
        except NightquestError:
            return True
        return False

    def forget(self, keys: Sequence[str]) -> int:
        """Blank what was asked and answered under these keys, and keep what it cost; returns how many attempts."""
        self.file.connection.execute("PRAGMA secure_delete = ON")  # no page keeps what stood there
        with self.file.transaction("forget what was asked") as connection:
            gone = [
                connection.execute("UPDATE attempt SET user = '', text = '', raw = x'' WHERE key = ?", [key]).rowcount
                for key in keys
            ]
        self.file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return sum(gone)

    def spent_in_month(self) -> float:
        """US dollars that count against the budget of this calendar month (UTC), all apps; of what was sent in it."""
        with self.file.reading() as connection:
            return spent(connection, OF_MONTH, self._month()) / NANO

    def answered(self, requests: Sequence[Request]) -> set[str]:
        """The keys of those requests whose answer was paid for before."""
        with self.file.reading() as connection:
            found = {request.key: find_asked(connection, request) for request in requests}
        return {key for key, asked in found.items() if asked and asked.state == "answered"}

    def run_id(self, connection: Connection, run: Run) -> int:
        """Row of a run, written when new; later runs have higher ones."""
        row = (run.app, run.night, run.id)
        connection.execute("INSERT OR IGNORE INTO run (app, night, name) VALUES (?, ?, ?)", row)
        found = connection.execute("SELECT id FROM run WHERE app = ? AND night = ? AND name = ?", row).fetchone()
        return int(found[0])

    def end(self) -> None:
        """Call unknown what is still in flight here."""
        with self.file.transaction("be closed") as connection:
            bury(connection, self.owner, self.time(), killed=False)

    def _month(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m")

    def _bury_if_dead(self, connection: Connection, owner: int) -> bool:
        if owner == self.owner or lives(connection, owner, self.time()):
            return False
        bury(connection, owner, self.time(), killed=True)
        return True


def _most(requests: Sequence[Request], prices: Mapping[str, LanguageModel], *, batch: bool) -> list[int]:
    """The most that each request costs, in nano-dollars."""
    missing = {request.model for request in requests} - set(prices)
    if missing:
        raise NightquestError(
            f"No price is known for the model '{min(missing)}', so that what it costs could not be bounded.",
            "Add it to the price list of its provider, or set NIGHTQUEST_PRICES.",
        )
    return [nano(most_it_costs(request, prices[request.model], batch=batch)) for request in requests]


class AsyncLedger:
    """The ledger for coroutines: while a thread writes one transaction, what comes meanwhile waits for the next.

    Takes what `Ledger.claim` takes. Once the ledger cannot be written, `trouble` says why, and nothing more is bought.
    """

    def __init__(self, ledger: Ledger, run: Run, budget: Budget, prices: Mapping[str, LanguageModel]) -> None:
        self._ledger, self._run, self._budget, self._prices = ledger, run, budget, prices
        self._waiting: list[tuple[Request | Outcome, asyncio.Future[Claim | None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self.is_open = True
        self.trouble = ""

    async def close(self) -> None:
        """Write down all that is left. Nothing may be claimed any more."""
        self.is_open = False
        while self._writing:
            await self._writing

    async def claimed(self, request: Request) -> Claim:
        """The answer from before, the right to send, or why there is neither; on disk when this returns."""
        waiting = self.put(request)
        try:
            return await waiting or Failed(request.key, "canceled", self.trouble or CLOSED, paid_now=False)
        except asyncio.CancelledError:
            if not waiting.cancelled():  # it was given to who had left
                self._give_back(waiting.result())
            raise

    def _give_back(self, claim: Claim | None) -> None:
        if isinstance(claim, Attempt):
            canceled = Failed(claim.request.key, "canceled", "canceled before it was sent")
            self.put(Outcome(claim.id, canceled))

    def put(self, what: Request | Outcome) -> asyncio.Future[Claim | None]:
        """Claim a request, or settle an outcome, with the next transaction; on disk when this is done."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Claim | None] = loop.create_future()
        self._waiting.append((what, waiting))
        self._writing = self._writing or loop.create_task(self._write())
        return waiting

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(LINGER_S)
            now, self._waiting = self._waiting, []
            # Outcomes first: what they cost less than was reserved may be claimed.
            now.sort(key=lambda one: isinstance(one[0], Request))
            given = await asyncio.to_thread(self._transact, [what for what, _ in now])
            for (_, waiting), claim in zip(now, given, strict=True):
                if waiting.cancelled():
                    self._give_back(claim)
                else:
                    waiting.set_result(claim)
        self._writing = None

    def _transact(self, whats: Sequence[Request | Outcome]) -> Sequence[Claim | None]:
        outcomes = [what for what in whats if isinstance(what, Outcome)]
        requests = [what for what in whats if isinstance(what, Request)]
        claims: Sequence[Claim | None] = [None] * len(requests)
        try:
            if outcomes:
                self._ledger.settle(outcomes)
            if requests and self.is_open and not self.trouble:
                claims = self._ledger.claim(self._run, self._budget, requests, self._prices)
        except NightquestError as error:
            self.trouble = str(error)
        except Exception as error:  # noqa: BLE001 (whoever waits must hear of it)
            self.trouble = f"stopped by a mistake: {type(error).__name__}: {error}"
        return [*[None] * len(outcomes), *claims]


@contextmanager
def open_ledger(home: Path, now: Callable[[], datetime]) -> Iterator[Ledger]:
    """Open the ledger of a home folder; attempts in flight of processes that died become unknown.

    Raises:
        NightquestError: It cannot be opened, is damaged, was made by another version, or the disk is full.
    """
    with closing(LedgerFile(home / LEDGER_FILE)) as file:
        ledger = Ledger(file, now)
        try:
            yield ledger
        finally:
            with suppress(NightquestError):  # what is in flight here is called unknown once the process is gone
                ledger.end()
