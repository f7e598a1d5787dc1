"""What Anthropic answers: the parts that are read, and what they mean."""

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from models.language.calls import Usage
from models.language.shapes import Content, Count, Id, Shape, Tokens, Unsaid, joined, told
from models.language.vendor import BatchState, Result

_STATUS_OF = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500,
    "timeout_error": 504, "overloaded_error": 529,
}  # fmt: skip


class _Thought(Shape):
    thinking_tokens: Count = 0


class MessageUsage(Shape):
    """Tokens as Anthropic counts them: its input excludes what was read from and written to the cache."""

    input_tokens: Tokens
    cache_read_input_tokens: Count = 0
    cache_creation_input_tokens: Count = 0
    output_tokens: Tokens
    output_tokens_details: _Thought | None = None

    def counted(self) -> Usage:
        """No token in two kinds."""
        thought = self.output_tokens_details.thinking_tokens if self.output_tokens_details else 0
        cached, written = self.cache_read_input_tokens, self.cache_creation_input_tokens
        return Usage(self.input_tokens, cached, written, self.output_tokens, thought)


class _Stop(Shape):
    explanation: Any = None


class Message(Shape):
    """An answer of the messages API."""

    stop_reason: str | None = None
    stop_details: _Stop | None = None
    content: Content = None

    def said(self) -> str | Unsaid:
        """Its text, or why there is none."""
        if self.stop_reason == "refusal":
            return Unsaid("refused", told(self.stop_details.explanation if self.stop_details else None))
        if self.stop_reason in {"max_tokens", "model_context_window_exceeded", "pause_turn"}:
            return Unsaid("truncated", self.stop_reason)
        return joined(self.content)


class _Counts(Shape):
    processing: Count = 0
    succeeded: Count = 0
    errored: Count = 0
    canceled: Count = 0
    expired: Count = 0

    @property
    def all(self) -> int:
        """How many requests the batch has."""
        return self.processing + self.succeeded + self.errored + self.canceled + self.expired


class Batch(Shape):
    """A batch; its results can be read once it has ended."""

    id: str = ""
    processing_status: str = ""
    request_counts: _Counts = _Counts()
    created_at: datetime | None = None
    archived_at: Any = None

    def state(self) -> BatchState:
        """How far it is."""
        counts = self.request_counts
        failed = counts.errored + counts.expired + counts.canceled
        done = {"completed": counts.succeeded, "failed": failed, "total": counts.all}
        return BatchState("ended" if self.processing_status == "ended" else "running", done)


class Page(Shape):
    """Some batches, the newest first."""

    data: list[Batch]
    has_more: bool = False


class _Result(Shape):
    type: Literal["succeeded", "errored", "canceled", "expired"]
    message: Any = None
    error: dict[str, Any] = Field(default_factory=dict)


class _Line(Shape):
    custom_id: Id
    result: _Result


def read_result(line: bytes) -> Result:
    """One line of a batch's results.

    Raises:
        ValueError: It is not one.
    """
    read = _Line.model_validate_json(line)
    result = read.result
    if result.type == "succeeded":
        return Result(read.custom_id, 200, json.dumps(result.message).encode())
    if result.type == "errored":
        inner = result.error.get("error")
        code = (inner if isinstance(inner, dict) else result.error).get("type")
        return Result(read.custom_id, _STATUS_OF.get(told(code), 500), json.dumps(result.error).encode())
    return Result(read.custom_id, 0, b"", "expired" if result.type == "expired" else "canceled", result.type)
