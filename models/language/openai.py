"""OpenAI, or any server that speaks its protocol: the responses API live, files and batches, by the official SDK."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import openai

from configs.language import LanguageModels
from models.language.calls import Request, Usage
from models.language.lean_http import LeanClient
from models.language.openai_shapes import Batch, Chat, ChatUsage, Page, Response, ResponseUsage, read_result
from models.language.schemas import USER, strict, told_in_words
from models.language.sdk import Sdk, onward, readable
from models.language.shapes import Begun, Unsaid
from models.language.vendor import (
    BatchState,
    Found,
    NoAnswerError,
    NotSentError,
    NotThere,
    Result,
    Unsure,
)

BASE_URL = "https://api.openai.com/v1"
Api = Literal["responses", "chat"]
SLACK_S = 300  # between our clock and the provider's, when batches are looked for
PAGE = 100


class _Http(LeanClient, openai.DefaultAioHttpClient):
    """Over aiohttp."""


class OpenAI(Sdk):
    """OpenAI.

    Args:
        key: API key.
        models: Prices.
        timeout_s: For one live answer.
        base_url: Of a compatible server; None is OpenAI's own.
        api: `chat` for servers that know chat completions only.
    """

    name: Literal["openai"] = "openai"
    max_requests = 50_000
    max_bytes = 200_000_000
    status_error = openai.APIStatusError
    sdk_error = openai.OpenAIError

    def __init__(
        self,
        key: str,
        models: LanguageModels,
        timeout_s: float = 120,
        *,
        base_url: str | None = None,
        api: Api = "responses",
    ) -> None:
        super().__init__(models, timeout_s)
        self._key = key
        self._base_url = (base_url or BASE_URL).rstrip("/")
        self._api = api
        self._path = "/responses" if api == "responses" else "/chat/completions"
        self.url = self._base_url + self._path

    def _connect(self) -> openai.AsyncOpenAI:
        # Redirects would carry the question, and the key, to wherever a server points.
        http = _Http(timeout=self._timeout, follow_redirects=False)
        return openai.AsyncOpenAI(
            api_key=self._key,
            base_url=self._base_url,
            timeout=self._timeout,
            max_retries=0,
            http_client=http,
        )

    def _frame(self, request: Request) -> dict[str, Any]:
        shape = {"name": request.schema_name, "schema": strict(request.schema), "strict": True}
        held = self._is_structured(request.model)
        system = request.system if held else told_in_words(request)
        if self._api == "chat":
            chat = {
                "model": request.model,
                "messages": [{"role": "system", "content": system}, {"role": "user", "content": USER}],
                "max_completion_tokens": request.max_tokens,
            }
            chat |= {"response_format": {"type": "json_schema", "json_schema": shape}} if held else {}
            return chat | ({"reasoning_effort": request.effort} if request.effort else {})
        body = {
            "model": request.model,
            "instructions": system,
            "input": USER,
            "max_output_tokens": request.max_tokens,
            "store": False,
            # Requests with the same beginning go to the same cache.
            "prompt_cache_key": hashlib.sha256((request.model + request.system).encode()).hexdigest()[:32],
        }
        body |= {"text": {"format": {"type": "json_schema", **shape}}} if held else {}
        return body | ({"reasoning": {"effort": request.effort}} if request.effort else {})

    def _usage(self, answer: Mapping[str, Any]) -> Usage:
        if answer["usage"] is None and answer.get("status") == "failed":
            return Usage()
        return (ChatUsage if self._api == "chat" else ResponseUsage).model_validate(answer["usage"]).counted()

    def _said(self, answer: Mapping[str, Any]) -> str | Unsaid:
        return (Chat if self._api == "chat" else Response).model_validate(answer).said()

    def body_line(self, custom_id: str, request: Request) -> bytes:
        """A line of a batch, with its line feed."""
        head = f'{{"custom_id":{json.dumps(custom_id)},"method":"POST","url":"/v1{self._path}","body":'
        return head.encode() + self._frames.body(request) + b"}\n"

    async def submit(self, batch_key: str, path: Path, n: int, *, uploaded: Callable[[str], None] | None = None) -> str:  # noqa: ARG002
        """Upload the file and begin a batch of it, marked with the key; see the protocol."""
        source = await asyncio.to_thread(path.open, "rb")
        try:
            # Nothing is begun by an upload: an unanswered one leaves a file without a batch.
            file = await self._guarded(self.client.files.create(file=(f"{batch_key}.jsonl", source), purpose="batch"))
        except NoAnswerError as error:
            raise NotSentError(f"upload: {error}") from None
        finally:
            source.close()
        file_id = str(getattr(file, "id", None) or "")
        if not file_id:
            raise NotSentError("upload: an answer that names no file")
        if uploaded:
            uploaded(file_id)
        body = {
            "input_file_id": file_id,
            "endpoint": f"/v1{self._path}",
            "completion_window": "24h",
            "metadata": {"nightquest": batch_key},
        }
        return Begun.model_validate(await self._call("post", "/batches", body=body)).id

    async def find(
        self,
        batch_key: str,
        n: int,  # noqa: ARG002  the metadata tells
        since: datetime,
        known: Collection[str],
    ) -> Found | NotThere | Unsure:
        """Look for the key in the metadata of every batch begun since then; see the protocol."""
        found: list[str] = []
        after: dict[str, str] = {}
        while True:
            page = Page.model_validate(
                await self._call("get", "/batches", options={"params": {"limit": PAGE, **after}})
            )
            batches = page.data
            found += [
                batch.id
                for batch in batches
                if (batch.metadata or {}).get("nightquest") == batch_key and batch.id not in known
            ]
            begun = batches[-1].created_at if batches else None
            past = begun is not None and begun < since.timestamp() - SLACK_S
            if not batches or past or not page.has_more:
                return Found(tuple(reversed(found))) if found else NotThere()
            after = onward(after, "after", batches[-1].id)

    async def poll(self, batch_id: str) -> BatchState:
        """How far it is; see the protocol."""
        return Batch.model_validate(await self._call("get", f"/batches/{batch_id}")).state()

    async def results(self, batch_id: str) -> AsyncGenerator[Result, None]:
        """Every line of the output and the error file; see the protocol."""
        batch = Batch.model_validate(await self._call("get", f"/batches/{batch_id}"))
        for file in (batch.output_file_id, batch.error_file_id):
            if file:
                async with aclosing(self._lines(f"/files/{file}/content")) as lines:
                    async for line in lines:
                        yield readable(line, read_result)

    async def cancel(self, batch_id: str) -> None:
        """Ask it to stop; see the protocol."""
        await self._call("post", f"/batches/{batch_id}/cancel")
