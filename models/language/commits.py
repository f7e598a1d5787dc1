"""Claims and outcomes of many coroutines, written to the ledger together: one transaction for all that is waiting."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from configs.errors import NightquestError
from configs.language import LanguageModel
from models.language.calls import Failed, Request
from models.language.ledger import Attempt, Budget, Claim, Ledger, Outcome, Run

CLOSED = "the desk is closed"
LINGER_S = 0.008  # gathers more for a transaction; its answers are on disk so much later


class Commits:
    """The ledger for coroutines of one event loop.

    Args:
        ledger: Written in a thread of its own.
        run: Who pays.
        budget: What may be spent.
        prices: Of the models, by name.

    Attributes:
        trouble: Why the ledger can no longer be written; nothing is bought from then on.
    """

    def __init__(self, ledger: Ledger, run: Run, budget: Budget, prices: Mapping[str, LanguageModel]) -> None:
        self._ledger, self._run, self._budget, self._prices = ledger, run, budget, prices
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._claims: list[tuple[Request, asyncio.Future[Claim]]] = []
        self._outcomes: list[Outcome] = []
        self._kept: list[asyncio.Future[None]] = []  # of outcomes that somebody waits for
        self._now: tuple[list[tuple[Request, asyncio.Future[Claim]]], list[asyncio.Future[None]]] = ([], [])
        self._job: Future[list[Claim]] | None = None
        self._scheduled = self._closed = False
        self.trouble = ""

    async def claim(self, request: Request) -> Claim:
        """The answer from before, the right to send, or why there is neither; on disk when this returns."""
        if self.trouble or self._closed:
            return Failed(request.key, "canceled", self.trouble or CLOSED, paid_now=False)
        claimed: asyncio.Future[Claim] = self._loop.create_future()
        self._claims.append((request, claimed))
        self._schedule()
        try:
            return await claimed
        except asyncio.CancelledError:
            if claimed.done() and not claimed.cancelled():
                self._give_up(claimed.result())
            raise

    async def settle(self, outcome: Outcome) -> None:
        """Write an outcome down; on disk when this returns, unless there is `trouble`."""
        self.settle_soon(outcome)
        if self._closed:
            return
        kept: asyncio.Future[None] = self._loop.create_future()
        self._kept.append(kept)
        await kept

    def settle_soon(self, outcome: Outcome) -> None:
        """Write an outcome down with the next transaction, without waiting for it."""
        self._outcomes.append(outcome)
        if self._closed:
            self._settle_rest()
        else:
            self._schedule()

    def close(self) -> None:
        """Write down all that is left; blocks for a transaction or two. Nothing may be claimed any more."""
        self._closed = True
        if self._job is not None:
            self._finish(self._job)
        for request, claimed in self._claims:
            if not claimed.done():
                claimed.set_result(Failed(request.key, "canceled", CLOSED, paid_now=False))
        self._claims.clear()
        self._settle_rest()
        _resolve(self._kept)
        self._thread.shutdown()

    def _settle_rest(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        if outcomes:
            try:
                self._ledger.settle(outcomes)
            except NightquestError as error:
                self.trouble = self.trouble or str(error)

    def _schedule(self) -> None:
        if not (self._scheduled or self._closed) and self._job is None:
            self._scheduled = True
            self._loop.call_later(LINGER_S, self._start)

    def _start(self) -> None:
        self._scheduled = False
        if self._closed or self._job is not None or not (self._claims or self._outcomes):
            return
        claims, outcomes = self._claims, self._outcomes
        self._now = (claims, self._kept)
        self._claims, self._outcomes, self._kept = [], [], []
        self._job = job = self._thread.submit(self._exchange, outcomes, [request for request, _ in claims])
        job.add_done_callback(self._call_finish)

    def _exchange(self, outcomes: Sequence[Outcome], requests: Sequence[Request]) -> list[Claim]:
        if requests:
            return self._ledger.exchange(outcomes, self._run, self._budget, requests, self._prices)
        self._ledger.settle(outcomes)
        return []

    def _call_finish(self, job: Future[list[Claim]]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._finish, job)

    def _finish(self, job: Future[list[Claim]]) -> None:
        if self._job is not job:
            return
        claims, kept = self._now
        decided: Sequence[Claim]
        try:
            decided = job.result()
        except NightquestError as error:
            self.trouble = str(error)
            decided = [Failed(request.key, "canceled", self.trouble, paid_now=False) for request, _ in claims]
        self._job, self._now = None, ([], [])
        for (_, claimed), claim in zip(claims, decided, strict=True):
            if claimed.done():
                self._give_up(claim)
            else:
                claimed.set_result(claim)
        _resolve(kept)
        if self._claims or self._outcomes:
            self._schedule()

    def _give_up(self, claim: Claim) -> None:
        if isinstance(claim, Attempt):
            self.settle_soon(Outcome(claim.id, Failed(claim.request.key, "canceled", "canceled before it was sent")))


def _resolve(waiting: Sequence[asyncio.Future[None]]) -> None:
    for one in waiting:
        if not one.done():
            one.set_result(None)
