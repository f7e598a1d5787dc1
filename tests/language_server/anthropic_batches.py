"""Anthropic's message batches: requests inline, results as JSON lines at a URL once all has ended."""

import asyncio
import datetime as dt
import re
import time
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.language_server import anthropic_wire
from tests.language_server.answers import Answer
from tests.language_server.asked import ApiError, Asked, sha
from tests.language_server.faults import Rule
from tests.language_server.live import broken
from tests.language_server.state import State
from tests.language_server.work import Line, Work, fails

_CUSTOM_ID = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
_DAY = 24 * 3600


@dataclass
class Batch:
    """One batch as the API keeps it."""

    id: str
    created_at: float
    lines: list[Line]
    status: str = "in_progress"
    ended_at: float | None = None
    canceled_at: float | None = None
    order: list[Line] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """How many requests are where; all are `processing` until the whole batch has ended."""
        found = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        if self.status != "ended":
            return found | {"processing": len(self.lines)}
        for line in self.lines:
            found[_kind(line)] += 1
        return found

    def body(self, root: str) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "type": "message_batch",
            "processing_status": self.status,
            "request_counts": self.counts(),
            "ended_at": _rfc3339(self.ended_at),
            "created_at": _rfc3339(self.created_at),
            "expires_at": _rfc3339(self.created_at + _DAY),
            "archived_at": None,
            "cancel_initiated_at": _rfc3339(self.canceled_at),
            "results_url": f"{root}/v1/messages/batches/{self.id}/results" if self.status == "ended" else None,
        }


