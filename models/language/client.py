"""Asks language models, each question once: the whole way of a request, from the ledger to the provider and back.

`Client.ask` claims it, or gives the answer that was paid for before; `Client._send` leads it past breaker, slots and
pace, and again while nothing was billed; `Client._ask` settles what came of it. The ledger is on disk at either end.
"""

import asyncio
import time
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
from models.language.pacing import Figures, Limits, Pacing, StoppedError
from models.language.providers.provider import NoAnswerError, NotSentError, Provider, Sent
from models.language.rate import Pace, Ticket, retry_after_s

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
        self._books = Books(ledger, run, budget, self._models.models)
        self._providers, self._limits, self._now = providers, limits, now
        self._random = Random(seed)  # noqa: S311  jitter is no secret
        self.figures = figures or Figures()
        self._pacing: dict[str, Pacing] = {}
        self._admitted: dict[str, asyncio.Semaphore] = {}
        self._asking: dict[str, asyncio.Future[Reply]] = {}
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
        await self._books.close()
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
            await self._books.settled(Outcome(claim.id, reply, raw))
        finally:
            self._free()
        return reply

    async def _claim(self, request: Request) -> Claim:
        """Claim; where asks in flight have reserved what is left, wait until one has cost less than it might."""
        claim = await self._books.claimed(request)
        if not _is_short(claim):
            return claim
        async with self._short_of_money:
            while True:
                self._settled.clear()
                claim = await self._books.claimed(request)
                if not _is_short(claim) or not (self._unsettled or self._settled.is_set()):
                    return claim
                await self._settled.wait()

    def _free(self) -> None:
        """An ask is settled: what it reserved beyond its cost may serve another."""
        self._unsettled -= 1
        self._settled.set()

    async def _send(self, attempt: Attempt) -> tuple[Reply, str]:
        request = attempt.request
        provider, pacing = self._providers[request.provider], self._pacing[request.provider]
        sending = Sending(request, provider, pacing, self.figures, self._now)
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
    def trouble(self) -> str:
        """Why the ledger could not be written, so that nothing more was bought; empty when all is well."""
        return self._books.trouble


def _is_short(claim: Claim) -> bool:
    return isinstance(claim, Failed) and claim.reason == "budget"


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
            ticket = await pacing.enter(self.request)
            try:
                reply, raw, wait_s = await self._once(pace, ticket)
            finally:
                pacing.leave()
            self.tries += 1
            if wait_s is None or self.tries >= pacing.limits.tries:
                return reply, raw
            self.figures.retries += 1
            await asyncio.sleep(min(wait_s, pacing.left_s))

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
        self.pacing.well()
        pace.answered(ticket, sent.headers, self._input_tokens(reply.usage), reply.usage.output)
        return reply, sent.body.decode("utf-8", "replace"), None

    def _input_tokens(self, usage: Usage) -> int:
        return usage.input + usage.cache_write + (usage.cached if self.provider.counts_cached else 0)

    def _refused(self, pace: Pace, ticket: Ticket, sent: Sent, reply: Failed, sent_at: float) -> float | None:
        """What an error means for those who ask next; how long to wait before the next try."""
        pacing, detail = self.pacing, f"{reply.reason}: {reply.detail}"
        longest, asked_for = pacing.limits.longest_retry_after_s, retry_after_s(sent.headers, self.now())
        is_patient = asked_for is None or asked_for <= longest
        if reply.reason == "rate":
            self.figures.rate_limited += 1
            pacing.works()
            pace.refused(
                ticket, sent.headers, pacing.wait_s(self.tries) if asked_for is None else min(asked_for, longest)
            )
            return 0.0 if is_patient else None
        pace.unused(ticket)
        if reply.reason == "overloaded":
            self.figures.overloaded += 1
            pacing.ill(detail, sent_at)
            return max(asked_for or 0.0, pacing.wait_s(self.tries)) if is_patient else None
        if reply.reason in {"key", "quota"}:
            pacing.give_up(detail)
            return None
        pacing.works()
        if reply.reason == "model":
            pacing.unknown_models[self.request.model] = StoppedError("model", detail)
        return None
