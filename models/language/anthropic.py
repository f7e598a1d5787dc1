"""Anthropic: the messages API live, and message batches, by the official SDK."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import anthropic

from configs.language import LanguageModels
from models.language.anthropic_shapes import Batch, Message, MessageUsage, Page, read_result
from models.language.calls import Request, Usage
from models.language.lean_http import LeanClient
from models.language.schemas import USER, strict, told_in_words
from models.language.sdk import Sdk, onward, readable
from models.language.shapes import Begun, Unsaid
from models.language.vendor import BatchState, Found, NotThere, Result, Unsure

BASE_URL = "https://api.anthropic.com"
SLACK_S = 300  # between our clock and the provider's, when batches are looked for
PATH = "/v1/messages"
PAGE = 100
BLOCK = 1 << 18
_EFFORTS = {"none": "low", "minimal": "low"}  # it has no less than low


class _Http(LeanClient, anthropic.DefaultAioHttpClient):
    """Over aiohttp."""


class Anthropic(Sdk):
    """Anthropic.

    Args:
        key: API key.
        models: Prices.
        timeout_s: For one live answer.
        base_url: None is Anthropic's own.
    """

    name: Literal["anthropic"] = "anthropic"
    max_requests = 100_000
    max_bytes = 256_000_000
    status_error = anthropic.APIStatusError
    sdk_error = anthropic.AnthropicError

    def __init__(
        self, key: str, models: LanguageModels, timeout_s: float = 120, *, base_url: str | None = None
    ) -> None:
        super().__init__(models, timeout_s)
        self._key = key
        self._base_url = (base_url or BASE_URL).rstrip("/")
        self.url = self._base_url + PATH

    def _connect(self) -> anthropic.AsyncAnthropic:
        # Redirects would carry the question, and the key, to wherever a server points.
        http = _Http(timeout=self._timeout, follow_redirects=False)
        return anthropic.AsyncAnthropic(
            api_key=self._key,
            base_url=self._base_url,
            timeout=self._timeout,
            max_retries=0,
            http_client=http,
            open_telemetry=False,
        )

    def _frame(self, request: Request) -> dict[str, Any]:
        shape = {"type": "json_schema", "schema": anthropic.transform_schema(strict(request.schema))}
        effort = {"effort": _EFFORTS.get(request.effort, request.effort)} if request.effort else {}
        held = self._is_structured(request.model)
        system = request.system if held else told_in_words(request)
        output = ({"format": shape} if held else {}) | effort
        body = {
            "model": request.model,
            "max_tokens": request.max_tokens,
            # Shorter than the model's minimum it is not cached, and costs no more.
            "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": USER}],
        }
        return body | ({"output_config": output} if output else {})

    def _usage(self, answer: Mapping[str, Any]) -> Usage:
        return MessageUsage.model_validate(answer["usage"]).counted()

    def _said(self, answer: Mapping[str, Any]) -> str | Unsaid:
        return Message.model_validate(answer).said()

    def body_line(self, custom_id: str, request: Request) -> bytes:
        """A line of a batch, with its line feed."""
        return f'{{"custom_id":{json.dumps(custom_id)},"params":'.encode() + self._frames.body(request) + b"}\n"

    async def submit(self, batch_key: str, path: Path, n: int, *, uploaded: Callable[[str], None] | None = None) -> str:  # noqa: ARG002
        """Begin a batch of the file's lines, streamed; its custom ids carry the key. See the protocol."""
        head, tail = b'{"requests":[', b"]}"
        headers = {"Content-Length": str(len(head) + _size(path) + len(tail))}
        made = await self._call(
            "post", "/v1/messages/batches", content=_listed(path, head, tail), options={"headers": headers}
        )
        return Begun.model_validate(made).id

    async def find(self, batch_key: str, n: int, since: datetime, known: Collection[str]) -> Found | NotThere | Unsure:
        """Look through batches of this size begun since then; an ended one shows its custom ids. See the protocol."""
        found: list[str] = []
        unsure: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = Page.model_validate(
                await self._call("get", "/v1/messages/batches", options={"params": {"limit": PAGE, **after}})
            )
            for batch in page.data:
                if batch.request_counts.all != n or batch.id in known or batch.archived_at:
                    continue
                if batch.processing_status != "ended":
                    unsure.append(batch.id)
                elif await self._carries(batch.id, batch_key):
                    found.append(batch.id)
            begun = page.data[-1].created_at if page.data else None
            past = begun is not None and begun.timestamp() < since.timestamp() - SLACK_S
            if not page.data or past or not page.has_more:
                break
            after = onward(after, "after_id", page.data[-1].id)
        if found:
            return Found(tuple(reversed(found)))
        return Unsure(f"not ended: {', '.join(unsure)}") if unsure else NotThere()

    async def _carries(self, batch_id: str, batch_key: str) -> bool:
        async with aclosing(self.results(batch_id)) as results:
            async for result in results:
                return result.custom_id.startswith(batch_key[:22])
        return False

    async def poll(self, batch_id: str) -> BatchState:
        """How far it is; see the protocol."""
        return Batch.model_validate(await self._call("get", f"/v1/messages/batches/{batch_id}")).state()

    async def results(self, batch_id: str) -> AsyncGenerator[Result, None]:
        """Every line; see the protocol."""
        # Not by its results_url, which may name another host than the one the key is for.
        async with aclosing(self._lines(f"/v1/messages/batches/{batch_id}/results")) as lines:
            async for line in lines:
                yield readable(line, read_result)

    async def cancel(self, batch_id: str) -> None:
        """Ask it to stop; see the protocol."""
        await self._call("post", f"/v1/messages/batches/{batch_id}/cancel")


async def _listed(path: Path, head: bytes, tail: bytes) -> AsyncIterator[bytes]:
    """The lines of a file as a JSON list within a body: each line feed but the last becomes a comma."""
    left = _size(path)
    yield head
    with path.open("rb") as source:
        while left > 0:
            block = source.read(min(BLOCK, left))
            left -= len(block)
            yield block.replace(b"\n", b",")
    yield tail


def _size(path: Path) -> int:
    return path.stat().st_size - 1  # without the last line feed
