"""Gathering requests into batches, and sending each after its intent is on disk; what was cut short is recovered."""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from configs.errors import NightquestError
from configs.language import LanguageModel
from models.language.batches.rows import Batch, BatchRows, custom_id
from models.language.calls import Reason, Request
from models.language.ledger import Attempt, Budget, Ledger, Run
from models.language.providers import provider as at
from models.language.providers.provider import BatchProvider, Provider

AT_ONCE = 256  # requests claimed in one transaction
# The provider would say the same of the next batch.
HOPELESS: frozenset[Reason] = frozenset({"key", "quota", "model"})
UNREADABLE = (at.DeclinedError, at.NoAnswerError, at.NotSentError, ValueError, LookupError)  # an answer may be garbled
SURE_AFTER_S = 120.0  # a batch that the provider does not show by then was not begun
CLOCKS_APART_S = 3600.0  # how far the provider's clock may be behind
SEND_WITHIN_S = 86_400.0  # an older batch that never began is no longer wanted
GIVE_UP_AFTER_S = 30 * 86_400.0  # results are gone by then


async def submit_batches(
    ledger: Ledger,
    provider: Provider,
    run: Run,
    budget: Budget,
    requests: Iterable[Request],
    prices: Mapping[str, LanguageModel],
) -> list[str]:
    """Send what the ledger grants as batches; the requests are read once, in order, some hundred at a time.

    What is not granted (answered before, held by another batch, over the budget), and a request larger than a batch may
    be, is left out, and everything for a provider without batches. Nothing more is sent once the provider cannot be
    reached or declines for good. What the ledger is asked is as `Ledger.claim` has it.

    Returns:
        The ledger's keys of the batches that were begun, or may have been (see `recover_batches`).

    Raises:
        NightquestError: The ledger cannot be written; nothing was sent without it.
    """
    keys: list[str] = []
    if not isinstance(provider, BatchProvider):
        return keys
    gathering = Gathering(BatchRows(ledger), provider, run, budget, prices)
    try:
        for request in requests:
            if gathering.is_full_for(request):
                gathering.claim()
                if gathering.is_full_for(request):
                    keys += await gathering.send()
                    if not gathering.is_going:
                        return keys
            gathering.add(request)
        gathering.claim()
        return keys + await gathering.send()
    finally:
        gathering.abandon()


class Gathering:
    """The batch that is being filled, and the requests not yet claimed for it.

    Attributes:
        is_going: Whether the provider took the last batch, so that another may be sent.
    """

    def __init__(
        self, rows: BatchRows, provider: BatchProvider, run: Run, budget: Budget, prices: Mapping[str, LanguageModel]
    ) -> None:
        self._rows, self._provider, self._run, self._budget, self._prices = rows, provider, run, budget, prices
        self.is_going = True
        self._waiting: list[Request] = []
        self._waiting_bytes = 0
        self._begin()

    def _begin(self) -> None:
        self._batch: Batch | None = None
        self._file: BinaryIO | None = None
        self._n = self._bytes = 0

    def is_full_for(self, request: Request) -> bool:
        """Whether the batch, with what waits for it, has no place for one more of this size."""
        n, size = self._n + len(self._waiting), self._bytes + self._waiting_bytes
        return n > 0 and (n >= self._provider.max_requests or size + self._size(request) > self._provider.max_bytes)

    def add(self, request: Request) -> None:
        """Let a request wait for the batch, unless it is larger than one may be."""
        if (size := self._size(request)) <= self._provider.max_bytes:
            self._waiting.append(request)
            self._waiting_bytes += size
            if len(self._waiting) >= AT_ONCE:
                self.claim()

    def claim(self) -> None:
        """Claim what waits, and write what was granted to the batch's file."""
        if not self._waiting:
            return
        batch = self._batch = self._batch or self._rows.gather(self._run, self._provider.name)
        with _on_disk(self._rows.path(batch.key)) as path:
            self._file = self._file or path.open("wb")
        claims = self._rows.ledger.claim(self._run, self._budget, self._waiting, self._prices, batch=batch.id)
        granted = [claim.request for claim in claims if isinstance(claim, Attempt)]
        lines = [self._provider.batch_line(custom_id(batch.key, request), request) for request in granted]
        with _on_disk(path):
            self._file.writelines(lines)
        self._n, self._bytes = self._n + len(lines), self._bytes + sum(map(len, lines))
        self._waiting, self._waiting_bytes = [], 0

    async def send(self) -> list[str]:
        """Send the batch; its key when it was or may have been begun."""
        batch, file, n, size = self._batch, self._file, self._n, self._bytes
        if batch is None or file is None or not n:
            self.abandon()
            return []
        with _on_disk(self._rows.path(batch.key)), file:
            file.flush()
            os.fsync(file.fileno())
        self._begin()
        state = await send_batch(self._rows, self._provider, batch, n, size)
        self.is_going = state in {"submitted", "released"}
        return [batch.key] if state in {"submitted", "unsure"} else []

    def abandon(self) -> None:
        """Give back what was claimed and not sent."""
        if self._file is not None:
            with suppress(OSError):  # what it could not write is not sent
                self._file.close()
        if self._batch is not None:
            self._rows.close(self._batch, "unreachable", "it was not sent", "released")
            self._rows.drop_if_empty(self._batch)
        self._begin()

    def _size(self, request: Request) -> int:
        return len(self._provider.batch_line("0" * 63, request))


