"""OpenAI, or any server that speaks its protocol: the responses API live, files and batches, by the official SDK."""

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

import openai
from pydantic_core import from_json

from models.language.calls import Reason, Request, Usage
from models.language.providers.answers import (
    NOTHING,
    UNREADABLE,
    Unsaid,
    count,
    dig,
    id_of,
    joined,
    tokens,
    told,
    told_in_words,
)
from models.language.providers.provider import BatchState, NoAnswerError, NotSentError, Result
from models.language.providers.sdk import SdkProvider

_STATES: dict[str, Literal["running", "ended", "failed", "canceled", "expired"]] = {
    "completed": "ended", "failed": "failed", "expired": "expired", "cancelled": "canceled",
}  # fmt: skip
_LINE_ERRORS: dict[str, Reason] = {
    "batch_expired": "expired", "batch_cancelled": "canceled", "server_error": "overloaded",
    "rate_limit_exceeded": "overloaded",
}  # fmt: skip
_FAILED: dict[str, Reason] = {"rate_limit_exceeded": "rate", "server_error": "overloaded"}


class OpenAI(SdkProvider):
    """OpenAI; see the base. With `api="chat"` for servers that know chat completions only."""

    name = "openai"
    max_bytes = 200_000_000
    home_url = "https://api.openai.com/v1"
    batches, after_name = "/batches", "after"
    sdk, sdk_client, sdk_error = openai, openai.AsyncOpenAI, openai.OpenAIError

    def __init__(self, *given: Any, api: str = "responses", **named: Any) -> None:
        super().__init__(*given, **named)
        self._api = api
        self.path = "/responses" if api == "responses" else "/chat/completions"

    def body(self, request: Request) -> dict[str, Any]:
        """See the base."""
        shape = {"name": request.schema_name, "schema": request.schema, "strict": True}
        held = self.is_structured(request.model)
        system = request.system if held else told_in_words(request)
        if self._api == "chat":
            chat = {
                "model": request.model,
                "messages": [{"role": "system", "content": system}, {"role": "user", "content": request.user}],
                "max_completion_tokens": request.max_tokens,
            }
            chat |= {"response_format": {"type": "json_schema", "json_schema": shape}} if held else {}
            return chat | ({"reasoning_effort": request.effort} if request.effort else {})
        body = {
            "model": request.model,
            "instructions": system,
            "input": request.user,
            "max_output_tokens": request.max_tokens,
            "store": False,
            # Requests with the same beginning go to the same cache.
            "prompt_cache_key": hashlib.sha256((request.model + request.system).encode()).hexdigest()[:32],
        }
        body |= {"text": {"format": {"type": "json_schema", **shape}}} if held else {}
        return body | ({"reasoning": {"effort": request.effort}} if request.effort else {})

    def usage(self, answer: Any) -> Usage:
        """See the base. OpenAI's input includes what was read from and written to the cache."""
        told, (sent, made) = answer["usage"], ("prompt", "completion") if self._api == "chat" else ("input", "output")
        if told is None and answer.get("status") == "failed":
            return Usage()
        total, output = tokens(told[f"{sent}_tokens"]), tokens(told[f"{made}_tokens"])
        kinds = ("cached_tokens", "cache_write_tokens")
        cached, written = (count(told, f"{sent}_tokens_details", kind) for kind in kinds)
        reasoning = count(told, f"{made}_tokens_details", "reasoning_tokens")
        return Usage(max(0, total - cached - written), cached, written, output, reasoning)

    def text(self, answer: Any) -> str | Unsaid:
        """See the base."""
        return _of_chat(answer["choices"][0]) if self._api == "chat" else _of_response(answer)

    def batch_line(self, custom_id: str, request: Request) -> bytes:
        """See the base."""
        asked = {"custom_id": custom_id, "method": "POST", "url": f"/v1{self.path}", "body": self.body(request)}
        return json.dumps(asked, separators=(",", ":")).encode() + b"\n"

    async def submit(self, batch_key: str, lines: Sequence[bytes]) -> str:
        """Upload the lines and begin a batch of them, marked with the key; see the base."""
        file = ("file", (f"{batch_key}.jsonl", b"".join(lines)))
        headers = {"Content-Type": "multipart/form-data"}
        try:
            # Nothing is begun by an upload: an unanswered one leaves a file without a batch.
            made = await self.call(
                "post", "/files", body={"purpose": "batch"}, files=[file], options={"headers": headers}
            )
            uploaded = id_of(from_json(made)["id"])
        except (NoAnswerError, *UNREADABLE) as error:
            raise NotSentError(f"upload: {error}") from None
        body = {"input_file_id": uploaded, "endpoint": f"/v1{self.path}", "completion_window": "24h"}
        made = await self.call("post", self.batches, body=body | {"metadata": {"nightquest": batch_key}})
        return id_of(from_json(made)["id"])

    async def find(self, batch_key: str, n: int, since: datetime, known: Collection[str]) -> list[str]:  # noqa: ARG002
        """Look for the key in the metadata of every batch begun since then; see the base."""
        batches = await self.batches_since(since)
        marked = [batch["id"] for batch in batches if dig(batch, "metadata", "nightquest") == batch_key]
        return [id_ for id_ in marked if id_ not in known]

    def state(self, batch: Any) -> BatchState:
        """See the base."""
        counts = {name: count(batch, "request_counts", name) for name in ("completed", "failed", "total")}
        errors = (dig(batch, "errors", "data") or [])[:5]
        detail = "; ".join(f"line {dig(error, 'line')}: {dig(error, 'message')}" for error in errors)
        return BatchState(_STATES.get(batch.get("status"), "running"), counts, detail)

    async def results(self, batch_id: str) -> list[Result]:
        """Every line of the output and the error file; see the base."""
        batch, found = from_json(await self.call("get", f"/batches/{batch_id}")), list[Result]()
        for file in filter(None, (batch.get("output_file_id"), batch.get("error_file_id"))):
            found += await self.read_lines(f"/files/{file}/content", read_result)
        return found


