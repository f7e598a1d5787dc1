"""Bringing in what batches answered: polled, streamed, booked some hundred at a time; canceled when time is up."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from configs.language import Vendor as VendorName
from models.language.batch_recovery import CLOCKS_APART_S, UNREADABLE, cancel_doubles
from models.language.batch_rows import AT_ONCE, Batch, BatchRows
from models.language.calls import Failed, Reason, Reply, Request
from models.language.ledger import Ledger
from models.language.settling import FINAL, Outcome
from models.language.vendor import BatchState, Found, Result, Vendor

SHORTFALLS = 3  # readings that bring fewer results than the provider counted, before the rest is given up
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


async def collect_batches(
    ledger: Ledger, vendors: Mapping[VendorName, Vendor], *, app: str | None = None
) -> CollectReport:
    """Book the results of every batch that has ended; killed midway, the next call goes on where this one was.

    Args:
        ledger: Opened.
        vendors: Batches of others wait.
        app: Only batches of this app; None is all.

    Raises:
        NightquestError: The ledger cannot be written.
    """
    rows, report = BatchRows(ledger), CollectReport()
    for batch in rows.running(app):
        vendor = next((vendor for name, vendor in vendors.items() if name == batch.provider), None)
        if vendor is None or batch.provider_id is None:
            report.keyless += 1
            continue
        try:
            state = await vendor.poll(batch.provider_id)
            if state.status == "running":
                report.running += 1
            else:
                await _collect(rows, vendor, batch, batch.provider_id, state, report)
        except UNREADABLE:
            report.unreachable += 1
    return report


async def cancel_batches(ledger: Ledger, vendors: Mapping[VendorName, Vendor], *, app: str | None = None) -> int:
    """Ask providers to stop what has not ended, and give back what never began; returns how many batches that were.

    What they answered until then is to be collected once they have ended.

    Raises:
        NightquestError: The ledger cannot be written.
    """
    rows, done = BatchRows(ledger), 0
    for batch in rows.running(app):
        vendor = next((vendor for name, vendor in vendors.items() if name == batch.provider), None)
        if vendor is None or batch.provider_id is None:
            continue
        try:
            await vendor.cancel(batch.provider_id)
        except UNREADABLE:
            continue  # it has ended, or cannot be reached
        done += 1
    for batch in rows.unfinished():
        if batch.state == "unsent" and app in {None, batch.app} and rows.take(batch):
            rows.close(batch, "unreachable", "it was never begun", "released")
            done += 1
    return done


async def _collect(
    rows: BatchRows, vendor: Vendor, batch: Batch, provider_id: str, state: BatchState, report: CollectReport
) -> None:
    read = 0
    if state.status != "failed":
        some: list[Result] = []
        async for result in vendor.results(provider_id):
            read += 1
            some.append(result)
            if len(some) >= AT_ONCE:
                _book(rows, vendor, batch, some, report)
                some = []
        _book(rows, vendor, batch, some, report)
    counted = state.counts.get("completed", 0) + state.counts.get("failed", 0)
    if read < min(counted, batch.requests) and state.status != "failed" and batch.collections + 1 < SHORTFALLS:
        rows.fell_short(batch)
        report.short += 1
        return
    if batch.submissions > 1:
        report.doubled += await _cancel_doubles(rows, vendor, batch)
    reason = _REASONS[state.status]
    missing = rows.close(batch, reason, state.detail or "not among the results of its batch", "collected")
    report.failed.update({reason: missing} if missing else {})
    report.collected += 1


def _book(rows: BatchRows, vendor: Vendor, batch: Batch, results: Sequence[Result], report: CollectReport) -> None:
    """Settle some results, in one transaction."""
    matched = rows.match(batch, [result.custom_id for result in results])
    outcomes: dict[int, Outcome] = {}
    for result in results:
        if result.custom_id not in matched:
            report.strangers += 1
            continue
        attempt, settled, request = matched[result.custom_id]
        if settled or attempt in outcomes:
            report.repeated += 1
            continue
        raw = result.body.decode("utf-8", "replace")
        outcomes[attempt] = Outcome(attempt, _reply(vendor, request, result), raw)
    if outcomes:
        rows.ledger.settle(list(outcomes.values()))
    for outcome in outcomes.values():
        _count(outcome.reply, report)


def _reply(vendor: Vendor, request: Request, result: Result) -> Reply:
    if result.reason is not None:
        return Failed(request.key, result.reason, result.detail, batch=True)
    reply = vendor.read(request, result.status, {}, result.body, batch=True)
    if isinstance(reply, Failed) and reply.reason == "unknown":  # a batch says of each line what became of it
        return Failed(request.key, "overloaded", reply.detail, reply.usage, reply.cost_usd, batch=True)
    return reply


def _count(reply: Reply, report: CollectReport) -> None:
    report.cost_usd += reply.cost_usd
    if isinstance(reply, Failed):
        report.failed[reply.reason] += 1
    if not isinstance(reply, Failed) or reply.reason in FINAL:
        report.answered += 1


async def _cancel_doubles(rows: BatchRows, vendor: Vendor, batch: Batch) -> int:
    """After it was sent more than once: look whether an earlier sending began one too."""
    since = datetime.fromtimestamp((batch.first_sent_at or batch.made_at) - CLOCKS_APART_S, UTC)
    found = await vendor.find(batch.key, batch.requests, since, rows.known_ids(batch.provider))
    return await cancel_doubles(rows, vendor, batch, found.ids) if isinstance(found, Found) else 0
