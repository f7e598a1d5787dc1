"""Gathering requests into batches, split by count and bytes, and sending each after its intent is on disk."""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from configs.errors import NightquestError
from configs.language import LanguageModel
from models.language.batch_rows import Batch, BatchRows, custom_id
from models.language.calls import Reason, Request
from models.language.claiming import Attempt, Budget, Run
from models.language.ledger import Ledger
from models.language.vendor import DeclinedError, NoAnswerError, NotSentError, Vendor

AT_ONCE = 256  # requests claimed in one transaction
# The provider would say the same of the next batch.
HOPELESS: frozenset[Reason] = frozenset({"key", "quota", "model"})


async def submit_batches(
    ledger: Ledger,
    vendor: Vendor,
    run: Run,
    budget: Budget,
    requests: Iterable[Request],
    prices: Mapping[str, LanguageModel],
) -> list[str]:
    """Send what the ledger grants as batches; the requests are read once, in order, some hundred at a time.

    What is not granted (answered before, held by another batch, over the budget), and a request larger than a batch may
    be, is left out. Nothing more is sent once the provider cannot be reached or declines for good.

    Args:
        ledger: Opened.
        vendor: Whom all requests are for.
        run: Who pays.
        budget: What may be reserved in all.
        requests: Read once.
        prices: Of every model asked for, by name.

    Returns:
        The ledger's keys of the batches that were begun, or may have been (see `recover_batches`).

    Raises:
        NightquestError: The ledger cannot be written; nothing was sent without it.
    """
    rows, keys = BatchRows(ledger), []
    gathering = Gathering(rows, vendor, run, budget, prices)
    try:
        for request in requests:
            if gathering.is_full_for(request):
                gathering.claim()
                if gathering.is_full_for(request):
                    batch, going = await gathering.send()
                    keys += [batch] if batch else []
                    if not going:
                        return keys
            gathering.add(request)
        gathering.claim()
        batch, _ = await gathering.send()
        return [*keys, batch] if batch else keys
    finally:
        gathering.abandon()


class Gathering:
    """The batch that is being filled, and the requests not yet claimed for it."""

    def __init__(
        self, rows: BatchRows, vendor: Vendor, run: Run, budget: Budget, prices: Mapping[str, LanguageModel]
    ) -> None:
        self._rows, self._vendor, self._run, self._budget, self._prices = rows, vendor, run, budget, prices
        self._batch: Batch | None = None
        self._file: BinaryIO | None = None
        self._n = self._bytes = 0
        self._waiting: list[tuple[Request, int]] = []
        self._waiting_bytes = 0

    def is_full_for(self, request: Request) -> bool:
        """Whether the batch, with what waits for it, has no place for one more of this size."""
        n, size = self._n + len(self._waiting), self._bytes + self._waiting_bytes
        return n > 0 and (n >= self._vendor.max_requests or size + self._size(request) > self._vendor.max_bytes)

    def add(self, request: Request) -> None:
        """Let a request wait for the batch."""
        size = self._size(request)
        if size > self._vendor.max_bytes:
            return
        self._waiting.append((request, size))
        self._waiting_bytes += size
        if len(self._waiting) >= AT_ONCE:
            self.claim()

    def claim(self) -> None:
        """Claim what waits, and write what was granted to the batch's file."""
        if not self._waiting:
            return
        if self._batch is None:
            self._batch = self._rows.gather(self._run, self._vendor.name)
        with _on_disk(self._rows.path(self._batch.key)) as path:
            self._file = self._file or path.open("wb")
        requests = [request for request, _ in self._waiting]
        claims = self._rows.ledger.claim(self._run, self._budget, requests, self._prices, batch=self._batch.id)
        granted = [claim.request for claim in claims if isinstance(claim, Attempt)]
        lines = [self._vendor.body_line(custom_id(self._batch.key, request), request) for request in granted]
        with _on_disk(path):
            self._file.writelines(lines)
        self._n, self._bytes = self._n + len(lines), self._bytes + sum(map(len, lines))
        self._waiting, self._waiting_bytes = [], 0

    async def send(self) -> tuple[str | None, bool]:
        """Send the batch; its key when it was or may have been begun, and whether to go on with the next."""
        batch, file = self._batch, self._file
        if batch is None or file is None or not self._n:
            self.abandon()
            return None, True
        with _on_disk(self._rows.path(batch.key)):
            file.flush()
            os.fsync(file.fileno())
            file.close()
        n, size = self._n, self._bytes
        self._batch, self._file, self._n, self._bytes = None, None, 0, 0
        state = await send_batch(self._rows, self._vendor, batch, n, size)
        return (None if state in {"unsent", "released", "hopeless"} else batch.key), state in {"submitted", "released"}

    def abandon(self) -> None:
        """Give back what was claimed and not sent."""
        if self._file is not None:
            with suppress(OSError):  # what it could not write is not sent
                self._file.close()
        if self._batch is not None:
            self._rows.close(self._batch, "unreachable", "it was not sent", "released")
            self._rows.drop_if_empty(self._batch)
        self._batch, self._file, self._n, self._bytes = None, None, 0, 0

    def _size(self, request: Request) -> int:
        return len(self._vendor.body_line("0" * 63, request))


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


async def send_batch(rows: BatchRows, vendor: Vendor, batch: Batch, n: int, size: int) -> str:
    """Send a batch whose file is complete, intent first; `submitted`, `unsure`, `unsent`, `released` or `hopeless`."""
    batch = rows.intend(batch, n, size)
    try:
        provider_id = await vendor.submit(
            batch.key, rows.path(batch.key), n, uploaded=lambda file: rows.uploaded(batch, file)
        )
    except DeclinedError as error:
        if error.reason in {"rate", "overloaded"}:
            rows.unsent(batch, str(error))
            return "unsent"
        rows.close(batch, error.reason, error.detail, "released")
        return "hopeless" if error.reason in HOPELESS else "released"
    except NotSentError as error:
        rows.unsent(batch, str(error))
        return "unsent"
    except (NoAnswerError, ValueError, LookupError, TypeError, asyncio.CancelledError) as error:
        # An answer without an id in it is as good as none.
        rows.unsure(batch, str(error) or "canceled while it was sent")
        if isinstance(error, asyncio.CancelledError):
            raise
        return "unsure"
    rows.submitted(batch, provider_id)
    return "submitted"
