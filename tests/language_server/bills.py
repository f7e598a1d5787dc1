"""The books: one entry for every answer that a provider would charge for."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.language_server.asked import Asked


@dataclass(frozen=True)
class Billed:
    """Tokens charged for one answer. `input` is what is neither read from nor written to the prompt cache."""

    input: int
    cached: int
    cache_write: int
    output: int
    reasoning: int


@dataclass(slots=True)
class Bill:
    """One entry.

    Attributes:
        n: 1 for the first.
        body: SHA-256 of the canonical body.
        question: SHA-256 of model, prompt and schema: equal live and in a batch.
        custom_id, batch: Of a batch's line, else None.
        time: Seconds since 1970.
        delivered: The connection was open when the answer was written; always true for a batch's line.
    """

    n: int
    provider: str
    model: str
    endpoint: str
    body: str
    question: str
    content_type: str
    custom_id: str | None
    batch: str | None
    input: int
    cached: int
    cache_write: int
    output: int
    reasoning: int
    time: float
    delivered: bool = False


class Bills:
    """Every entry since the start or the last reset, in order."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._bills: list[Bill] = []

    def charge(self, asked: Asked, billed: Billed, *, custom_id: str | None = None, batch: str | None = None) -> Bill:
        """Book one answer."""
        return self.book(
            asked.provider, asked.model, asked.endpoint, asked.sha, asked.question, asked.task.content_type, billed,
            custom_id=custom_id, batch=batch,
        )  # fmt: skip

    def book(
        self,
        provider: str,
        model: str,
        endpoint: str,
        body: str,
        question: str,
        content_type: str,
        billed: Billed,
        *,
        custom_id: str | None = None,
        batch: str | None = None,
    ) -> Bill:
        """Book one answer by its parts."""
        bill = Bill(
            len(self._bills) + 1, provider, model, endpoint, body, question, content_type, custom_id, batch,
            billed.input, billed.cached, billed.cache_write, billed.output, billed.reasoning,
            self._clock(), batch is not None,
        )  # fmt: skip
        self._bills.append(bill)
        return bill

    @property
    def n(self) -> int:
        """How many entries there are."""
        return len(self._bills)

    def clear(self) -> None:
        """Forget every entry."""
        self._bills.clear()

    def report(self, *, after: int = 0, entries: bool = True) -> dict[str, Any]:
        """The entries behind number `after` and counts over all of them."""
        return {
            "n": len(self._bills),
            "by_body": Counter(bill.body for bill in self._bills),
            "by_question": Counter(bill.question for bill in self._bills),
            "by_custom_id": Counter(bill.custom_id for bill in self._bills if bill.custom_id),
            "bills": self._bills[after:] if entries else [],
        }
