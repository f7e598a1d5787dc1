"""What a provider's file says, and what it means: how it is asked, what an answer is and costs, its batches or none."""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic_core import from_json

from configs.language import LanguageModels
from models.language.calls import Failed, Reason, Reply, Request, Usage, Written, most_it_costs
from models.language.providers.answers import NOTHING, UNREADABLE, Unsaid, why, without_keys
from models.language.rate import Kind

_FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*\Z", re.DOTALL)  # around the JSON of a model that is only told


class NotSentError(Exception):
    """No connection came about: the provider has seen nothing, so nothing was billed or begun."""


class NoAnswerError(Exception):
    """Sent, and no answer seen (a timeout, a cut connection, a 5xx to a batch): it may have been billed or begun."""


class DeclinedError(Exception):
    """The provider will not: nothing was begun."""

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


class Provider(ABC):
    """A provider with a key. `providers/<name>.py` holds one, with `name` the same.

    Args:
        key: API key.
        models: Prices, to say what an answer cost.
        timeout_s: For one live answer from end to end.
        base_url: None is the provider's own. A provider whose price list names `apis` takes the chosen `api`, too.

    Attributes:
        limit_headers: Which headers tell its limits a minute.
        home_url: Its own address.
        counts_cached: Whether its limit on tokens counts what was read from its cache.
    """

    name: ClassVar[str]
    limit_headers: ClassVar[Mapping[Kind, str]] = {
        "requests": "x-ratelimit-limit-requests", "tokens": "x-ratelimit-limit-tokens"
    }  # fmt: skip
    counts_cached: ClassVar[bool] = True
    home_url: ClassVar[str] = ""

    def __init__(
        self, key: str, models: LanguageModels, timeout_s: float = 120, *, base_url: str | None = None
    ) -> None:
        self._key, self._timeout_s, self._base_url = key, timeout_s, (base_url or self.home_url).rstrip("/")
        self._models = models.models

    @abstractmethod
    def body(self, request: Request) -> dict[str, Any]:
        """The JSON that a question is asked with."""

    @abstractmethod
    def usage(self, answer: Any) -> Usage:
        """The tokens billed, from an answer's JSON; one of `UNREADABLE` when it does not say."""

    @abstractmethod
    def text(self, answer: Any) -> str | Unsaid:
        """The answer's text, or why there is none; raises as `usage`."""

    @abstractmethod
    async def send(self, request: Request) -> Sent:
        """Ask once, without retries.

        Raises:
            NotSentError: No connection.
            NoAnswerError: Sent, and no answer seen.
        """

    async def close(self) -> None:  # noqa: B027 (a provider may hold nothing open)
        """Close the connections of the running event loop; the next use opens others."""

    def read(self, request: Request, status: int, body: bytes, *, batch: bool = False, seconds: float = 0.0) -> Reply:
        """What an answer says and cost; never raises. A 200 without usage costs the most it can have cost."""
        key, model = request.key, self._models.get(request.model)
        if not 200 <= status < 300:
            return Failed(key, *why(status, body), batch=batch, seconds=seconds)
        try:
            answer = from_json(body)
            usage = self.usage(answer)
        except UNREADABLE:
            most = most_it_costs(request, model, batch=batch) if model else 0.0
            return Failed(key, "malformed", "a 200 that does not say what it cost", Usage(), most, batch, True, seconds)
        try:
            said = self.text(answer)
        except UNREADABLE:
            said = NOTHING
        cost = usage.cost_usd(model, batch=batch) if model else 0.0
        if isinstance(said, Unsaid):
            return Failed(key, said.reason, without_keys(said.detail), usage, cost, batch, True, seconds)
        fenced = None if self.is_structured(request.model) else _FENCE.match(said)
        return Written(key, fenced[1] if fenced else said, usage, cost, batch, True, seconds)

    def is_structured(self, name: str) -> bool:
        """Whether a model can be held to a schema; else it is told in words."""
        model = self._models.get(name)
        return model is None or model.structured


class BatchProvider(Provider):
    """A provider that takes batches as well.

    Attributes:
        max_requests: Of one batch, which is held in memory; providers take more.
        max_bytes: Of one batch's lines.
    """

    max_requests: int = 10_000
    max_bytes: int

    @abstractmethod
    def batch_line(self, custom_id: str, request: Request) -> bytes:
        """A request as a line of a batch, with its line feed."""

    @abstractmethod
    async def submit(self, batch_key: str, lines: Sequence[bytes]) -> str:
        """Begin a batch, without retries, and return the provider's id of it.

        Args:
            batch_key: The ledger's; it must be found again by it.
            lines: As `batch_line` gives them.

        Raises:
            NotSentError: Nothing was begun.
            DeclinedError: Nothing was begun; the provider said why.
            NoAnswerError: It may have been begun.
        """

    @abstractmethod
    async def find(self, batch_key: str, n: int, since: datetime, known: Collection[str]) -> list[str]:
        """The ids of batches of n requests begun since then with this key, but for those that are known.

        Raises:
            NotSentError, NoAnswerError, DeclinedError: The provider could not be asked, or has a batch of which it
                does not tell yet whether it is one.
        """

    @abstractmethod
    async def poll(self, batch_id: str) -> BatchState:
        """How far it is; raises as `find` does."""

    @abstractmethod
    async def results(self, batch_id: str) -> list[Result]:
        """Every line, of the error file too, in any order; raises as `find` does."""

    @abstractmethod
    async def cancel(self, batch_id: str) -> None:
        """Ask it to stop; its results so far can be read once it has; raises as `find` does."""
