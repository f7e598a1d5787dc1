"""OpenAI, or any server that speaks its protocol: the responses API live, files and batches, by the official SDK."""

import hashlib
import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

import openai

from models.language.calls import Reason, Request, Usage
from models.language.providers import answers
from models.language.providers.answers import NOTHING, Count, Shape, Unsaid, at, count, tokens
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


def _of_chat(choice: Any) -> str | Unsaid:
    message, ended = choice["message"], choice.get("finish_reason")
    if message.get("refusal"):
        return Unsaid("refused", answers.told(message["refusal"]))
    if ended in ("length", "content_filter"):
        return Unsaid("truncated" if ended == "length" else "refused", ended)
    return answers.joined(message.get("content"))


def _of_response(answer: Any) -> str | Unsaid:
    if answer["status"] == "failed":
        # What was billed is not asked again, whatever the reason.
        error = answers.Error.model_validate(answer.get("error") or {})
        spent = count(answer, "usage", "output_tokens")
        return Unsaid("malformed" if spent else _FAILED.get(answers.told(error.code), "rejected"), str(error))
    messages = [answers.joined(item.get("content")) for item in answer["output"] if item.get("type") == "message"]
    for message in messages:
        if isinstance(message, Unsaid) and message.reason == "refused":
            return message
    if answer["status"] != "completed":
        cause = answers.told((answer.get("incomplete_details") or {}).get("reason") or answer["status"])
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
