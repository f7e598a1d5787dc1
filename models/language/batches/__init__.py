"""Batches from the evening to the morning: submitted with their intent on disk, recovered, collected, in time.

`submit_batches` claims and sends; `recover_batches` looks after those whose sending was cut short; `collect_batches`
books what has come back; `finish_batches` does both until all is in or time is up. After that `Ledger.claim` returns
the answers, and what has none may be asked live.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from models.language.batches.rows import AT_ONCE, Batch, BatchRows
from models.language.batches.sending import (
    SURE_AFTER_S,
    UNREADABLE,
    Recovery,
    cancel_doubles,
    find_batch,
    recover_batches,
    submit_batches,
)
from models.language.calls import FINAL, Failed, Reason, Reply, Request
from models.language.ledger import Ledger, Outcome
from models.language.providers.provider import BatchProvider, BatchState, Found, Provider, Result

__all__ = ["BatchRows", "cancel_batches", "collect_batches", "finish_batches", "recover_batches", "submit_batches"]
SHORTFALLS = 3  # readings that bring fewer results than the provider counted, before the rest is given up
SLOWER = 1.5  # each pause against the one before
_REASONS: dict[str, Reason] = {"ended": "expired", "failed": "rejected", "canceled": "canceled", "expired": "expired"}


@dataclass
class CollectReport:
    """What a look at all running batches brought.

    Attributes:
        collected: Batches that have ended and are booked.
        running: Batches that have not ended.
        unreachable: Batches whose provider could not be asked, or broke off; they are read again.
        keyless: Batches of a provider that there is no key for here.
        short: Batches that brought fewer results than the provider counted; they are read again.
        answered: Results that were paid for, refused and truncated ones too.
        failed: Requests without a usable answer, by reason; those that are not among `answered` may be asked anew.
        repeated: Results seen before.
        strangers: Results with custom ids that are none of the batch's.
        doubled: Batches begun twice, whose later one was canceled.
        cost_usd: Of the results booked now.
    """

    collected: int = 0
    running: int = 0
    unreachable: int = 0
    keyless: int = 0
    short: int = 0
    answered: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    strangers: int = 0
    doubled: int = 0
    cost_usd: float = 0.0

    @property
    def open(self) -> int:
        """Batches that will bring more."""
        return self.running + self.unreachable + self.short


@dataclass
class Finish:
    """What waiting for batches brought.

    Attributes:
        collected: Sums over all looks; `running`, `unreachable`, `keyless` and `short` of the last one.
        recovered: Sums over all looks; `unsure` of the last one.
        canceled: Batches stopped because time was up.
    """

    collected: CollectReport = field(default_factory=CollectReport)
    recovered: Recovery = field(default_factory=Recovery)
    canceled: int = 0

    @property
    def open(self) -> int:
        """Batches that may still bring, or cost, something: their questions are `late`."""
        return self.collected.open + self.recovered.unsure


async def finish_batches(
    ledger: Ledger,
    providers: Mapping[str, Provider],
    *,
    app: str | None = None,
    wait_s: float,
    grace_s: float = 60.0,
    poll_s: float = 1.0,
    longest_poll_s: float = 30.0,
    sure_after_s: float = SURE_AFTER_S,
) -> Finish:
    """Recover and collect until nothing is open; when time is up, cancel and collect what was done by then.

    Args:
        ledger: Opened.
        providers: Batches of others wait.
        app: Whose batches to wait for and to cancel; None is all.
        wait_s: How long to wait for results.
        grace_s: How long to wait for canceled batches to end.
        poll_s: The first pause; each is longer than the one before.
        longest_poll_s: The longest pause.
        sure_after_s: See `recover_batches`.

    Raises:
        NightquestError: The ledger cannot be written.
    """
    done = Finish()

    async def look_for(seconds: float, *, send_again: bool) -> None:
        end, pause_s = time.monotonic() + seconds, poll_s
        while True:
            again = await recover_batches(ledger, providers, app=app, sure_after_s=sure_after_s, send_again=send_again)
            _add(done.recovered, again, last={"unsure"})
            collected = await collect_batches(ledger, providers, app=app)
            _add(done.collected, collected, last={"running", "unreachable", "keyless", "short"})
            left_s = end - time.monotonic()
            if not done.open or left_s <= 0:
                return
            await asyncio.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * SLOWER, longest_poll_s)

    await look_for(wait_s, send_again=True)
    if done.open:
        done.canceled = await cancel_batches(ledger, providers, app=app)
        await look_for(grace_s, send_again=False)
    return done


def _add(total: CollectReport | Recovery, more: CollectReport | Recovery, last: set[str]) -> None:
    for name, value in vars(more).items():
        setattr(total, name, value if name in last else getattr(total, name) + value)


async def collect_batches(
    ledger: Ledger, providers: Mapping[str, Provider], *, app: str | None = None
) -> CollectReport:
    """Book the results of every batch that has ended, of one app or of all; batches of other providers wait.

    Killed midway, the next call goes on where this one was.

    Raises:
        NightquestError: The ledger cannot be written.
    """
    rows, report = BatchRows(ledger), CollectReport()
    for batch in rows.running(app):
        provider = providers.get(batch.provider)
        if not isinstance(provider, BatchProvider) or batch.provider_id is None:
            report.keyless += 1
            continue
        try:
            state = await provider.poll(batch.provider_id)
            if state.status == "running":
                report.running += 1
            else:
                await _collect(rows, provider, batch, batch.provider_id, state, report)
        except UNREADABLE:
            report.unreachable += 1
    return report


async def cancel_batches(ledger: Ledger, providers: Mapping[str, Provider], *, app: str | None = None) -> int:
    """Ask providers to stop what has not ended, and give back what never began; returns how many batches that were.

    What they answered until then is to be collected once they have ended.

    Raises:
        NightquestError: The ledger cannot be written.
    """
    rows, done = BatchRows(ledger), 0
    for batch in rows.running(app):
        provider = providers.get(batch.provider)
        if isinstance(provider, BatchProvider) and batch.provider_id is not None:
            with suppress(*UNREADABLE):  # it has ended, or cannot be reached
                await provider.cancel(batch.provider_id)
                done += 1
    for batch in rows.unfinished(app):
        if batch.state == "unsent" and rows.take(batch):
            rows.close(batch, "unreachable", "it was never begun", "released")
            done += 1
    return done


async def _collect(
    rows: BatchRows, provider: BatchProvider, batch: Batch, provider_id: str, state: BatchState, report: CollectReport
) -> None:
    read = 0
    if state.status != "failed":
        some: list[Result] = []
        async for result in provider.results(provider_id):
            read += 1
            some.append(result)
            if len(some) >= AT_ONCE:
                _book(rows, provider, batch, some, report)
                some = []
        _book(rows, provider, batch, some, report)
    counted = state.counts.get("completed", 0) + state.counts.get("failed", 0)
    if read < min(counted, batch.requests) and state.status != "failed" and batch.collections + 1 < SHORTFALLS:
        rows.fell_short(batch)
        report.short += 1
        return
    if batch.submissions > 1:  # look whether an earlier sending began one too
        found = await find_batch(rows, provider, batch)
        report.doubled += await cancel_doubles(rows, provider, batch, found.ids) if isinstance(found, Found) else 0
    reason = _REASONS[state.status]
    missing = rows.close(batch, reason, state.detail or "not among the results of its batch", "collected")
    report.failed.update({reason: missing} if missing else {})
    report.collected += 1


def _book(
    rows: BatchRows, provider: BatchProvider, batch: Batch, results: Sequence[Result], report: CollectReport
) -> None:
    """Settle some results, in one transaction."""
    matched = rows.match(batch, [result.custom_id for result in results])
    outcomes: dict[int, Outcome] = {}
    for result in results:
        attempt, settled, request = matched.get(result.custom_id, (0, False, None))
        if request is None:
            report.strangers += 1
        elif settled or attempt in outcomes:
            report.repeated += 1
        else:
            raw = result.body.decode("utf-8", "replace")
            outcomes[attempt] = Outcome(attempt, _reply(provider, request, result), raw)
    if outcomes:
        rows.ledger.settle(list(outcomes.values()))
    replies = [outcome.reply for outcome in outcomes.values()]
    failed = [reply.reason for reply in replies if isinstance(reply, Failed)]
    report.cost_usd += sum(reply.cost_usd for reply in replies)
    report.answered += len(replies) - sum(reason not in FINAL for reason in failed)
    report.failed.update(failed)


def _reply(provider: BatchProvider, request: Request, result: Result) -> Reply:
    if result.reason is not None:
        return Failed(request.key, result.reason, result.detail, batch=True)
    reply = provider.read(request, result.status, result.body, batch=True)
    if isinstance(reply, Failed) and reply.reason == "unknown":  # a batch says of each line what became of it
        return Failed(request.key, "overloaded", reply.detail, reply.usage, reply.cost_usd, batch=True)
    return reply
