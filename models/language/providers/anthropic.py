"""Anthropic: the messages API live, and message batches, by the official SDK."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

import anthropic

from models.language.calls import Request, Usage
from models.language.providers import answers
from models.language.providers.answers import Count, Shape, Unsaid, at, count, tokens
from models.language.providers.provider import BatchState, NoAnswerError, Result
from models.language.providers.sdk import ListedBatch, SdkProvider

_EFFORTS = {"none": "low", "minimal": "low"}  # it has no less than low
_STATUS_OF = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500,
    "timeout_error": 504, "overloaded_error": 529,
}  # fmt: skip


class _Counts(Shape):
    processing: Count = 0
    succeeded: Count = 0
    errored: Count = 0
    canceled: Count = 0
    expired: Count = 0


class Batch(ListedBatch):
    """A batch; its results can be read once it has ended."""

    processing_status: str = ""
    request_counts: _Counts = _Counts()
    archived_at: Any = None

    def state(self) -> BatchState:
        """How far it is."""
        counts = self.request_counts
        failed = counts.errored + counts.expired + counts.canceled
        total = counts.processing + counts.succeeded + failed
        done = {"completed": counts.succeeded, "failed": failed, "total": total}
        return BatchState("ended" if self.processing_status == "ended" else "running", done)


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
    batches, batch_shape, after_name = "/v1/messages/batches", Batch, "after_id"
    sdk, sdk_client, sdk_error = anthropic, anthropic.AsyncAnthropic, anthropic.AnthropicError
    sdk_options = {"open_telemetry": False}  # noqa: RUF012  as the base types it

    def body(self, request: Request) -> dict[str, Any]:
        """See the base."""
        held = self.is_structured(request.model)
        system = request.system if held else answers.told_in_words(request)
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
            return Unsaid("refused", answers.told((answer.get("stop_details") or {}).get("explanation")))
        if ended in ("max_tokens", "model_context_window_exceeded", "pause_turn"):
            return Unsaid("truncated", ended)
        return answers.joined(answer.get("content"))

    def batch_line(self, custom_id: str, request: Request) -> bytes:
        """See the base."""
        asked = {"custom_id": custom_id, "params": self.body(request)}
        return json.dumps(asked, separators=(",", ":")).encode() + b"\n"

    async def submit(self, batch_key: str, lines: Sequence[bytes]) -> str:  # noqa: ARG002
        """Begin a batch of the lines, whose custom ids carry the key; see the base."""
        content = b'{"requests":[' + b",".join(line.rstrip() for line in lines) + b"]}"
        return await self.begin(content=content)

    async def find(self, batch_key: str, n: int, since: datetime, known: Collection[str]) -> list[str]:
        """Look through batches of this size begun since then; an ended one shows its custom ids. See the base."""
        batches = await self.batches_since(since)
        alike = [
            one for one in batches if one.state().counts["total"] == n and one.id not in known and not one.archived_at
        ]
        ended = [one.id for one in alike if one.processing_status == "ended"]
        found = [id_ for id_ in ended if await self._carries(id_, batch_key)]
        if not found and len(ended) < len(alike):
            raise NoAnswerError(f"not ended: {', '.join(one.id for one in alike if one.id not in ended)}")
        return found

    async def _carries(self, batch_id: str, batch_key: str) -> bool:
        return any(result.custom_id.startswith(batch_key[:22]) for result in await self.results(batch_id))

    async def results(self, batch_id: str) -> list[Result]:
        """See the base."""
        # Not by its results_url, which may name another host than the one the key is for.
        return await self.read_lines(f"{self.batches}/{batch_id}/results", read_result)


class _Line(Shape):
    custom_id: answers.Id
    type: Literal["succeeded", "errored", "canceled", "expired"] | None = at("result", "type")
    message: Any = at("result", "message")
    error: dict[str, Any] | None = at("result", "error")


def read_result(line: bytes) -> Result:
    """One line of a batch's results; ValueError when it is not one."""
    read = _Line.model_validate_json(line)
    if read.type == "succeeded":
        return Result(read.custom_id, 200, json.dumps(read.message).encode())
    if read.type == "errored":
        error = read.error or {}
        inner = error.get("error")
        code = (inner if isinstance(inner, dict) else error).get("type")
        return Result(read.custom_id, _STATUS_OF.get(answers.told(code), 500), json.dumps(error).encode())
    if read.type is None:
        raise ValueError("a line without a result")
    return Result(read.custom_id, 0, b"", "expired" if read.type == "expired" else "canceled", read.type)
