"""Batches from the evening to the morning: submitted once with their intent on disk, found again, collected, in time.

A batch is sent at most once. One whose sending was cut short, or got no answer, is looked for at its provider by its
key; what surely never began gives its questions back, for another batch or a live ask.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from configs.language import LanguageModel
from models.language.batches.rows import Batch, BatchRows, custom_id
from models.language.calls import FINAL, Failed, Reason, Reply, Request
from models.language.ledger import Budget, Ledger, Outcome, Run
from models.language.providers import provider as at
from models.language.providers.answers import UNREADABLE
from models.language.providers.provider import BatchProvider, Provider, Result

__all__ = ["BatchReport", "BatchRows", "Batches"]
_UNREAD = (at.DeclinedError, at.NoAnswerError, at.NotSentError, *UNREADABLE)  # an answer may be garbled
SURE_AFTER_S = 120.0  # a batch that the provider does not show by then was not begun
CLOCKS_APART_S = 3600.0  # how far the provider's clock may be behind
LOOKED_FOR_S = 86_400.0  # what was taken as never begun, and shows up after all
GIVE_UP_AFTER_S = 30 * 86_400.0  # results are gone by then
SHORTFALLS = 3  # readings that bring fewer results than the provider counted, before the rest is given up
SLOWER = 1.5  # each pause against the one before
_REASONS: dict[str, Reason] = {"ended": "expired", "failed": "rejected", "canceled": "canceled", "expired": "expired"}


@dataclass
class BatchReport:
    """What became of batches: `running`, `unreachable`, `keyless`, `short` and `unsure` at the last look, else in all.

    Attributes:
        collected: Batches that have ended and are booked.
        running: Batches that have not ended.
        unreachable: Batches whose provider could not be asked, or broke off; they are read again.
        keyless: Batches of a provider that there is no key for here.
        short: Batches that brought fewer results than the provider counted; they are read again.
        unsure: Batches that may have been begun.
        adopted: Batches that had been begun without our knowing.
        released: Batches that were never begun; their questions may be asked anew.
        doubled: Batches that showed up after they had been released, and were canceled.
        canceled: Batches stopped because time was up.
        answered: Results that were paid for, refused and truncated ones too.
        failed: Requests without a usable answer, by reason; those that are not among `answered` may be asked anew.
        repeated: Results seen before.
        strangers: Results with custom ids that are none of the batch's.
        cost_usd: Of the results booked now.
    """

    collected: int = 0
    running: int = 0
    unreachable: int = 0
    keyless: int = 0
    short: int = 0
    unsure: int = 0
    adopted: int = 0
    released: int = 0
    doubled: int = 0
    canceled: int = 0
    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    strangers: int = 0
    cost_usd: float = 0.0

    @property
    def open(self) -> int:
        """Batches that may still bring, or cost, something: their questions are `late`."""
        return self.running + self.unreachable + self.short + self.unsure


class Batches:
    """The batches of an open ledger, at their providers. Every method may raise NightquestError: it cannot be written.

    Args:
        ledger: Opened.
        providers: By name; batches of others wait.
        app: Whose batches are looked after; None is all.
        sure_after_s: How long after it was sent a batch that the provider does not show is taken as never begun.

    Attributes:
        report: What became of them so far.
    """

    def __init__(
        self,
        ledger: Ledger,
        providers: Mapping[str, Provider],
        *,
        app: str | None = None,
        sure_after_s: float = SURE_AFTER_S,
    ) -> None:
        self._rows, self._providers, self._app, self._sure_after_s = BatchRows(ledger), providers, app, sure_after_s
        self.report = BatchReport()

    async def submit(
        self, name: str, run: Run, budget: Budget, requests: Iterable[Request], prices: Mapping[str, LanguageModel]
    ) -> list[str]:
        """Send what the ledger grants to the provider of this name as batches; requests are read one batch at a time.

        What is not granted (answered before, held by another batch, over the budget), and a request larger than a
        batch may be, is left out, and everything for a provider without batches. Nothing more is sent once the provider
        took one not. What the ledger is asked is as `Ledger.claim` has it.

        Returns:
            The ledger's keys of the batches that were begun, or may have been.
        """
        keys: list[str] = []
        if isinstance(provider := self._providers.get(name), BatchProvider):
            for some in _split(provider, requests):
                batch = self._rows.intend(run, budget, name, some, prices)
                if batch is None:
                    continue
                if not await self._send(provider, batch):
                    break
                keys.append(batch.key)
        return keys

    async def _send(self, provider: BatchProvider, batch: Batch) -> bool:
        """Send a batch; whether it was, or may have been, begun."""
        rows = self._rows
        lines = [provider.batch_line(name, rows.request(id_)) for name, (id_, _) in rows.attempts(batch).items()]
        try:
            provider_id = await provider.submit(batch.key, lines)
        except (at.DeclinedError, at.NotSentError) as error:
            reason = error.reason if isinstance(error, at.DeclinedError) else "unreachable"
            rows.close(batch, reason, str(error), state="released", maybe_sent_at=None)
            return False
        except (at.NoAnswerError, *UNREADABLE) as error:  # without an id in it it is no answer
            rows.note(batch, state="unsure", detail=str(error))
            return True
        rows.note(batch, state="submitted", provider_id=provider_id)
        return True

    async def recover(self) -> BatchReport:
        """Look after every batch that was being sent when its process ended or this was canceled, or got no answer.

        To be called before others are submitted, and again as long as some are unsure.
        """
        self.report.unsure = 0
        for batch in self._rows.unfinished(self._rows.ledger.time() - LOOKED_FOR_S, self._app):
            provider = self._provider(batch)
            if provider and batch.state == "released":
                with suppress(*_UNREAD):  # it is looked for again
                    await self._cancel_double(provider, batch)
            elif provider and self._rows.take(batch):
                await self._settle_doubt(provider, batch)
        return self.report

    async def _cancel_double(self, provider: BatchProvider, batch: Batch) -> None:
        for id_ in await self._find(provider, batch):
            self._rows.note(batch, state="doubled", provider_id=id_)
            self.report.doubled += 1
            await provider.cancel(id_)

    async def _settle_doubt(self, provider: BatchProvider, batch: Batch) -> None:
        age_s = self._rows.ledger.time() - (batch.maybe_sent_at or batch.made_at)
        try:
            found, doubt = await self._find(provider, batch), "" if age_s >= self._sure_after_s else "not there yet"
        except _UNREAD as error:
            found, doubt = [], str(error) or "unreadable"
        if found:
            self._rows.note(batch, state="submitted", provider_id=found[0], adopted=1)
            self.report.adopted += 1
        elif doubt and age_s <= GIVE_UP_AFTER_S:
            self._rows.note(batch, state="unsure", detail=doubt)
            self.report.unsure += 1
        else:
            reason: Reason = "unknown" if doubt else "unreachable"
            self._rows.close(batch, reason, doubt or "it was never begun", state="released")
            self.report.released += 1

    async def _find(self, provider: BatchProvider, batch: Batch) -> Sequence[str]:
        since = datetime.fromtimestamp(batch.made_at - CLOCKS_APART_S, UTC)
        return await provider.find(batch.key, batch.requests, since, self._rows.known_ids(batch.provider))

    def _provider(self, batch: Batch) -> BatchProvider | None:
        provider = self._providers.get(batch.provider)
        return provider if isinstance(provider, BatchProvider) else None

    async def collect(self) -> BatchReport:
        """Book the results of every batch that has ended; killed midway, the next call does it anew."""
        report = self.report
        report.running = report.unreachable = report.keyless = report.short = 0
        for batch in self._rows.running(self._app):
            provider = self._provider(batch)
            if provider is None:
                report.keyless += 1
                continue
            try:
                await self._collect(provider, batch, batch.provider_id or "")
            except _UNREAD:
                report.unreachable += 1
        return report

    async def _collect(self, provider: BatchProvider, batch: Batch, provider_id: str) -> None:
        state = await provider.poll(provider_id)
        if state.status == "running":
            self.report.running += 1
            return
        results = [] if state.status == "failed" else await provider.results(provider_id)
        self._book(provider, batch, results)
        counted = state.counts.get("completed", 0) + state.counts.get("failed", 0)
        is_short = state.status != "failed" and len(results) < min(counted, batch.requests)
        if is_short and batch.collections + 1 < SHORTFALLS:
            self._rows.note(batch, collections=batch.collections + 1)
            self.report.short += 1
            return
        reason, detail = _REASONS[state.status], state.detail or "not among the results of its batch"
        missing = self._rows.close(batch, reason, detail, state="collected")
        self.report.failed.update({reason: missing} if missing else {})
        self.report.collected += 1

    def _book(self, provider: BatchProvider, batch: Batch, results: Sequence[Result]) -> None:
        """Settle results, in one transaction."""
        report, attempts = self.report, self._rows.attempts(batch)
        outcomes: dict[int, Outcome] = {}
        for result in results:
            id_, settled = attempts.get(result.custom_id, (0, False))
            if not id_:
                report.strangers += 1
            elif settled or id_ in outcomes:
                report.repeated += 1
            else:
                request, raw = self._rows.request(id_), result.body.decode("utf-8", "replace")
                reply: Reply = provider.read(request, result.status, result.body, batch=True)
                if result.reason:
                    reply = Failed(request.key, result.reason, result.detail, batch=True)
                outcomes[id_] = Outcome(id_, reply, raw)
        if outcomes:
            self._rows.ledger.settle(list(outcomes.values()))
        replies = [outcome.reply for outcome in outcomes.values()]
        failed = [reply.reason for reply in replies if isinstance(reply, Failed)]
        report.cost_usd += sum(reply.cost_usd for reply in replies)
        report.answered += len(replies) - sum(reason not in FINAL for reason in failed)
        report.failed.update(failed)

    async def cancel(self) -> BatchReport:
        """Ask providers to stop what has not ended; what they answered until then is to be collected once it has."""
        for batch in self._rows.running(self._app):
            if provider := self._provider(batch):
                with suppress(*_UNREAD):  # it has ended, or cannot be reached
                    await provider.cancel(batch.provider_id or "")
                    self.report.canceled += 1
        return self.report

    async def finish(
        self, wait_s: float, *, grace_s: float = 60.0, poll_s: float = 1.0, longest_poll_s: float = 30.0
    ) -> BatchReport:
        """Recover and collect until nothing is open; when time is up, cancel and collect what was done by then.

        Args:
            wait_s: How long to wait for results.
            grace_s: How long to wait for canceled batches to end.
            poll_s: The first pause; each is longer than the one before.
            longest_poll_s: The longest pause.
        """
        await self._look_for(wait_s, poll_s, longest_poll_s)
        if self.report.open:
            await self.cancel()
            await self._look_for(grace_s, poll_s, longest_poll_s)
        return self.report

    async def _look_for(self, seconds: float, pause_s: float, longest_pause_s: float) -> None:
        end = time.monotonic() + seconds
        while True:
            await self.recover()
            await self.collect()
            left_s = end - time.monotonic()
            if not self.report.open or left_s <= 0:
                return
            await asyncio.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * SLOWER, longest_pause_s)


def _split(provider: BatchProvider, requests: Iterable[Request]) -> Iterator[list[Request]]:
    """As many requests at a time as a batch may hold, without those that are larger than one."""
    some: list[Request] = []
    size = 0
    for request in requests:
        own = len(provider.batch_line(custom_id("0" * 22, request.key), request))
        if own > provider.max_bytes:
            continue
        if some and (len(some) >= provider.max_requests or size + own > provider.max_bytes):
            yield some
            some, size = [], 0
        some.append(request)
        size += own
    if some:
        yield some
