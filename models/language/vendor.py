"""What the ledger, the desk and the batches ask of a provider; openai.py and anthropic.py fulfil it."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from configs.language import Vendor as VendorName
from models.language.calls import Reason, Reply, Request


class NotSentError(Exception):
    """No connection came about: the provider has seen nothing, so nothing was billed or begun."""


class NoAnswerError(Exception):
    """Sent, and no answer seen (a timeout, a cut connection, a 5xx to a batch): it may have been billed or begun."""


class DeclinedError(Exception):
    """The provider answered that it will not: nothing was begun."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Sent:
    """A live answer as it came, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


@dataclass(frozen=True)
class Found:
    """Batches that carry a key, the earliest first; more than one when a submission was doubled."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class NotThere:
    """No batch carries the key: every one begun since then was looked at."""


@dataclass(frozen=True)
class Unsure:
    """A batch that has not ended may carry it."""

    detail: str = ""


@dataclass(frozen=True)
class BatchState:
    """How far a batch is.

    Attributes:
        status: `running` until its results can be read. `failed`: nothing of it was run.
        counts: `completed`, `failed`, `total` as the provider gives them.
        detail: Why it failed.
    """

    status: Literal["running", "ended", "failed", "canceled", "expired"]
    counts: Mapping[str, int] = field(default_factory=dict)
    detail: str = ""


@dataclass(frozen=True)
class Result:
    """One line of a batch's results.

    Attributes:
        status: HTTP status of its answer, for `read`.
        body: The answer as a live one would have come.
        reason: Why there is no answer to read: `expired`, `canceled`, `rejected`, `overloaded`.
    """

    custom_id: str
    status: int = 200
    body: bytes = b""
    reason: Reason | None = None
    detail: str = ""


class Vendor(Protocol):
    """A provider with a key."""

    @property
    def name(self) -> VendorName:
        """Which one it is."""
        ...

    @property
    def max_requests(self) -> int:
        """Of one batch."""
        ...

    @property
    def max_bytes(self) -> int:
        """Of one batch's lines."""
        ...

    def read(
        self,
        request: Request,
        status: int,
        headers: Mapping[str, str],
        body: bytes,
        *,
        batch: bool = False,
        seconds: float = 0.0,
    ) -> Reply:
        """What an answer says and cost; never raises."""
        ...

    async def send(self, request: Request) -> Sent:
        """Ask once, without retries.

        Raises:
            NotSentError: No connection.
            NoAnswerError: Sent, and no answer seen.
        """
        ...

    def body_line(self, custom_id: str, request: Request) -> bytes:
        """A line of a batch, with its line feed."""
        ...

    async def submit(self, batch_key: str, path: Path, n: int, *, uploaded: Callable[[str], None] | None = None) -> str:
        """Begin a batch, without retries, and return the provider's id of it.

        Args:
            batch_key: The ledger's; it must be found again by it.
            path: JSON Lines as `body_line` gives them.
            n: How many lines.
            uploaded: Told the id of the uploaded file, where the provider has such.

        Raises:
            NotSentError: Nothing was begun.
            DeclinedError: Nothing was begun; the provider said why.
            NoAnswerError: It may have been begun.
        """
        ...

    async def find(self, batch_key: str, n: int, since: datetime, known: Collection[str]) -> Found | NotThere | Unsure:
        """Look for batches begun since then with this key.

        Args:
            batch_key: As submitted.
            n: How many requests it has.
            since: When it may have been begun at the earliest.
            known: Ids of batches that are known to be others.

        Raises:
            NotSentError, NoAnswerError, DeclinedError: The provider could not be asked.
        """
        ...

    async def poll(self, batch_id: str) -> BatchState:
        """How far it is; raises as `find` does."""
        ...

    def results(self, batch_id: str) -> AsyncIterator[Result]:
        """Every line, of the error file too, in any order, streamed; raises as `find` does, midway too."""
        ...

    async def cancel(self, batch_id: str) -> None:
        """Ask it to stop; its results so far can be read once it has; raises as `find` does."""
        ...

    async def close(self) -> None:
        """Close the connections of the running event loop; the next use opens others."""
        ...
