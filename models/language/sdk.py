"""What both official SDKs share: a client for each event loop, one raw request at a time, what its failure means."""

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, Literal, TypeVar

import aiohttp
import httpx2
from pydantic_core import from_json

from configs.language import LanguageModels
from configs.language import Vendor as VendorName
from models.language.calls import Failed, Reason, Reply, Request, Usage, Written, most_it_costs
from models.language.schemas import Frames
from models.language.shapes import NOTHING, Unsaid
from models.language.vendor import DeclinedError, NoAnswerError, NotSentError, Result, Sent

Made = TypeVar("Made")
CONNECT_S = 10
LONGEST_DETAIL = 300
# No connection came about. aiohttp's transport calls a cut after sending a ConnectError too, so its own errors decide.
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError,
             aiohttp.InvalidURL, httpx2.UnsupportedProtocol, httpx2.ProxyError)  # fmt: skip
_NOT_SENT_WITHOUT_AIOHTTP = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_KEY = re.compile(r"\bsk-[\w*.-]+")
_QUOTA = re.compile(r"insufficient_quota|billing_hard_limit|credit balance|exceeded your current quota", re.IGNORECASE)
_MODEL = re.compile(r"model_not_found|model .*(does not exist|not found|not supported)", re.IGNORECASE | re.DOTALL)
_NAMED = re.compile(rb'"custom_id"\s*:\s*"([0-9A-Za-z_.:-]+)"')
_FENCE = re.compile(r"\s*```(?:json)?\s*(.*?)\s*```\s*\Z", re.DOTALL)  # around the JSON of a model that is only told
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, OverflowError)
_BY_STATUS: dict[int, Reason] = {
    401: "key", 402: "quota", 403: "key", 404: "model", 408: "overloaded", 409: "overloaded", 425: "overloaded",
    429: "rate",
}  # fmt: skip


def without_keys(text: str) -> str:
    """A provider's message, cut and without anything that looks like a key, masked or not."""
    return _KEY.sub("sk-...", text)[:LONGEST_DETAIL]


def why(status: int, body: bytes) -> tuple[Reason, str]:
    """What an error status means, and the provider's words for it."""
    text = body[:4000].decode("utf-8", "replace")
    try:
        error = from_json(body)["error"]
        message = f"{error.get('code') or error.get('type') or ''}: {error.get('message') or ''}"
    except (ValueError, LookupError, TypeError, AttributeError):
        message = text
    reason: Reason = _BY_STATUS.get(status, "overloaded" if status >= 500 else "rejected")
    if 400 <= status < 500 and _QUOTA.search(text):
        reason = "quota"
    elif status == 400 and _MODEL.search(message):
        reason = "model"
    return reason, without_keys(f"{status} {message}")


def sent_or_not(error: BaseException) -> NotSentError | NoAnswerError:
    """Whether the provider may have seen a request that ended in this error."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(chain) < 10:
        chain.append(link)
        link = link.__cause__
    last = chain[-1]
    detail = without_keys(f"{type(last).__name__} {last}".strip())
    by_aiohttp = any(isinstance(one, aiohttp.ClientError) for one in chain)
    unsent = _NOT_SENT if by_aiohttp else _NOT_SENT + _NOT_SENT_WITHOUT_AIOHTTP
    return NotSentError(detail) if any(isinstance(one, unsent) for one in chain) else NoAnswerError(detail)


def readable(line: bytes, read: Callable[[bytes], Result]) -> Result:
    """A line of a batch's results; one that cannot be read is an unreadable answer to the question that it names."""
    try:
        return read(line)
    except ValueError:
        named = _NAMED.search(line)
        return Result(named[1].decode() if named else "", 200, line)


def onward(after: Mapping[str, str], name: str, last: str) -> dict[str, str]:
    """Where the next page of a list begins.

    Raises:
        ValueError: Where this one began: the list would never end.
    """
    if after.get(name) == last:
        raise ValueError(f"the page after {last} is the same page again")
    return {name: last}


