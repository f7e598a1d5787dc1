"""The spending ledger: what is asked is written down before it is sent, and what it cost after; nothing is paid twice.

A question is known by its key. `claim` gives an attempt to whoever asks first and has the money; from then on the
question belongs to that attempt until it is settled. An attempt whose process died may have been billed: its price
stays booked, and a later run may send it once more.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection

from configs.errors import BusyError, NightquestError
from configs.language import LanguageModel
from models.language import spending
from models.language.calls import Request
from models.language.claiming import Asked, Attempt, Budget, Claim, Claims, Run, find_asked, left, reserves
from models.language.forms import Forms
from models.language.ledger_file import LedgerFile, lives, register
from models.language.ledger_rows import book
from models.language.settling import Outcome, bury, settle
from models.language.spending import CallRecord, SpendLine, SpendReport

__all__ = [
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
]


class Ledger:
    """The ledger, opened by `open_ledger`; several threads and processes may use it at one time.

    Attributes:
        file: Its SQLite file.
        folder: Where it stands, with the files of batches.
        owner: Row of this opening of it; what is in flight belongs to an owner.
    """

    def __init__(self, file: LedgerFile, now: Callable[[], datetime]) -> None:
        self.file, self.folder, self._now = file, file.path.parent, now
        self._forms = Forms()
        self._runs: dict[Run, int] = {}
        file.when_rolled_back += [self._forms.forget, self._runs.clear]
        with file.transaction("be opened") as connection:
            self.owner = register(connection, self.time())
            for (owner,) in connection.execute("SELECT id FROM owner WHERE NOT gone").fetchall():
                self.bury_if_dead(connection, owner)

    def time(self) -> float:
        """Now, in seconds since 1970."""
        return self._now().timestamp()

    def claim(
        self,
        run: Run,
        budget: Budget,
        requests: Sequence[Request],
        prices: Mapping[str, LanguageModel],
        *,
        batch: int | None = None,
    ) -> list[Claim]:
        """Ask for the right to send, in one transaction that is on disk before this returns.

        Args:
            run: Who pays.
            budget: What may be reserved in all.
            requests: Equal keys are given one attempt.
            prices: Of every model asked for, by name.
            batch: Row of the batch that the requests go into; then at its price.

        Returns:
            For each request, in order: the answer that was paid for before (`paid_now=False`); an attempt; or `Failed`
            with `budget` (it could cost more than is left), `late` (a batch, another process or an earlier claim has
            it) or `unknown` (sent before, no answer seen: it may not be sent again, or not by this run).

        Raises:
            NightquestError: It could not be written down, so that nothing may be sent; or a model has no price.
        """
        return self._claim(run, budget, requests, prices, batch, ())

    def _claim(
        self,
        run: Run,
        budget: Budget,
        requests: Sequence[Request],
        prices: Mapping[str, LanguageModel],
        batch: int | None,
        outcomes: Sequence[Outcome],
    ) -> list[Claim]:
        most = reserves(requests, prices, batch=batch is not None)
        now = self._now()
        month = now.astimezone(UTC).strftime("%Y-%m")
        with self.file.transaction("write down what is about to be asked, so nothing was sent") as connection:
            settle(connection, outcomes, now.timestamp())
            asked = self._asked(connection, requests)
            run_id, room = self.run_id(connection, run), left(connection, run, month, budget)
            claims = Claims(connection, self._forms, run_id, room, asked)
            decided = [claims.decide(request, reserve) for request, reserve in zip(requests, most, strict=True)]
            claims.write(self.owner, batch, month, now.timestamp())
            book(connection, {(run.app, run.night, month): [0, claims.reserved]})
        return decided

    def exchange(
        self,
        outcomes: Sequence[Outcome],
        run: Run,
        budget: Budget,
        requests: Sequence[Request],
        prices: Mapping[str, LanguageModel],
    ) -> list[Claim]:
        """Settle, then claim, in one transaction: a third cheaper than in two, where both are to be done anyway.

        Raises:
            NightquestError: As `claim` and `settle` do; answers that still find room are kept, and nothing may be sent.
        """
        try:
            return self._claim(run, budget, requests, prices, None, outcomes)
        except NightquestError:
            self.settle(outcomes)
            raise

    def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Write down what came of attempts, in one transaction that is on disk before this returns.

        An answer, also a refused, truncated or malformed one, closes its question for good. `unknown` books the most
        it can have cost. All else was not billed and may be sent again. What is settled already stays as it is.

        Raises:
            NightquestError: The disk is full or failing. Answers that still found room are kept one by one; attempts
                whose answer did not stay in flight, booked at the most they can have cost.
        """
        try:
            self._settle(outcomes)
        except BusyError:
            raise
        except NightquestError as error:
            lost = len(outcomes) - self._settle_singly(outcomes)
            if lost:
                raise NightquestError(
                    f"{error.message} {lost} of {len(outcomes)} answers were not kept; "
                    "they stay booked at the most they can have cost, and are asked again at most once.",
                    error.remedy,
                    error.exit_code,
                ) from error

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        with self.file.transaction("write down what was answered") as connection:
            settle(connection, outcomes, self.time())

    def _settle_singly(self, outcomes: Sequence[Outcome]) -> int:
        kept = 0
        for outcome in outcomes:
            with suppress(NightquestError):
                self._settle([outcome])
                kept += 1
        return kept

    def report(self, run: Run, *, whole_night: bool = False) -> SpendReport:
        """What a run asked, got and paid, or all runs for its night."""
        with self.file.reading() as connection:
            return spending.report(connection, run.app, run.night, None if whole_night else run.id)

    def nights(self, app: str | None = None, most: int = 31) -> list[tuple[str, str]]:
        """The newest app and night pairs that anything was asked for, of one app or of all."""
        with self.file.reading() as connection:
            found = connection.execute(
                "SELECT app, night FROM run WHERE ? IN (app, '') GROUP BY app, night ORDER BY max(id) DESC LIMIT ?",
                (app or "", most),
            )
            return [(str(row[0]), str(row[1])) for row in found.fetchall()]

    def usual_shares(self) -> dict[tuple[str, str], float]:
        """By model and purpose, what answers usually cost of the most that they could; where enough are known."""
        with self.file.reading() as connection:
            return spending.usual_shares(connection)

    def spent(self, app: str, night: str) -> float:
        """US dollars that count against a night's budget, those that may yet be billed too."""
        with self.file.reading() as connection:
            return spending.spent(connection, app, night)

    def spent_in_month(self) -> float:
        """US dollars that count against the budget of this calendar month (UTC), all apps."""
        with self.file.reading() as connection:
            return spending.spent_in_month(connection, self._now().astimezone(UTC).strftime("%Y-%m"))

    def why(self, key: str) -> CallRecord | None:
        """How an answer came to be; None when the question was never asked."""
        with self.file.reading() as connection:
            return spending.why(connection, key)

    def answered(self, requests: Sequence[Request]) -> set[str]:
        """The keys of those requests whose answer was paid for before."""
        with self.file.reading() as connection:
            found = find_asked(connection, requests)
        return {row.key.hex() for row in found.values() if row.state == "answered"}

    def bury_if_dead(self, connection: Connection, owner: int) -> bool:
        """Call unknown what a dead process had in flight, inside a transaction; False while it lives."""
        if owner == self.owner or lives(connection, owner, self.time()):
            return False
        bury(connection, owner, self.time(), killed=True)
        return True

    def close(self) -> None:
        """Call unknown what is still in flight here, and give the file back."""
        try:
            with self.file.transaction("be closed") as connection:
                bury(connection, self.owner, self.time(), killed=False)
        finally:
            self.file.close()

    def run_id(self, connection: Connection, run: Run) -> int:
        """Row of a run, written when new; later runs have higher ones."""
        held = self._runs.get(run)
        if held is None:
            row = (run.app, run.night, run.id)
            connection.execute(
                "INSERT OR IGNORE INTO run (app, night, name, first_attempt, last_attempt)"
                " SELECT ?, ?, ?, coalesce(max(id), 0) + 1, 0 FROM attempt",
                row,
            )
            found = connection.execute("SELECT id FROM run WHERE app = ? AND night = ? AND name = ?", row).fetchone()
            held = self._runs[run] = int(found[0])
        return held

    def _asked(self, connection: Connection, requests: Sequence[Request]) -> dict[bytes, Asked]:
        asked = find_asked(connection, requests)
        others = {row.owner_id for row in asked.values() if row.state == "sent" and row.batch is None} - {self.owner}
        died = [owner for owner in others if self.bury_if_dead(connection, owner)]
        return find_asked(connection, requests) if died else asked


@contextmanager
def open_ledger(home: Path, now: Callable[[], datetime]) -> Iterator[Ledger]:
    """Open the ledger of a home folder; attempts in flight of processes that died become unknown.

    Raises:
        NightquestError: It cannot be opened, is damaged, was made by a newer version, or the disk is full.
    """
    file = LedgerFile(home / "ledger" / "language.sqlite")
    try:
        ledger = Ledger(file, now)
    except BaseException:
        file.close()
        raise
    try:
        yield ledger
    except BaseException:
        with suppress(NightquestError):  # the error on its way says more
            ledger.close()
        raise
    with suppress(NightquestError):  # what is in flight here is called unknown once the process is gone
        ledger.close()
