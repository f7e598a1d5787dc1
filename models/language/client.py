"""Asks language models, each question once: the whole way of a request, from the ledger to the provider and back.

`Client.ask` claims it, or gives the answer that was paid for before; `Client._send` leads it past breaker, slots and
pace, and again while nothing was billed; `Client.ask` settles what came of it. The ledger is on disk at either end.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Self

from configs.language import LanguageModels
from models.language.calls import Failed, Reply, Request, Usage, Written
from models.language.ledger import CLOSED, Attempt, Books, Budget, Claim, Ledger, Outcome, Run
from models.language.offers import language_models
from models.language.pacing import Figures, Limits, Pacing
from models.language.pacing.allowance import retry_after_s
from models.language.pacing.breaker import StoppedError
from models.language.pacing.rate import Need, Pace, Ticket
from models.language.providers.provider import NoAnswerError, NotSentError, Provider, Sent

LOOKAHEAD = 24  # asks claimed before they have a slot, so that no slot waits for the disk


class Client:
    """Asks language models, each question once.

    Used as an asynchronous context manager for `ask`, or by `ask_all` outside of any event loop.

    Args:
        ledger: Where every ask is written down before it is sent and settled after.
        providers: By name; a request for another is `Failed` with `key`.
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
        providers: Mapping[str, Provider],
        run: Run,
        budget: Budget,
        limits: Limits,
        now: Callable[[], datetime],
        seed: int = 0,
        models: LanguageModels | None = None,
    ) -> None:
        self._models = models or language_models(providers)
        self._books = Books(ledger, run, budget, self._models.models)
        self._providers, self._limits, self._now = providers, limits, now
        self._random = Random(seed)  # noqa: S311  jitter is no secret
        self._pacing: dict[str, Pacing] = {}
        self._admitted: dict[str, asyncio.Semaphore] = {}
        self._asking: dict[str, asyncio.Future[Reply]] = {}
        self._unsettled = 0
        self._short: deque[asyncio.Future[None]] = deque()  # asks that wait for money
        self._figures = Figures()
        self._started = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._books.open()
        self._started = time.monotonic()
        ends_at = self._started + self._limits.deadline_s
        for name, provider in self._providers.items():
            models, headers = self._models.models, provider.limit_headers
            self._pacing[name] = Pacing(self._limits, models, headers, ends_at, self._random)
            self._admitted[name] = asyncio.Semaphore(self._limits.concurrency + LOOKAHEAD)
        late = StoppedError("late", "the deadline for words has passed")
        self._timer = asyncio.get_running_loop().call_later(self._limits.deadline_s, self._stop, late)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._timer:
            self._timer.cancel()
        self._figures.seconds = time.monotonic() - self._started
        self._stop(StoppedError("canceled", CLOSED))
        self._books.close()
        for provider in self._providers.values():
            with suppress(Exception):  # a connection that cannot be closed is gone as well
                await provider.close()

    def _stop(self, why: StoppedError) -> None:
        for pacing in self._pacing.values():
            pacing.stop(why)

    async def ask(self, request: Request) -> Reply:
        """Ask one question, or give the answer that was paid for before.

        A question that is being asked already is not asked twice. When this is canceled, the ledger is told what is
        known: not sent, or sent without an answer.

        Raises:
            NightquestError: The request's model has no price.
        """
        self._models.priced(request.model, request.provider)
        if request.provider not in self._providers:
            return Failed(request.key, "key", f"there is no key for {request.provider}", paid_now=False)
        if request.key in self._asking:
            return replace(await asyncio.shield(self._asking[request.key]), paid_now=False)
        answered = self._asking[request.key] = asyncio.get_running_loop().create_future()
        reply: Reply = Failed(request.key, "canceled", "canceled", paid_now=False)
        try:
            reply = await self._ask(request)
        finally:
            del self._asking[request.key]
            answered.set_result(reply)
        return reply

    async def _ask(self, request: Request) -> Reply:
        async with self._admitted[request.provider]:
            claim = await self._claim(request)
            if not isinstance(claim, Attempt):
                self._figures.from_ledger += isinstance(claim, Written)
                return claim
            self._unsettled += 1
            try:
                reply, raw = await self._send(claim)
            except BaseException:
                self._free()
                raise
        try:
            await self._books.settled(Outcome(claim.id, reply, raw))
        finally:
            self._free()
        return reply

    async def _claim(self, request: Request) -> Claim:
        """Claim; where asks in flight have reserved what is left, wait until one has cost less than it might."""
        claim = await self._books.claimed(request)
        while isinstance(claim, Failed) and claim.reason == "budget" and self._unsettled:
            freed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._short.append(freed)
            await freed
            claim = await self._books.claimed(request)
        return claim

    def _free(self) -> None:
        """An ask is settled: what it reserved beyond its cost may serve another; after the last one all look again."""
        self._unsettled -= 1
        for _ in range(1 if self._unsettled else len(self._short)):
            if self._short and not (freed := self._short.popleft()).done():
                freed.set_result(None)

    async def _send(self, attempt: Attempt) -> tuple[Reply, str]:
        request = attempt.request
        provider, pacing = self._providers[request.provider], self._pacing[request.provider]
        sending = Sending(request, provider, pacing, self._figures, self._now)
        lost: Failed | None = None
        try:
            return await sending.until_answered()
        except StoppedError as stopped:
            return Failed(request.key, stopped.reason, stopped.detail), ""
        except asyncio.CancelledError:
            lost = Failed(request.key, "canceled", "canceled before it was sent")
            if sending.is_out:
                lost = Failed(request.key, "unknown", "canceled while in flight")
            raise
        except Exception as error:
            # A mistake of ours, at a moment unknown: it may have been billed.
            lost = Failed(request.key, "unknown", f"stopped by a mistake: {type(error).__name__}")
            raise
        finally:
            if lost:
                self._books.settle(Outcome(attempt.id, lost))

    def ask_all(self, requests: Sequence[Request]) -> list[Reply]:
        """Ask all, in an event loop of its own; the replies in order of the requests.

        Raises:
            NightquestError: A request's model has no price.
        """
        for request in requests:
            self._models.priced(request.model, request.provider)

        async def ask_each() -> list[Reply]:
            async with self, asyncio.TaskGroup() as group:
                tasks = [group.create_task(self.ask(request)) for request in requests]
            return [task.result() for task in tasks]

        return asyncio.run(ask_each())

    @property
    def figures(self) -> Figures:
        """Counts for reports."""
        most = max((pacing.slots.highest for pacing in self._pacing.values()), default=0)
        openings = sum(pacing.breaker.openings for pacing in self._pacing.values())
        return replace(self._figures, most_at_once=most, breaker_openings=openings)

    @property
    def trouble(self) -> str:
        """Why the ledger could not be written, so that nothing more was bought; empty when all is well."""
        return self._books.trouble