class Sdk(ABC):
    """One provider through its official SDK.

    Args:
        models: Prices, to say what an answer cost.
        timeout_s: For one live answer from end to end, and for every pause within a file.
    """

    name: VendorName
    url: str  # of live asks
    status_error: type[Exception]
    sdk_error: type[Exception]  # every other error of the SDK's own

    def __init__(self, models: LanguageModels, timeout_s: float) -> None:
        self._models = models
        self._timeout_s = timeout_s
        self._timeout = httpx2.Timeout(timeout_s, connect=CONNECT_S, pool=CONNECT_S)
        # Said outright, since the SDK copies the default of every option left unsaid, deeply, for each request.
        self._options = {
            "headers": {},
            "params": {},
            "max_retries": 0,
            "timeout": self._timeout,
            "idempotency_key": "-",
        }
        self._frames = Frames(self._frame)
        self._open: tuple[asyncio.AbstractEventLoop, Any] | None = None

    @abstractmethod
    def _connect(self) -> Any:
        """A new asynchronous SDK client without retries."""

    @abstractmethod
    def _frame(self, request: Request) -> dict[str, Any]:
        """The body of a live ask, with `schemas.USER` where the user part stands."""

    @abstractmethod
    def _usage(self, answer: Mapping[str, Any]) -> Usage:
        """The tokens billed; raises LookupError, TypeError or ValueError when it does not say."""

    @abstractmethod
    def _said(self, answer: Mapping[str, Any]) -> str | Unsaid:
        """The answer's text, or why there is none; raises as `_usage`."""

    def _is_structured(self, name: str) -> bool:
        """Whether a model can be held to a schema."""
        model = self._models.models.get(name)
        return model is None or model.structured

    @property
    def client(self) -> Any:
        """The SDK's client of the running event loop: connections belong to one."""
        loop = asyncio.get_running_loop()
        if self._open is None or self._open[0] is not loop:
            self._open = (loop, self._connect())
        return self._open[1]

    async def close(self) -> None:
        """Close the connections of the running loop; the next use opens others."""
        if self._open is not None and self._open[0] is asyncio.get_running_loop():
            _, client = self._open
            self._open = None
            await client.close()

    async def send(self, request: Request) -> Sent:
        """Ask once, without retries.

        Raises:
            NotSentError: No connection.
            NoAnswerError: Sent, and no answer seen.
        """
        started = time.monotonic()
        content = self._frames.body(request)
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self.client.post(
                    self.url, content=content, cast_to=httpx2.Response, options=self._options
                )
        except self.status_error as error:
            response = error.response  # type: ignore[attr-defined]
        except (self.sdk_error, aiohttp.ClientError, OSError, httpx2.HTTPError) as error:
            raise sent_or_not(error) from None
        return Sent(response.status_code, response.headers, response.content, time.monotonic() - started)

    def read(
        self,
        request: Request,
        status: int,
        headers: Mapping[str, str],  # noqa: ARG002  the protocol's; both providers say all in the body
        body: bytes,
        *,
        batch: bool = False,
        seconds: float = 0.0,
    ) -> Reply:
        """What an answer says and cost; never raises. A 200 without usage costs the most it can have cost."""
        if not 200 <= status < 300:
            return Failed(request.key, *why(status, body), batch=batch, seconds=seconds)
        model = self._models.models.get(request.model)
        try:
            answer = from_json(body)
            usage = self._usage(answer)
        except _UNREADABLE:
            most = most_it_costs(request, model, batch=batch) if model else 0.0
            detail = "a 200 that does not say what it cost"
            return Failed(request.key, "malformed", detail, cost_usd=most, batch=batch, seconds=seconds)
        said: str | Unsaid
        try:
            said = self._said(answer)
        except _UNREADABLE:
            said = NOTHING
        cost = usage.cost_usd(model, batch=batch) if model else 0.0
        if isinstance(said, str):
            fenced = None if self._is_structured(request.model) else _FENCE.match(said)
            return Written(request.key, fenced[1] if fenced else said, usage, cost, batch=batch, seconds=seconds)
        return Failed(request.key, said.reason, without_keys(said.detail), usage, cost, batch=batch, seconds=seconds)

    async def _guarded(self, awaited: Awaitable[Made]) -> Made:
        """What the SDK makes, its errors told in the protocol's terms."""
        try:
            return await awaited
        except self.status_error as error:
            raise self._declined(error) from None
        except (self.sdk_error, aiohttp.ClientError, OSError, httpx2.HTTPError) as error:
            raise sent_or_not(error) from None
        except ValueError:
            raise NoAnswerError("an answer that is not JSON") from None

    async def _call(self, method: Literal["get", "post"], path: str, **arguments: Any) -> Any:
        """One request that is not a live ask; its JSON.

        Raises:
            NotSentError, NoAnswerError, DeclinedError: As the protocol says of batches.
        """
        ask = getattr(self.client, method)
        response = await self._guarded(ask(path, cast_to=httpx2.Response, **arguments))
        try:
            return from_json(response.content)
        except ValueError:
            raise NoAnswerError("an answer that is not JSON") from None

    async def _lines(self, path: str) -> AsyncGenerator[bytes, None]:
        """The lines of a file as it streams in; split at line feeds only, which no JSON string holds raw."""
        # The SDK's own line iterators split at every Unicode line end, also inside a JSON string.
        rest = b""
        try:
            response = await self._guarded(self.client.get(path, cast_to=httpx2.Response, stream=True))
            try:
                async for block in response.aiter_bytes():
                    *whole, rest = (rest + block).split(b"\n")
                    for line in whole:
                        if line.strip():
                            yield line
            finally:
                await response.aclose()
        except (aiohttp.ClientError, OSError, httpx2.HTTPError) as error:
            raise sent_or_not(error) from None
        if rest.strip():
            yield rest

    def _declined(self, error: Any) -> DeclinedError | NoAnswerError:
        reason, detail = why(error.response.status_code, error.response.content)
        return NoAnswerError(detail) if error.response.status_code >= 500 else DeclinedError(reason, detail)
