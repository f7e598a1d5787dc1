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
from pydantic_core import from_json

from configs.language import LanguageModels
from models.language.calls import Reason, Request, Usage
from models.language.lean_http import LeanClient
from models.language.schemas import USER, strict
from models.language.sdk import Sdk
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
_STATES: dict[str, Literal["running", "ended", "failed", "canceled", "expired"]] = {
    "completed": "ended", "failed": "failed", "expired": "expired", "cancelled": "canceled",
}  # fmt: skip
_LINE_ERRORS: dict[str, Reason] = {
    "batch_expired": "expired", "batch_cancelled": "canceled", "server_error": "overloaded",
    "rate_limit_exceeded": "overloaded",
}  # fmt: skip
_FAILED: dict[str, Reason] = {"rate_limit_exceeded": "rate", "server_error": "overloaded"}


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
        if self._api == "chat":
            chat = {
                "model": request.model,
                "messages": [{"role": "system", "content": request.system}, {"role": "user", "content": USER}],
                "max_completion_tokens": request.max_tokens,
                "response_format": {"type": "json_schema", "json_schema": shape},
            }
            return chat | ({"reasoning_effort": request.effort} if request.effort else {})
        body = {
            "model": request.model,
            "instructions": request.system,
            "input": USER,
            "max_output_tokens": request.max_tokens,
            "store": False,
            # Requests with the same beginning go to the same cache.
            "prompt_cache_key": hashlib.sha256((request.model + request.system).encode()).hexdigest()[:32],
            "text": {"format": {"type": "json_schema", **shape}},
        }
        return body | ({"reasoning": {"effort": request.effort}} if request.effort else {})

    def _usage(self, answer: Mapping[str, Any]) -> Usage:
        usage = answer["usage"]
        if usage is None and answer.get("status") == "failed":
            return Usage()
        if self._api == "chat":
            names = ("prompt_tokens", "prompt_tokens_details", "completion_tokens", "completion_tokens_details")
        else:
            names = ("input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details")
        total, inner, output, outer = (usage.get(name) for name in names)
        inner, outer = inner or {}, outer or {}
        cached, write = inner.get("cached_tokens") or 0, inner.get("cache_write_tokens") or 0
        # OpenAI's input includes what was read from and written to the cache.
        return Usage(
            max(0, int(total) - cached - write), cached, write, int(output), outer.get("reasoning_tokens") or 0
        )

    def _said(self, answer: Mapping[str, Any]) -> str | tuple[Reason, str]:
        if self._api == "chat":
            return _said_in_chat(answer)
        status = answer["status"]
        if status == "failed":
            error = answer.get("error") or {}
            # What was billed is not asked again, whatever the reason.
            spent = bool((answer.get("usage") or {}).get("output_tokens"))
            reason: Reason = "malformed" if spent else _FAILED.get(error.get("code") or "", "rejected")
            return reason, f"{error.get('code')}: {error.get('message')}"
        parts = [part for item in answer["output"] if item.get("type") == "message" for part in item["content"]]
        for part in parts:
            if part["type"] == "refusal":
                return "refused", part.get("refusal") or ""
        if status != "completed":
            cause = (answer.get("incomplete_details") or {}).get("reason") or status
            return ("refused" if cause == "content_filter" else "truncated"), cause
        text = "".join(part["text"] for part in parts if part["type"] == "output_text")
        return text or ("malformed", "a 200 without an answer in it")

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
        if uploaded:
            uploaded(file.id)
        body = {
            "input_file_id": file.id,
            "endpoint": f"/v1{self._path}",
            "completion_window": "24h",
            "metadata": {"nightquest": batch_key},
        }
        return str((await self._call("post", "/batches", body=body))["id"])

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
            page = await self._call("get", "/batches", options={"params": {"limit": PAGE, **after}})
            batches = page["data"]
            found += [
                batch["id"]
                for batch in batches
                if (batch.get("metadata") or {}).get("nightquest") == batch_key and batch["id"] not in known
            ]
            past = bool(batches) and batches[-1]["created_at"] < since.timestamp() - SLACK_S
            if not batches or past or not page.get("has_more"):
                return Found(tuple(reversed(found))) if found else NotThere()
            after = {"after": batches[-1]["id"]}

    async def poll(self, batch_id: str) -> BatchState:
        """How far it is; see the protocol."""
        batch = await self._call("get", f"/batches/{batch_id}")
        errors = (batch.get("errors") or {}).get("data") or []
        detail = "; ".join(f"line {error.get('line')}: {error.get('message')}" for error in errors[:5])
        return BatchState(_STATES.get(batch["status"], "running"), batch.get("request_counts") or {}, detail)

    async def results(self, batch_id: str) -> AsyncGenerator[Result, None]:
        """Every line of the output and the error file; see the protocol."""
        batch = await self._call("get", f"/batches/{batch_id}")
        for file in (batch.get("output_file_id"), batch.get("error_file_id")):
            if file:
                async with aclosing(self._lines(f"/files/{file}/content")) as lines:
                    async for line in lines:
                        yield _result(from_json(line))

    async def cancel(self, batch_id: str) -> None:
        """Ask it to stop; see the protocol."""
        await self._call("post", f"/batches/{batch_id}/cancel")


def _said_in_chat(answer: Mapping[str, Any]) -> str | tuple[Reason, str]:
    choice = answer["choices"][0]
    if choice["message"].get("refusal"):
        return "refused", choice["message"]["refusal"]
    if choice["finish_reason"] in {"length", "content_filter"}:
        return ("truncated" if choice["finish_reason"] == "length" else "refused"), choice["finish_reason"]
    return choice["message"]["content"] or ("malformed", "a 200 without an answer in it")


def _result(line: Mapping[str, Any]) -> Result:
    response, error = line.get("response"), line.get("error") or {}
    if response and response.get("status_code"):
        return Result(line["custom_id"], response["status_code"], json.dumps(response.get("body")).encode())
    reason = _LINE_ERRORS.get(error.get("code") or "", "rejected")
    return Result(line["custom_id"], 0, b"", reason, f"{error.get('code')}: {error.get('message')}")