def _of_chat(choice: Any) -> str | Unsaid:
    message, ended = choice["message"], choice.get("finish_reason")
    if message.get("refusal"):
        return Unsaid("refused", told(message["refusal"]))
    if ended in ("length", "content_filter"):
        return Unsaid("truncated" if ended == "length" else "refused", ended)
    return joined(message.get("content"))


def _of_response(answer: Any) -> str | Unsaid:
    if answer["status"] == "failed":
        # What was billed is not asked again, whatever the reason.
        code, message = dig(answer, "error", "code"), dig(answer, "error", "message")
        reason = "malformed" if count(answer, "usage", "output_tokens") else _FAILED.get(told(code), "rejected")
        return Unsaid(reason, f"{code}: {message}")
    messages = [joined(item.get("content")) for item in answer["output"] if item.get("type") == "message"]
    for message in messages:
        if isinstance(message, Unsaid) and message.reason == "refused":
            return message
    if answer["status"] != "completed":
        cause = told(dig(answer, "incomplete_details", "reason") or answer["status"])
        return Unsaid("refused" if cause == "content_filter" else "truncated", cause)
    return "".join(message for message in messages if isinstance(message, str)) or NOTHING


def read_result(line: bytes) -> Result:
    """One line of a batch's output or error file; one of UNREADABLE when it is not one."""
    read = from_json(line)
    name = id_of(read["custom_id"])
    if status := count(read, "response", "status_code"):
        return Result(name, status, json.dumps(read["response"].get("body")).encode())
    code, message = dig(read, "error", "code"), dig(read, "error", "message")
    return Result(name, 0, b"", _LINE_ERRORS.get(told(code), "rejected"), f"{code}: {message}")
