"""What providers with an official SDK share: one raw request at a time, what its failure means, lists and files."""

import asyncio
import json
import re
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

import aiohttp
import httpx2
from pydantic import TypeAdapter
from pydantic_core import from_json

from models.language.calls import Request
from models.language.providers import provider as at
from models.language.providers.answers import UNREADABLE, why, without_keys
from models.language.providers.provider import BatchProvider, BatchState, Result, Sent

CONNECT_S = 10
CLOCKS_APART_S = 300  # ours and the provider's, when batches are looked for
# No connection came about. aiohttp's transport calls a cut after sending a ConnectError too, so its own errors decide.
_NOT_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError,
             aiohttp.InvalidURL, httpx2.UnsupportedProtocol, httpx2.ProxyError)  # fmt: skip
_NOT_SENT_WITHOUT_AIOHTTP = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_NETWORK = (aiohttp.ClientError, OSError, httpx2.HTTPError)
_NAMED = re.compile(rb'"custom_id"\s*:\s*"([0-9A-Za-z_.:-]+)"')


_WHEN: TypeAdapter[datetime | None] = TypeAdapter(datetime | None)


class SdkProvider(BatchProvider):
    """A provider through its official SDK.

    Attributes:
        path: Of live asks.
        batches: Path of batches.
        after_name: Parameter that asks for the batches after one.
        sdk: The SDK.
        sdk_client: Its asynchronous client.
        sdk_error: What its errors are, but for answers that are none.
        sdk_options: What else its client is told.
    """

    path: str
    batches: str
    after_name: str
    page_size = 100
    sdk: Any
    sdk_client: type[Any]
    sdk_error: type[Exception]
    sdk_options: ClassVar[Mapping[str, Any]] = {}
    _open: tuple[asyncio.AbstractEventLoop, Any] | None = None

    @property
    def client(self) -> Any:
        """The SDK's client of the running event loop: connections belong to one."""
        loop = asyncio.get_running_loop()
        if self._open is None or self._open[0] is not loop:
            timeout = httpx2.Timeout(self._timeout_s, connect=CONNECT_S, pool=CONNECT_S)
            # Redirects would carry the question, and the key, to wherever a server points.
            http = {"timeout": timeout, "follow_redirects": False, "event_hooks": {"request": [_tell_nothing]}}
            address = {"api_key": self._key, "base_url": self._base_url, "timeout": timeout, **self.sdk_options}
            http_client = self.sdk.DefaultAioHttpClient(**http)
            self._open = (loop, self.sdk_client(**address, max_retries=0, http_client=http_client))
        return self._open[1]

    async def close(self) -> None:
        """Close the connections of the running loop; the next use opens others."""
        if self._open is not None and self._open[0] is asyncio.get_running_loop():
            (_, client), self._open = self._open, None
            await client.close()

    async def send(self, request: Request) -> Sent:
        """Ask once; see the base."""
        started = time.monotonic()
        content = json.dumps(self.body(request)).encode()
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self.client.post(self.path, content=content, cast_to=httpx2.Response)
        except self.sdk.APIStatusError as error:
            response = error.response
        except (self.sdk_error, *_NETWORK) as error:
            raise sent_or_not(error) from None
        return Sent(response.status_code, response.headers, response.content, time.monotonic() - started)

    async def call(self, method: Literal["get", "post"], path: str, **arguments: Any) -> bytes:
        """One request that is not a live ask; the body of its answer.

        Raises:
            NotSentError, NoAnswerError, DeclinedError: As the base says of batches.
        """
        try:
            response = await getattr(self.client, method)(path, cast_to=httpx2.Response, **arguments)
        except self.sdk.APIStatusError as error:
            response = error.response
            reason, detail = why(response.status_code, response.content)
            raise (
                at.NoAnswerError(detail) if response.status_code >= 500 else at.DeclinedError(reason, detail)
            ) from None
        except (self.sdk_error, *_NETWORK) as error:
            raise sent_or_not(error) from None
        content: bytes = response.content
        return content

    @abstractmethod
    def state(self, batch: Any) -> BatchState:
        """How far a batch is, from its JSON; raises as `usage`."""

    async def poll(self, batch_id: str) -> BatchState:
        """See the base."""
        return self.state(from_json(await self.call("get", f"{self.batches}/{batch_id}")))

    async def cancel(self, batch_id: str) -> None:
        """See the base."""
        await self.call("post", f"{self.batches}/{batch_id}/cancel")

    async def batches_since(self, since: datetime) -> list[Any]:
        """The batches begun since then, the earliest first, and some before; raises as `call`, or one of UNREADABLE."""
        found: list[Any] = []
        after: dict[str, str] = {}
        while True:
            asked = {"params": {"limit": self.page_size, **after}}
            page = from_json(await self.call("get", self.batches, options=asked))
            found += page["data"]
            begun = _WHEN.validate_python(found[-1].get("created_at")) if page["data"] else None
            past = begun is not None and begun.timestamp() < since.timestamp() - CLOCKS_APART_S
            if not page["data"] or past or not page.get("has_more"):
                return found[::-1]
            if after.get(self.after_name) == found[-1]["id"]:
                raise ValueError("the next page of batches is the same page again: the list would never end")
            after = {self.after_name: found[-1]["id"]}

    async def read_lines(self, path: str, read: Callable[[bytes], Result]) -> list[Result]:
        """A file of results; split at line feeds only, which no JSON string holds raw."""
        return [readable(line, read) for line in (await self.call("get", path)).split(b"\n") if line.strip()]


async def _tell_nothing(request: httpx2.Request) -> None:
    """An SDK tells the provider with every request what machine this is."""
    for name in [name for name in request.headers if name.startswith("x-stainless-")]:
        del request.headers[name]


def sent_or_not(error: BaseException) -> at.NotSentError | at.NoAnswerError:
    """Whether the provider may have seen a request that ended in this error."""
    chain = [error]
    while chain[-1].__cause__ is not None and len(chain) < 10:
        chain.append(chain[-1].__cause__)
    detail = without_keys(f"{type(chain[-1]).__name__} {chain[-1]}".strip())
    by_aiohttp = any(isinstance(one, aiohttp.ClientError) for one in chain)
    unsent = _NOT_SENT if by_aiohttp else _NOT_SENT + _NOT_SENT_WITHOUT_AIOHTTP
    return at.NotSentError(detail) if any(isinstance(one, unsent) for one in chain) else at.NoAnswerError(detail)


def readable(line: bytes, read: Callable[[bytes], Result]) -> Result:
    """A line of a batch's results; one that cannot be read is an unreadable answer to the question that it names."""
    try:
        return read(line)
    except UNREADABLE:
        named = _NAMED.search(line)
        return Result(named[1].decode() if named else "", 200, line)
