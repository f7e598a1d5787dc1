"""Asks language models, each question once: the whole way of a request, from the ledger to the provider and back.

`Client.ask` claims it, or gives the answer that was paid for before; `Client._send` leads it past breaker, slots and
pace, and again while nothing was billed; `Client._ask` settles what came of it. The ledger is on disk at either end.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Self

from configs.language import LanguageModels
from models.language.calls import Failed, Reply, Request, Written
from models.language.ledger import CLOSED, AsyncLedger, Attempt, Budget, Claim, Ledger, Outcome, Run
from models.language.offers import language_models
from models.language.pacing import Figures, Limits, Pacing, StoppedError
from models.language.providers.provider import NoAnswerError, NotSentError, Provider
from models.language.rate import Ticket, retry_after_s

LOOKAHEAD = 24  # asks claimed before they may be sent, so that no slot waits for the disk


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
        figures: Counts, which go on from what they are.

    Attributes:
        books: Whose `trouble` says why nothing more was bought.
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
        figures: Figures | None = None,
    ) -> None:
        self._models = models or language_models()
        self.books = AsyncLedger(ledger, run, budget, self._models.models)
        self._providers, self._limits, self._now = providers, limits, now
        self._random = Random(seed)  # noqa: S311  jitter is no secret
        self.figures = figures or Figures()
        self._pacing: dict[str, Pacing] = {}
        self._admitted: dict[str, asyncio.Semaphore] = {}
        self._asking: dict[str, asyncio.Future[Reply]] = {}
        self._out: set[str] = set()  # sent, and no answer has come
        self._unsettled = 0
        self._settled, self._short_of_money = asyncio.Event(), asyncio.Lock()
        self._began = 0.0

    async def __aenter__(self) -> Self:
        self._began = time.monotonic()
        for name, provider in self._providers.items():
            headers = provider.limit_headers
            self._pacing[name] = Pacing(self._limits, self._models.models, headers, self.figures, self._random)
            self._admitted[name] = asyncio.Semaphore(self._limits.concurrency + LOOKAHEAD)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.figures.seconds += time.monotonic() - self._began
        for pacing in self._pacing.values():
            pacing.stop(StoppedError("canceled", CLOSED))
        await self.books.close()
        for provider in self._providers.values():
            with suppress(Exception):  # a connection that cannot be closed is gone as well
                await provider.close()

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
                self.figures.from_ledger += isinstance(claim, Written)
                return claim
            self._unsettled += 1
            try:
                reply, raw = await self._send(claim)
            except BaseException:
                self._free()
                raise
        try:
            await self.books.put(Outcome(claim.id, reply, raw))
        finally:
            self._free()
        return reply

    async def _claim(self, request: Request) -> Claim:
        """Claim; where asks in flight have reserved what is left, wait until one has cost less than it might."""
        claim = await self.books.claimed(request)
        if not _is_short(claim):
            return claim
        async with self._short_of_money:
            while True:
                self._settled.clear()
                claim = await self.books.claimed(request)
                if not _is_short(claim) or not (self._unsettled or self._settled.is_set()):
                    return claim
                await self._settled.wait()

    def _free(self) -> None:
        """An ask is settled: wake those who wait for budget that it had reserved and not spent."""
        self._unsettled -= 1
        self._settled.set()

    async def _send(self, attempt: Attempt) -> tuple[Reply, str]:
        """The reply and the provider's answer as it came; when it ends early, the ledger is told what is known."""
        request = attempt.request
        lost: Failed | None = None
        try:
            return await self._until_answered(request)
        except StoppedError as stopped:
            return Failed(request.key, stopped.reason, stopped.detail), ""
        except asyncio.CancelledError:
            lost = Failed(request.key, "canceled", "canceled before it was sent")
            if request.key in self._out:
                lost = Failed(request.key, "unknown", "canceled while in flight")
            raise
        except Exception as error:
            # A mistake of ours, at a moment unknown: it may have been billed.
            lost = Failed(request.key, "unknown", f"stopped by a mistake: {type(error).__name__}")
            raise
        finally:
            self._out.discard(request.key)
            if lost:
                self.books.put(Outcome(attempt.id, lost))

    async def _until_answered(self, request: Request) -> tuple[Reply, str]:
        """Send it, and again while nothing was billed and patience lasts; StoppedError when it will not be sent."""
        pacing = self._pacing[request.provider]
        for tries in itertools.count():
            ticket = await pacing.enter(request)
            self._out.add(request.key)
            try:
                reply, raw, wait_s = await self._once(request, ticket, tries)
            finally:
                pacing.leave()
            self._out.discard(request.key)
            if wait_s is None or tries + 1 >= self._limits.tries:
                break
            self.figures.retries += 1
            await asyncio.sleep(min(wait_s, pacing.left_s))
        return reply, raw

    async def _once(self, request: Request, ticket: Ticket, tries: int) -> tuple[Reply, str, float | None]:
        """The reply, the raw answer, and how long to wait before the next try; None when there is to be none."""
        provider, pacing, key = self._providers[request.provider], self._pacing[request.provider], request.key
        pace, sent_at = pacing.pace(request.model), time.monotonic()
        self.figures.sent += 1
        try:
            sent = await provider.send(request)
        except NotSentError as error:
            pace.unused(ticket)
            self.figures.unreachable += 1
            pacing.ill(f"unreachable: {error}", sent_at)
            return Failed(key, "unreachable", str(error)), "", pacing.wait_s(tries)
        except NoAnswerError as error:
            self.figures.unknown += 1
            pacing.ill(f"no answer: {error}", sent_at)
            return Failed(key, "unknown", str(error), seconds=time.monotonic() - sent_at), "", None
        reply = provider.read(request, sent.status, sent.body, seconds=sent.seconds)
        if isinstance(reply, Failed) and sent.status >= 300:
            asked_for = retry_after_s(sent.headers, self._now())
            wait_s = self._refused(request, reply, sent_at, pacing.wait_s(tries), asked_for)
            if reply.reason == "rate":
                pause_s = min(asked_for, self._limits.longest_retry_after_s) if asked_for else pacing.wait_s(tries)
                pace.refused(ticket, sent.headers, pause_s)
            else:
                pace.unused(ticket)
            return reply, "", wait_s
        pacing.well()
        used = reply.usage.input + reply.usage.cache_write + (reply.usage.cached if provider.counts_cached else 0)
        pace.answered(ticket, sent.headers, used, reply.usage.output)
        return reply, sent.body.decode("utf-8", "replace"), None

    def _refused(
        self, request: Request, reply: Failed, sent_at: float, wait_s: float, asked_for: float | None
    ) -> float | None:
        """What an error means for those who ask next; how long to wait before the next try."""
        pacing, detail = self._pacing[request.provider], f"{reply.reason}: {reply.detail}"
        is_patient = asked_for is None or asked_for <= self._limits.longest_retry_after_s
        if reply.reason == "overloaded":
            self.figures.overloaded += 1
            pacing.ill(detail, sent_at)
            return max(asked_for or 0.0, wait_s) if is_patient else None
        if reply.reason in {"key", "quota"}:
            pacing.give_up(detail)
            return None
        pacing.well(more=0)
        if reply.reason == "rate":
            self.figures.rate_limited += 1
            return 0.0 if is_patient else None
        if reply.reason == "model":
            pacing.unknown_models[request.model] = StoppedError("model", detail)
        return None

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


def _is_short(claim: Claim) -> bool:
    return isinstance(claim, Failed) and claim.reason == "budget"
