"""Anthropic: the messages API live, and message batches, by the official SDK."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import anthropic
from pydantic_core import from_json

from models.language.calls import Request, Usage
from models.language.providers.answers import Unsaid, count, dig, id_of, joined, tokens, told, told_in_words
from models.language.providers.provider import BatchState, NoAnswerError, Result
from models.language.providers.sdk import SdkProvider

_COUNTS = ("processing", "succeeded", "errored", "canceled", "expired")
_EFFORTS = {"none": "low", "minimal": "low"}  # it has no less than low
_STATUS_OF = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500,
    "timeout_error": 504, "overloaded_error": 529,
}  # fmt: skip


class Anthropic(SdkProvider):
    """Anthropic; see the base."""

    name = "anthropic"
    path = "/v1/messages"
    limit_headers = {  # noqa: RUF012  as the base types it
        "requests": "anthropic-ratelimit-requests-limit", "tokens": "anthropic-ratelimit-tokens-limit",
        "input": "anthropic-ratelimit-input-tokens-limit", "output": "anthropic-ratelimit-output-tokens-limit",
    }  # fmt: skip
    counts_cached = False
    max_bytes = 256_000_000
    home_url = "https://api.anthropic.com"
    batches, after_name = "/v1/messages/batches", "after_id"
    sdk, sdk_client, sdk_error = anthropic, anthropic.AsyncAnthropic, anthropic.AnthropicError
    sdk_options = {"open_telemetry": False}  # noqa: RUF012  as the base types it

    def body(self, request: Request) -> dict[str, Any]:
        """See the base."""
        held = self.is_structured(request.model)
        system = request.system if held else told_in_words(request)
        output: dict[str, Any] = {}
        if held:
            schema = anthropic.transform_schema(dict(request.schema))
            output["format"] = {"type": "json_schema", "schema": schema}
        if request.effort:
            output["effort"] = _EFFORTS.get(request.effort, request.effort)
        body = {
            "model": request.model,
            "max_tokens": request.max_tokens,
            # Shorter than the model's minimum it is not cached, and costs no more.
            "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": request.user}],
        }
        return body | ({"output_config": output} if output else {})

    def usage(self, answer: Any) -> Usage:
        """See the base. Anthropic's input excludes what was read from and written to the cache."""
        told = answer["usage"]
        cached, written = count(told, "cache_read_input_tokens"), count(told, "cache_creation_input_tokens")
        thought = count(told, "output_tokens_details", "thinking_tokens")
        return Usage(tokens(told["input_tokens"]), cached, written, tokens(told["output_tokens"]), thought)

    def text(self, answer: Any) -> str | Unsaid:
        """See the base."""
        ended = answer.get("stop_reason")
        if ended == "refusal":
            return Unsaid("refused", told(dig(answer, "stop_details", "explanation")))
        if ended in ("max_tokens", "model_context_window_exceeded", "pause_turn"):
            return Unsaid("truncated", ended)
        return joined(answer.get("content"))

    def batch_line(self, custom_id: str, request: Request) -> bytes:
        """See the base."""
        asked = {"custom_id": custom_id, "params": self.body(request)}
        return json.dumps(asked, separators=(",", ":")).encode() + b"\n"

    async def submit(self, batch_key: str, lines: Sequence[bytes]) -> str:  # noqa: ARG002
        """Begin a batch of the lines, whose custom ids carry the key; see the base."""
        content = b'{"requests":[' + b",".join(line.rstrip() for line in lines) + b"]}"
        return id_of(from_json(await self.call("post", self.batches, content=content))["id"])

    async def find(self, batch_key: str, n: int, since: datetime, known: Collection[str]) -> list[str]:
        """Look through batches of this size begun since then; an ended one shows its custom ids. See the base."""
        batches = await self.batches_since(since)
        fresh = [one for one in batches if one["id"] not in known and not one.get("archived_at")]
        alike = {one["id"]: self.state(one).status for one in fresh if self.state(one).counts["total"] == n}
        found = [id_ for id_, state in alike.items() if state == "ended" and await self._carries(id_, batch_key)]
        running = [id_ for id_, state in alike.items() if state == "running"]
        if running and not found:
            raise NoAnswerError(f"not ended: {', '.join(running)}")
        return found

    def state(self, batch: Any) -> BatchState:
        """See the base."""
        waiting, done, *failed = (count(batch, "request_counts", name) for name in _COUNTS)
        counts = {"completed": done, "failed": sum(failed), "total": waiting + done + sum(failed)}
        return BatchState("ended" if batch.get("processing_status") == "ended" else "running", counts)

    async def _carries(self, batch_id: str, batch_key: str) -> bool:
        return any(result.custom_id.startswith(batch_key[:22]) for result in await self.results(batch_id))

    async def results(self, batch_id: str) -> list[Result]:
        """See the base."""
        # Not by its results_url, which may name another host than the one the key is for.
        return await self.read_lines(f"{self.batches}/{batch_id}/results", read_result)


def read_result(line: bytes) -> Result:
    """One line of a batch's results; one of UNREADABLE when it is not one."""
    read = from_json(line)
    name, kind = id_of(read["custom_id"]), dig(read, "result", "type")
    if kind == "succeeded":
        return Result(name, 200, json.dumps(dig(read, "result", "message")).encode())
    if kind == "errored":
        error = dig(read, "result", "error")
        code = told(dig(error, "error", "type") or dig(error, "type"))
        return Result(name, _STATUS_OF.get(code, 500), json.dumps(error).encode())
    if kind in ("canceled", "expired"):
        return Result(name, 0, b"", kind, kind)
    raise ValueError("a line without a result")
