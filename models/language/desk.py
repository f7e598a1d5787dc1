"""The live counter: asks through the ledger, within rate and concurrency, and tries again what was not billed."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from random import Random
from types import TracebackType
from typing import Self

from configs.language import LanguageModels, language_models
from configs.language import Vendor as VendorName
from models.language.calls import Failed, Reply, Request, Written
from models.language.commits import Commits
from models.language.lane import LOOKAHEAD, Figures, Lane, Limits
from models.language.ledger import Attempt, Budget, Claim, Ledger, Outcome, Run
from models.language.passage import Passage
from models.language.rate import StoppedError
from models.language.vendor import Vendor


class Desk:
    """Asks language models, each question once.

    Used as an asynchronous context manager for `ask`, or by `ask_all` outside of any event loop.

    Args:
        ledger: Where every ask is written down before it is sent and settled after.
        vendors: By name; a request for another is `Failed` with `key`.
        run: Who pays.
        budget: What may be spent.
        limits: Concurrency, patience and the deadline.
        now: For times in headers.
        seed: Of the jitter.
        models: Prices and first limits.
    """

    def __init__(
        self,
        ledger: Ledger,
        vendors: Mapping[VendorName, Vendor],
        run: Run,
        budget: Budget,
        limits: Limits,
        now: Callable[[], datetime],
        seed: int = 0,
        models: LanguageModels | None = None,
    ) -> None:
        self._ledger, self._vendors, self._run, self._budget = ledger, vendors, run, budget
        self._limits, self._now, self._random = limits, now, Random(seed)  # noqa: S311  jitter is no secret
        self._models = models or language_models()
        self._priced: set[str] = set()
        self._lanes: dict[VendorName, Lane] = {}
        self._asking: dict[str, list[asyncio.Future[Reply]]] = {}
        self._unsettled = 0
        self._short: deque[asyncio.Future[None]] = deque()  # asks that wait for money
        self._figures = Figures()
        self._started = 0.0
        self._commits: Commits | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._commits = Commits(self._ledger, self._run, self._budget, self._models.models)
        self._started = time.monotonic()
        ends_at = self._started + self._limits.deadline_s
        self._lanes = {
            name: Lane(vendor, self._models, self._limits, ends_at, self._figures, self._now, self._random)
            for name, vendor in self._vendors.items()
        }
        self._timer = asyncio.get_running_loop().call_later(self._limits.deadline_s, self._end)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer:
            self._timer.cancel()
        self._figures.seconds = time.monotonic() - self._started
        for lane in self._lanes.values():
            lane.stop(StoppedError("canceled", "the desk is closed"))
        if self._commits:
            self._commits.close()
        for vendor in self._vendors.values():
            with suppress(Exception):  # a connection that cannot be closed is gone as well
                await vendor.close()

    async def ask(self, request: Request) -> Reply:
        """Ask one question, or give the answer that was paid for before.

        A question that is being asked already is not asked twice. When this is canceled, the ledger is told what is
        known: not sent, or sent without an answer.

        Raises:
            NightquestError: The request's model has no price.
        """
        if request.model not in self._priced:
            self._models.priced(request.model, request.provider)
            self._priced.add(request.model)
        same = self._asking.get(request.key)
        if same is not None:
            waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
            same.append(waiting)
            return replace(await waiting, paid_now=False)
        self._asking[request.key] = []
        reply: Reply = Failed(request.key, "canceled", "canceled", paid_now=False)
        try:
            reply = await self._ask(request)
        finally:
            for waiting in self._asking.pop(request.key):
                if not waiting.done():
                    waiting.set_result(reply)
        return reply

    async def _ask(self, request: Request) -> Reply:
        lane = self._lanes.get(request.provider)
        if lane is None or self._commits is None:
            return Failed(request.key, "key", f"there is no key for {request.provider}", paid_now=False)
        await lane.admitted.enter()
        try:
            claim = await self._claim(self._commits, request)
            if not isinstance(claim, Attempt):
                self._figures.from_ledger += isinstance(claim, Written)
                return claim
            self._unsettled += 1
            try:
                reply, raw = await self._send(lane, claim)
            except BaseException:
                self._free()
                raise
        finally:
            lane.admitted.leave()
        try:
            await self._commits.settle(Outcome(claim.id, reply, raw))
        finally:
            self._free()
        return reply

    async def _claim(self, commits: Commits, request: Request) -> Claim:
        """Claim; where asks in flight have reserved what is left, wait until one has cost less than it might."""
        claim = await commits.claim(request)
        while isinstance(claim, Failed) and claim.reason == "budget" and self._unsettled:
            freed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._short.append(freed)
            await freed
            claim = await commits.claim(request)
        return claim

    def _free(self) -> None:
        """An ask is settled: what it reserved beyond its cost may serve another; after the last one all look again."""
        self._unsettled -= 1
        for _ in range(1 if self._unsettled else len(self._short)):
            if self._short and not (freed := self._short.popleft()).done():
                freed.set_result(None)

    async def _send(self, lane: Lane, attempt: Attempt) -> tuple[Reply, str]:
        key, passage = attempt.request.key, Passage(lane, attempt.request)
        try:
            return await passage.pass_through()
        except StoppedError as stopped:
            return Failed(key, stopped.reason, stopped.detail), ""
        except asyncio.CancelledError:
            lost = Failed(key, "unknown", "canceled while in flight") if passage.sending else None
            self._give_up(attempt, lost or Failed(key, "canceled", "canceled before it was sent"))
            raise
        except Exception as error:
            # A mistake of ours, at a moment unknown: it may have been billed.
            self._give_up(attempt, Failed(key, "unknown", f"stopped by a mistake: {type(error).__name__}"))
            raise

    def _give_up(self, attempt: Attempt, lost: Failed) -> None:
        """Tell the ledger what is known of an ask that nobody waits for any more."""
        if self._commits:
            self._commits.settle_soon(Outcome(attempt.id, lost))

    def ask_all(self, requests: Sequence[Request]) -> list[Reply]:
        """Ask all, in an event loop of its own; the replies in order of the requests.

        Raises:
            NightquestError: A request's model has no price.
        """
        return asyncio.run(self._ask_all(requests))

    async def _ask_all(self, requests: Sequence[Request]) -> list[Reply]:
        replies: dict[int, Reply] = {}
        async with self:
            # As many workers as are admitted at one time: a task for each of many requests would only wait.
            work = {name: iter(list(enumerate(requests))) for name in {request.provider for request in requests}}

            async def serve(name: VendorName) -> None:
                for i, request in work[name]:
                    if request.provider == name:
                        replies[i] = await self.ask(request)

            most = self._limits.concurrency + LOOKAHEAD
            tasks = [asyncio.create_task(serve(name)) for name in work for _ in range(min(most, len(requests)))]
            try:
                await asyncio.gather(*tasks)
            except BaseException:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                raise
        return [replies[i] for i in range(len(requests))]

    def figures(self) -> Figures:
        """Counts for reports."""
        lanes = self._lanes.values()
        most = max((lane.slots.highest for lane in lanes), default=0)
        return replace(self._figures, most_at_once=most, breaker_openings=sum(lane.breaker.openings for lane in lanes))

    @property
    def trouble(self) -> str:
        """Why the ledger could not be written, so that nothing more was bought; empty when all is well."""
        return self._commits.trouble if self._commits else ""

    def _end(self) -> None:
        for lane in self._lanes.values():
            lane.stop(StoppedError("late", "the deadline for words has passed"))