@contextmanager
def _on_disk(path: Path) -> Iterator[Path]:
    """Tell in words why a batch's file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield path
    except OSError as error:
        raise NightquestError(
            f"The batch {path} could not be written, so it was not sent: {error.strerror}.",
            "Make room or give the right to write there, and run it again.",
            exit_code=3,
        ) from error


async def send_batch(rows: BatchRows, provider: BatchProvider, batch: Batch, n: int, size: int) -> str:
    """Send a batch whose file is complete, intent first; `submitted`, `unsure`, `unsent`, `released` or `hopeless`."""
    batch = rows.intend(batch, n, size)
    try:
        provider_id = await provider.submit(batch.key, rows.path(batch.key), n)
    except at.DeclinedError as error:
        if error.reason not in {"rate", "overloaded"}:
            rows.close(batch, error.reason, error.detail, "released")
            return "hopeless" if error.reason in HOPELESS else "released"
        rows.unsent(batch, str(error))
        return "unsent"
    except at.NotSentError as error:
        rows.unsent(batch, str(error))
        return "unsent"
    except asyncio.CancelledError:
        rows.unsure(batch, "canceled while it was sent")
        raise
    except (at.NoAnswerError, ValueError, LookupError, TypeError) as error:
        rows.unsure(batch, str(error))  # an answer without an id in it is as good as none
        return "unsure"
    rows.submitted(batch, provider_id)
    return "submitted"


@dataclass
class Recovery:
    """How many unfinished batches were found at the provider, sent again, given back, and are still in doubt.

    Attributes:
        doubled: Batches begun twice, whose later one was canceled.
    """

    adopted: int = 0
    sent: int = 0
    released: int = 0
    unsure: int = 0
    doubled: int = 0


async def recover_batches(
    ledger: Ledger,
    providers: Mapping[str, Provider],
    *,
    app: str | None = None,
    sure_after_s: float = SURE_AFTER_S,
    send_again: bool = True,
) -> Recovery:
    """Look after every batch that was being gathered or sent when its process ended, or got no answer.

    A batch that may have been begun is looked for, and never sent again while that is unsure. To be called before
    others are submitted, and again as long as some are unsure. Batches of other providers, or another app, wait.

    Args:
        ledger: Opened.
        providers: By name.
        app: Whose batches; None is all.
        sure_after_s: How long after it was sent a batch that the provider does not show is taken as never begun.
        send_again: Whether what was never begun is still wanted; else it is given back.

    Raises:
        NightquestError: The ledger cannot be written.
    """
    rows, done = BatchRows(ledger), Recovery()
    for batch in rows.unfinished(app):
        provider = providers.get(batch.provider)
        if batch.state == "gathering":
            if rows.take(batch):
                done.released += 1
                rows.close(batch, "unreachable", "the process ended before it was sent", "released")
                rows.drop_if_empty(batch)
        elif isinstance(provider, BatchProvider) and rows.take(batch):
            await _settle_doubt(rows, provider, batch, sure_after_s, done, send_again=send_again)
    return done


async def _settle_doubt(
    rows: BatchRows, provider: BatchProvider, batch: Batch, sure_after_s: float, done: Recovery, *, send_again: bool
) -> None:
    try:
        found = await _look(rows, provider, batch, sure_after_s)
    except UNREADABLE as error:
        found = at.Unsure(str(error))
    except BaseException:
        rows.unsure(batch, "looking for it was cut short")
        raise
    match found:
        case at.Found(ids):
            rows.submitted(batch, ids[0], adopted=True)
            done.adopted += 1
            done.doubled += await cancel_doubles(rows, provider, batch, ids[1:])
        case at.Unsure(detail):
            done.unsure += 1
            _wait(rows, batch, detail)
        case at.NotThere() if not send_again or not _is_wanted(rows, batch):
            rows.close(batch, "unreachable", "it was never begun", "released")
            done.released += 1
        case at.NotThere():
            size = rows.path(batch.key).stat().st_size
            state = await send_batch(rows, provider, batch, batch.requests, size)
            done.sent += state == "submitted"
            done.unsure += state in {"unsure", "unsent"}
            done.released += state in {"released", "hopeless"}


async def _look(
    rows: BatchRows, provider: BatchProvider, batch: Batch, sure_after_s: float
) -> at.Found | at.NotThere | at.Unsure:
    if batch.maybe_sent_at is None:
        return at.NotThere()
    found = await find_batch(rows, provider, batch)
    if isinstance(found, at.NotThere) and rows.ledger.time() - batch.maybe_sent_at < sure_after_s:
        return at.Unsure("not there yet")
    return found


def _wait(rows: BatchRows, batch: Batch, detail: str) -> None:
    if rows.ledger.time() - (batch.maybe_sent_at or batch.made_at) > GIVE_UP_AFTER_S:
        rows.close(batch, "unknown", f"not to be found, and not surely absent: {detail}", "released")
    elif batch.maybe_sent_at is None:
        rows.unsent(batch, detail)
    else:
        rows.unsure(batch, detail)


def _is_wanted(rows: BatchRows, batch: Batch) -> bool:
    whole = batch.requests > 0 and rows.path(batch.key).exists()
    return whole and rows.ledger.time() - batch.made_at <= SEND_WITHIN_S


async def find_batch(rows: BatchRows, provider: BatchProvider, batch: Batch) -> at.Found | at.NotThere | at.Unsure:
    """Look for a batch that may have been begun; raises as `BatchProvider.find`."""
    since = datetime.fromtimestamp((batch.first_sent_at or batch.made_at) - CLOCKS_APART_S, UTC)
    return await provider.find(batch.key, batch.requests, since, rows.known_ids(batch.provider))


async def cancel_doubles(rows: BatchRows, provider: BatchProvider, batch: Batch, ids: tuple[str, ...]) -> int:
    """Cancel further batches that carry the same key, and write them down; returns how many."""
    for double in ids:
        rows.doubled(batch, double)
        with suppress(*UNREADABLE):  # it has ended; it is counted all the same
            await provider.cancel(double)
    return len(ids)