@dataclass
class Sending:
    """One request on its way to its provider: sent again while nothing was billed and patience lasts.

    Attributes:
        now: For times in headers.
        tries: How often it was sent.
        is_out: It was sent, and no answer has come.
    """

    request: Request
    provider: Provider
    pacing: Pacing
    figures: Figures
    now: Callable[[], datetime]
    tries: int = 0
    is_out: bool = False

    async def until_answered(self) -> tuple[Reply, str]:
        """The reply and the provider's answer as it came.

        Raises:
            StoppedError: It was not sent, and will not be.
        """
        pacing, pace = self.pacing, self.pacing.pace(self.request.model)
        while True:
            pacing.check(self.request.model)
            probe = await pacing.breaker.enter()
            try:
                await pacing.slots.enter()
                try:
                    ticket = await pace.enter(Need(self.request.input_tokens, self.request.max_tokens))
                    if not self._is_still_wanted(pace, ticket, probe=probe):
                        continue
                    reply, raw, wait_s = await self._once(pace, ticket)
                    probe = False  # it has told
                finally:
                    pacing.slots.leave()
            finally:
                if probe:
                    pacing.breaker.passed()
            self.tries += 1
            if wait_s is None or self.tries >= pacing.limits.tries:
                return reply, raw
            self.figures.retries += 1
            await asyncio.sleep(min(wait_s, pacing.left_s))

    def _is_still_wanted(self, pace: Pace, ticket: Ticket, *, probe: bool) -> bool:
        """Whether what was so when the wait began is so at its end; False sends it back to the breaker."""
        wanted = False
        try:
            self.pacing.check(self.request.model)
            wanted = probe or self.pacing.breaker.state == "closed"
        finally:
            if not wanted:
                pace.unused(ticket)
        return wanted

    async def _once(self, pace: Pace, ticket: Ticket) -> tuple[Reply, str, float | None]:
        """The reply, the raw answer, and how long to wait before the next try; None when there is to be none."""
        key, sent_at = self.request.key, time.monotonic()
        self.figures.sent += 1
        self.is_out = True
        try:
            sent = await self.provider.send(self.request)
        except NotSentError as error:
            self.is_out = False
            pace.unused(ticket)
            self.figures.unreachable += 1
            self.pacing.ill(f"unreachable: {error}", sent_at)
            return Failed(key, "unreachable", str(error)), "", self.pacing.wait_s(self.tries)
        except NoAnswerError as error:
            self.is_out = False
            self.figures.unknown += 1
            self.pacing.ill(f"no answer: {error}", sent_at)
            return Failed(key, "unknown", str(error), seconds=time.monotonic() - sent_at), "", None
        self.is_out = False
        reply = self.provider.read(self.request, sent.status, sent.body, seconds=sent.seconds)
        if isinstance(reply, Failed) and sent.status >= 300:
            return reply, "", self._refused(pace, ticket, sent, reply, sent_at)
        self.pacing.breaker.succeeded()
        self.pacing.slots.answered(sent.seconds, reply.usage.output)
        pace.answered(ticket, sent.headers, self._counted(reply.usage), self.now)
        return reply, sent.body.decode("utf-8", "replace"), None

    def _counted(self, usage: Usage) -> Need:
        cached = usage.cached if self.provider.counts_cached else 0
        return Need(usage.input + usage.cache_write + cached, usage.output)

    def _refused(self, pace: Pace, ticket: Ticket, sent: Sent, reply: Failed, sent_at: float) -> float | None:
        """What an error means for those who ask next; how long to wait before the next try."""
        pacing, detail = self.pacing, f"{reply.reason}: {reply.detail}"
        longest, asked_for = pacing.limits.longest_retry_after_s, retry_after_s(sent.headers, self.now())
        is_patient = asked_for is None or asked_for <= longest
        if reply.reason == "rate":
            self.figures.rate_limited += 1
            pacing.breaker.succeeded()
            pacing.slots.overloaded()
            wait_s = pacing.wait_s(self.tries) if asked_for is None else min(asked_for, longest)
            pace.refused(ticket, sent.headers, self.now, wait_s)
            return 0.0 if is_patient else None
        pace.unused(ticket)
        if reply.reason == "overloaded":
            self.figures.overloaded += 1
            pacing.ill(detail, sent_at)
            return max(asked_for or 0.0, pacing.wait_s(self.tries)) if is_patient else None
        if reply.reason in {"key", "quota"}:
            pacing.give_up(detail)
            return None
        pacing.breaker.succeeded()
        if reply.reason == "model":
            pacing.unknown_models[self.request.model] = detail
        return None
