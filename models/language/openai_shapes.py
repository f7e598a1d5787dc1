"""What OpenAI, and servers that speak its protocol, answer: the parts that are read, and what they mean."""

import json
from typing import Any, Literal

from pydantic import Field

from models.language.calls import Reason, Usage
from models.language.shapes import NOTHING, Content, Count, Id, Shape, Tokens, Unsaid, joined, told
from models.language.vendor import BatchState, Result

_STATES: dict[str, Literal["running", "ended", "failed", "canceled", "expired"]] = {
    "completed": "ended", "failed": "failed", "expired": "expired", "cancelled": "canceled",
}  # fmt: skip
_LINE_ERRORS: dict[str, Reason] = {
    "batch_expired": "expired", "batch_cancelled": "canceled", "server_error": "overloaded",
    "rate_limit_exceeded": "overloaded",
}  # fmt: skip
_FAILED: dict[str, Reason] = {"rate_limit_exceeded": "rate", "server_error": "overloaded"}


class _Inner(Shape):
    cached_tokens: Count = 0
    cache_write_tokens: Count = 0


class _Outer(Shape):
    reasoning_tokens: Count = 0


class _Billed(Shape):
    """Tokens as OpenAI counts them: its input includes what was read from and written to the cache."""

    total: Tokens
    inner: _Inner | None = None
    output: Tokens
    outer: _Outer | None = None

    def counted(self) -> Usage:
        """No token in two kinds."""
        inner = self.inner or _Inner()
        cached, write = inner.cached_tokens, inner.cache_write_tokens
        reasoning = self.outer.reasoning_tokens if self.outer else 0
        return Usage(max(0, self.total - cached - write), cached, write, self.output, reasoning)


class ResponseUsage(_Billed):
    """Of the responses API."""

    total: Tokens = Field(alias="input_tokens")
    inner: _Inner | None = Field(None, alias="input_tokens_details")
    output: Tokens = Field(alias="output_tokens")
    outer: _Outer | None = Field(None, alias="output_tokens_details")


class ChatUsage(_Billed):
    """Of chat completions."""

    total: Tokens = Field(alias="prompt_tokens")
    inner: _Inner | None = Field(None, alias="prompt_tokens_details")
    output: Tokens = Field(alias="completion_tokens")
    outer: _Outer | None = Field(None, alias="completion_tokens_details")


class _Message(Shape):
    content: Content = None
    refusal: Any = None


class _Choice(Shape):
    message: _Message
    finish_reason: str | None = None

    def said(self) -> str | Unsaid:
        if self.message.refusal:
            return Unsaid("refused", told(self.message.refusal))
        if self.finish_reason in {"length", "content_filter"}:
            return Unsaid("truncated" if self.finish_reason == "length" else "refused", self.finish_reason)
        return joined(self.message.content)


class Chat(Shape):
    """A chat completion."""

    choices: list[_Choice] = Field(min_length=1)

    def said(self) -> str | Unsaid:
        """Its text, or why there is none."""
        return self.choices[0].said()


class _Item(Shape):
    type: str = ""
    content: Content = None


class _Error(Shape):
    code: Any = None
    message: Any = None

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class _Cause(Shape):
    reason: str | None = None


class _Spent(Shape):
    output_tokens: Count = 0


class Response(Shape):
    """An answer of the responses API."""

    status: str
    output: list[_Item] = Field(default_factory=list)
    error: _Error | None = None
    incomplete_details: _Cause | None = None
    usage: _Spent | None = None

    def said(self) -> str | Unsaid:
        """Its text, or why there is none."""
        if self.status == "failed":
            error = self.error or _Error()
            # What was billed is not asked again, whatever the reason.
            spent = self.usage is not None and self.usage.output_tokens > 0
            return Unsaid("malformed" if spent else _FAILED.get(told(error.code), "rejected"), str(error))
        messages = [joined(item.content) for item in self.output if item.type == "message"]
        for message in messages:
            if isinstance(message, Unsaid) and message.reason == "refused":
                return message
        if self.status != "completed":
            cause = (self.incomplete_details.reason if self.incomplete_details else None) or self.status
            return Unsaid("refused" if cause == "content_filter" else "truncated", cause)
        return "".join(message for message in messages if isinstance(message, str)) or NOTHING


class _Counts(Shape):
    completed: Count = 0
    failed: Count = 0
    total: Count = 0


class _LineErrors(Shape):
    data: list[dict[str, Any]] | None = None


class Batch(Shape):
    """A batch, its results named by the files that hold them."""

    id: str = ""
    status: str = ""
    created_at: float | None = None
    metadata: dict[str, Any] | None = None
    request_counts: _Counts | None = None
    errors: _LineErrors | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None

    def state(self) -> BatchState:
        """How far it is."""
        errors = (self.errors.data if self.errors else None) or []
        detail = "; ".join(f"line {error.get('line')}: {error.get('message')}" for error in errors[:5])
        counts = self.request_counts or _Counts()
        return BatchState(_STATES.get(self.status, "running"), counts.model_dump(), detail)


class Page(Shape):
    """Some batches, the newest first."""

    data: list[Batch]
    has_more: bool = False


class _Answered(Shape):
    status_code: int = 0
    body: Any = None


class _Line(Shape):
    custom_id: Id
    response: _Answered | None = None
    error: _Error | None = None


def read_result(line: bytes) -> Result:
    """One line of a batch's output or error file.

    Raises:
        ValueError: It is not one.
    """
    read = _Line.model_validate_json(line)
    if read.response and read.response.status_code:
        return Result(read.custom_id, read.response.status_code, json.dumps(read.response.body).encode())
    error = read.error or _Error()
    return Result(read.custom_id, 0, b"", _LINE_ERRORS.get(told(error.code), "rejected"), str(error))