class AnthropicBatches:
    """Every batch, and the tasks that work on them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.batches: dict[str, Batch] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def clear(self) -> None:
        """Stop all work and forget every batch."""
        for task in self._tasks:
            task.cancel()
        self.batches.clear()

    @property
    def at_work(self) -> int:
        """Batches that have not ended."""
        return len(self._tasks)

    async def create(self, raw: bytes, rules: list[Rule]) -> dict[str, Any]:
        """POST /v1/messages/batches.

        Raises:
            ApiError: 400 or 413.
        """
        most = self._state.options.batch_bytes["anthropic"]
        if len(raw) > most:
            raise ApiError(413, "request_too_large", f"Request exceeds the maximum size of {most} bytes")
        lines = await self._read(raw, failing=fails(rules))
        batch = Batch(f"msgbatch_{self._state.number()}", time.time(), lines)
        self.batches[batch.id] = batch
        task = asyncio.create_task(self._run(batch, rules))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return batch.body(self._state.root)

    async def _read(self, raw: bytes, *, failing: str) -> list[Line]:
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise _bad("The request body is not valid JSON.") from None
        requests = body.get("requests") if isinstance(body, dict) else None
        if not isinstance(requests, list):
            raise _bad("requests: Field required")
        if extra := body.keys() - {"requests"}:
            raise _bad(f"{min(extra)}: Extra inputs are not permitted")
        most = self._state.options.batch_requests["anthropic"]
        if not requests:
            raise _bad("requests: List should have at least 1 item after validation, not 0")
        if len(requests) > most:
            raise _bad(f"requests: List should have at most {most} items after validation, not {len(requests)}")
        seen: set[str] = set()
        lines = []
        for i, request in enumerate(requests):
            if i % 50 == 0:
                await asyncio.sleep(0)
            lines.append(self._line(i, request, seen, failing=failing))
        return lines

    def _line(self, i: int, request: Any, seen: set[str], *, failing: str) -> Line:
        """One request: its ids are checked at once, its parameters only when its turn comes, as the API says."""
        for name in ("custom_id", "params"):
            if not isinstance(request, dict) or name not in request:
                raise _bad(f"requests.{i}.{name}: Field required")
        custom_id = request["custom_id"]
        if not isinstance(custom_id, str) or not _CUSTOM_ID.match(custom_id):
            raise _bad(f"requests.{i}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'")
        if custom_id in seen:
            raise _bad(f"requests.{i}.custom_id: '{custom_id}' is used more than once in the batch")
        seen.add(custom_id)
        try:
            if failing:
                raise _bad(failing)
            return Line(
                custom_id, anthropic_wire.read(anthropic_wire.PATH, request["params"], self._state.options.models)
            )
        except ApiError as error:
            return Line(custom_id, error)

    async def _run(self, batch: Batch, rules: list[Rule]) -> None:
        work = Work(self._state, "anthropic", batch.id, batch.lines, rules, lambda: batch.status == "canceling")
        await work.do(work.seconds)
        batch.order = work.order()
        batch.ended_at, batch.status = time.time(), "ended"

    def find(self, ident: str) -> Batch:
        """A batch by its id.

        Raises:
            ApiError: 404.
        """
        if ident not in self.batches:
            raise ApiError(404, "not_found_error", f"Message batch {ident} was not found.")
        return self.batches[ident]

    def listed(self, query: dict[str, str]) -> dict[str, Any]:
        """GET /v1/messages/batches, newest first; `after_id` goes to older ones, `before_id` to newer ones.

        Raises:
            ApiError: 400 or 404.
        """
        limit = int(query.get("limit", "20"))
        if not 1 <= limit <= 1000:
            raise _bad("limit: Input should be between 1 and 1000")
        found = list(reversed(self.batches.values()))
        if after := query.get("after_id"):
            found = found[found.index(self.find(after)) + 1 :]
        elif before := query.get("before_id"):
            found = found[: found.index(self.find(before))]
            page, more = found[-limit:], len(found) > limit
            return self._page(page, more=more)
        return self._page(found[:limit], more=len(found) > limit)

    def _page(self, page: list[Batch], *, more: bool) -> dict[str, Any]:
        return {
            "data": [batch.body(self._state.root) for batch in page],
            "has_more": more,
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        }

    def cancel(self, ident: str) -> dict[str, Any]:
        """POST /v1/messages/batches/{id}/cancel; of a batch that has ended nothing changes.

        Raises:
            ApiError: 404.
        """
        batch = self.find(ident)
        if batch.status == "in_progress":
            batch.status, batch.canceled_at = "canceling", time.time()
        return batch.body(self._state.root)

    def delete(self, ident: str) -> dict[str, Any]:
        """DELETE /v1/messages/batches/{id}.

        Raises:
            ApiError: 404, or 400 while it is at work.
        """
        if self.find(ident).status != "ended":
            raise _bad("Batches that are still processing cannot be deleted; cancel it first.")
        del self.batches[ident]
        return {"id": ident, "type": "message_batch_deleted"}

    def results(self, ident: str) -> bytes:
        """The JSON lines of an ended batch.

        Raises:
            ApiError: 404, also while it is at work.
        """
        batch = self.find(ident)
        if batch.status != "ended":
            raise ApiError(404, "not_found_error", f"Batch {ident} has no available results.")
        return b"".join(self._result(line) + b"\n" for line in batch.order)

    def _result(self, line: Line) -> bytes:
        result: dict[str, Any] = {"type": _kind(line)}
        if isinstance(line.result, Answer) and isinstance(line.asked, Asked):
            message = anthropic_wire.answer_json(line.asked, line.result, sha(line.custom_id.encode())[:24], batch=True)
            rule = line.trouble.rule
            if line.trouble.what == "malformed" and rule and rule.kind != "text":
                message = {"content": broken(orjson.dumps(message), rule.kind).decode(errors="ignore")}
            result["message"] = message
        elif isinstance(line.result, ApiError):
            result["error"] = anthropic_wire.error_body(line.result, f"req_{sha(line.custom_id.encode())[:24]}")
        return orjson.dumps({"custom_id": line.custom_id, "result": result})


def _kind(line: Line) -> str:
    if isinstance(line.result, Answer):
        return "succeeded"
    return "errored" if isinstance(line.result, ApiError) else line.result or "canceled"


def _rfc3339(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat().replace("+00:00", "Z")


def _bad(message: str) -> ApiError:
    return ApiError(400, "invalid_request_error", message)
