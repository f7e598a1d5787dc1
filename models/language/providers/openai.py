"""OpenAI, or any server that speaks its protocol: the responses API live, files and batches, by the official SDK."""

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

import openai
from pydantic import Field

from models.language.calls import Reason, Request, Usage
from models.language.providers import answers
from models.language.providers.answers import NOTHING, Content, Count, Shape, Unsaid, at
from models.language.providers.provider import BatchState, NoAnswerError, NotSentError, Result
from models.language.providers.sdk import Begun, ListedBatch, SdkProvider

_STATES: dict[str, Literal["running", "ended", "failed", "canceled", "expired"]] = {
    "completed": "ended", "failed": "failed", "expired": "expired", "cancelled": "canceled",
}  # fmt: skip
_LINE_ERRORS: dict[str, Reason] = {
    "batch_expired": "expired", "batch_cancelled": "canceled", "server_error": "overloaded",
    "rate_limit_exceeded": "overloaded",
}  # fmt: skip
_FAILED: dict[str, Reason] = {"rate_limit_exceeded": "rate", "server_error": "overloaded"}


class Batch(ListedBatch):
    """A batch, its results named by the files that hold them."""

    status: str = ""
    metadata: dict[str, Any] | None = None
    completed: Count = at("request_counts", "completed", default=0)
    failed: Count = at("request_counts", "failed", default=0)
    total: Count = at("request_counts", "total", default=0)
    errors: list[dict[str, Any]] | None = at("errors", "data")
    output_file_id: str | None = None
    error_file_id: str | None = None

    def state(self) -> BatchState:
        """How far it is."""
        detail = "; ".join(f"line {error.get('line')}: {error.get('message')}" for error in (self.errors or [])[:5])
        counts = {"completed": self.completed, "failed": self.failed, "total": self.total}
        return BatchState(_STATES.get(self.status, "running"), counts, detail)


class OpenAI(SdkProvider):
    """OpenAI; see the base. With `api="chat"` for servers that know chat completions only."""

    name = "openai"
    max_bytes = 200_000_000
    home_url = "https://api.openai.com/v1"
    batches, batch_shape, after_name = "/batches", Batch, "after"
    sdk, sdk_client, sdk_error = openai, openai.AsyncOpenAI, openai.OpenAIError

    def __init__(self, *given: Any, api: str = "responses", **named: Any) -> None:
        super().__init__(*given, **named)
        self._api = api
        self.path = "/responses" if api == "responses" else "/chat/completions"

    def body(self, request: Request) -> dict[str, Any]:
        """See the base."""
        shape = {"name": request.schema_name, "schema": request.schema, "strict": True}
        held = self.is_structured(request.model)
        system = request.system if held else answers.told_in_words(request)
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
        """See the base."""
        if answer["usage"] is None and answer.get("status") == "failed":
            return Usage()
        return (_ChatUsage if self._api == "chat" else _Usage).model_validate(answer["usage"]).counted()

    def text(self, answer: Any) -> str | Unsaid:
        """See the base."""
        return (_Chat if self._api == "chat" else _Response).model_validate(answer).said()

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
            uploaded = Begun.model_validate_json(made).id
        except (NoAnswerError, ValueError) as error:
            raise NotSentError(f"upload: {error}") from None
        body = {"input_file_id": uploaded, "endpoint": f"/v1{self.path}", "completion_window": "24h"}
        return await self.begin(body=body | {"metadata": {"nightquest": batch_key}})

    async def find(self, batch_key: str, n: int, since: datetime, known: Collection[str]) -> list[str]:  # noqa: ARG002
        """Look for the key in the metadata of every batch begun since then; see the base."""
        marked = [
            batch.id
            for batch in await self.batches_since(since)
            if (batch.metadata or {}).get("nightquest") == batch_key
        ]
        return [id_ for id_ in marked if id_ not in known]

    async def results(self, batch_id: str) -> list[Result]:
        """Every line of the output and the error file; see the base."""
        batch, found = await self.batch(batch_id), list[Result]()
        for file in filter(None, (batch.output_file_id, batch.error_file_id)):
            found += await self.read_lines(f"/files/{file}/content", read_result)
        return found


class _Usage(Shape):
    """Tokens as OpenAI counts them: its input includes what was read from and written to the cache."""

    total: answers.Tokens = Field(alias="input_tokens")
    output: answers.Tokens = Field(alias="output_tokens")
    cached: Count = at("input_tokens_details", "cached_tokens", default=0)
    written: Count = at("input_tokens_details", "cache_write_tokens", default=0)
    reasoning: Count = at("output_tokens_details", "reasoning_tokens", default=0)

    def counted(self) -> Usage:
        """No token in two kinds."""
        fresh = max(0, self.total - self.cached - self.written)
        return Usage(fresh, self.cached, self.written, self.output, self.reasoning)


class _ChatUsage(_Usage):
    total: answers.Tokens = Field(alias="prompt_tokens")
    output: answers.Tokens = Field(alias="completion_tokens")
    cached: Count = at("prompt_tokens_details", "cached_tokens", default=0)
    written: Count = at("prompt_tokens_details", "cache_write_tokens", default=0)
    reasoning: Count = at("completion_tokens_details", "reasoning_tokens", default=0)


class _Chat(Shape):
    content: Content = at("choices", 0, "message", "content")
    refusal: Any = at("choices", 0, "message", "refusal")
    finish_reason: str | None = at("choices", 0, "finish_reason")

    def said(self) -> str | Unsaid:
        """Its text, or why there is none."""
        if self.refusal:
            return Unsaid("refused", answers.told(self.refusal))
        if self.finish_reason in {"length", "content_filter"}:
            return Unsaid("truncated" if self.finish_reason == "length" else "refused", self.finish_reason)
        return answers.joined(self.content)


class _Item(Shape):
    type: str = ""
    content: Content = None


class _Response(Shape):
    status: str
    output: list[_Item] = Field(default_factory=list)
    error: answers.Error | None = None
    cause: str | None = at("incomplete_details", "reason")
    spent: Count = at("usage", "output_tokens", default=0)

    def said(self) -> str | Unsaid:
        """Its text, or why there is none."""
        if self.status == "failed":
            # What was billed is not asked again, whatever the reason.
            error = self.error or answers.Error()
            return Unsaid("malformed" if self.spent else _FAILED.get(answers.told(error.code), "rejected"), str(error))
        messages = [answers.joined(item.content) for item in self.output if item.type == "message"]
        for message in messages:
            if isinstance(message, Unsaid) and message.reason == "refused":
                return message
        if self.status != "completed":
            cause = self.cause or self.status
            return Unsaid("refused" if cause == "content_filter" else "truncated", cause)
        return "".join(message for message in messages if isinstance(message, str)) or NOTHING


class _Line(Shape):
    custom_id: answers.Id
    status: int | None = at("response", "status_code")
    body: Any = at("response", "body")
    error: answers.Error | None = None


def read_result(line: bytes) -> Result:
    """One line of a batch's output or error file; ValueError when it is not one."""
    read = _Line.model_validate_json(line)
    if read.status:
        return Result(read.custom_id, read.status, json.dumps(read.body).encode())
    error = read.error or answers.Error()
    return Result(read.custom_id, 0, b"", _LINE_ERRORS.get(answers.told(error.code), "rejected"), str(error))
