"""OpenAI's batches: a file of lines in, a file of answers and a file of errors out."""

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.language_server import openai_wire
from tests.language_server.answers import Answer
from tests.language_server.asked import ApiError, Asked
from tests.language_server.faults import Rule
from tests.language_server.openai_files import Files
from tests.language_server.openai_lines import bad, check_create, error, form_fault, result_line
from tests.language_server.state import State
from tests.language_server.work import Line, Work, fails, wait

_TIMES = ("in_progress", "expires", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
_ENDED = frozenset({"failed", "completed", "expired", "cancelled"})
_DAY = 24 * 3600


@dataclass
class Batch:
    """One batch as the API keeps it."""

    id: str
    endpoint: str
    input_file_id: str
    metadata: dict[str, str] | None
    created_at: int
    status: str = "validating"
    times: dict[str, int] = field(default_factory=dict)
    errors: list[dict[str, Any]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    output_file_id: str | None = None
    error_file_id: str | None = None
    total: int = 0
    cancel: bool = False
    _shown: dict[str, Any] | None = None

    def enter(self, status: str) -> None:
        """Go over to a status, and note the time."""
        self.status = status
        self.times[status] = int(time.time())

    def body(self) -> dict[str, Any]:
        """As the API shows it; put together once when it has ended, as it may have many lines."""
        if self.status not in _ENDED:
            return self._body()
        self._shown = self._shown or self._body()
        return self._shown

    def _body(self) -> dict[str, Any]:
        done = [line.result for line in self.lines]
        answers = [result for result in done if isinstance(result, Answer)]
        bills = [answer.billed for answer in answers]
        sent = sum(bill.input + bill.cached + bill.cache_write for bill in bills)
        output = sum(bill.output for bill in bills)
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "model": next((line.asked.model for line in self.lines if isinstance(line.asked, Asked)), None),
            "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "input_file_id": self.input_file_id,
            "completion_window": "24h",
            "status": self.status,
            "output_file_id": self.output_file_id,
            "error_file_id": self.error_file_id,
            "created_at": self.created_at,
            **{f"{name}_at": self.times.get(name) for name in _TIMES},
            "expires_at": self.created_at + _DAY,
            "request_counts": {
                "total": self.total,
                "completed": len(answers),
                "failed": sum(result is not None and not isinstance(result, Answer) for result in done),
            },
            "usage": {
                "input_tokens": sent,
                "input_tokens_details": {"cached_tokens": sum(bill.cached for bill in bills)},
                "output_tokens": output,
                "output_tokens_details": {"reasoning_tokens": sum(bill.reasoning for bill in bills)},
                "total_tokens": sent + output,
            },
            "metadata": self.metadata,
        }


class OpenAIBatches:
    """Every batch, and the tasks that work on them."""

    def __init__(self, state: State, files: Files) -> None:
        self._state, self._files = state, files
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

    def create(self, body: Any, rules: list[Rule]) -> dict[str, Any]:
        """POST /v1/batches.

        Raises:
            ApiError: 400 or 404.
        """
        endpoint, metadata = check_create(body)
        stored = self._files.find(body["input_file_id"])
        if stored.purpose != "batch":
            raise bad("The input file must have been uploaded with purpose 'batch'.", "input_file_id")
        batch = Batch(f"batch_{self._state.number()}", endpoint, stored.id, metadata, int(time.time()))
        self.batches[batch.id] = batch
        task = asyncio.create_task(self._run(batch, stored.path, rules))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return batch.body()

    def find(self, ident: str) -> Batch:
        """A batch by its id.

        Raises:
            ApiError: 404.
        """
        if ident not in self.batches:
            raise ApiError(404, "invalid_request_error", f"No batch found with id '{ident}'.")
        return self.batches[ident]

    def listed(self, query: dict[str, str]) -> dict[str, Any]:
        """GET /v1/batches, newest first.

        Raises:
            ApiError: 400 or 404.
        """
        limit = int(query.get("limit", "20"))
        if not 1 <= limit <= 100:
            raise bad(f"Invalid 'limit': integer out of range, got {limit}.", "limit")
        found = list(reversed(self.batches.values()))
        if after := query.get("after"):
            found = found[found.index(self.find(after)) + 1 :]
        page = [batch.body() for batch in found[:limit]]
        return {
            "object": "list",
            "data": page,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
            "has_more": len(found) > limit,
        }

    def cancel(self, ident: str) -> dict[str, Any]:
        """POST /v1/batches/{id}/cancel.

        Raises:
            ApiError: 404, or 409 when it has ended.
        """
        batch = self.find(ident)
        if batch.status not in {"validating", "in_progress", "cancelling"}:
            raise ApiError(409, "invalid_request_error", f"Cannot cancel a batch with status '{batch.status}'.")
        batch.cancel = True
        batch.enter("cancelling")
        return batch.body()

    async def _run(self, batch: Batch, path: Path, rules: list[Rule]) -> None:
        """A batch from validation to its end."""
        work_s = Work(self._state, "openai", batch.id, [], rules, lambda: False).seconds
        await wait(work_s * 0.1, lambda: batch.cancel)
        if code := fails(rules):
            batch.errors = [error(code, "The batch could not be validated.", None)]
        else:
            await self._read(batch, path)
        if batch.errors:
            batch.lines = []
            batch.enter("failed")
            return
        batch.total = len(batch.lines)
        if not batch.cancel:
            batch.enter("in_progress")
        work = Work(self._state, "openai", batch.id, batch.lines, rules, lambda: batch.cancel)
        await work.do(work_s * 0.8)
        if not batch.cancel:
            batch.enter("finalizing")
        await wait(work_s * 0.1, lambda: batch.cancel)
        self._write(batch, work)
        batch.enter("cancelled" if batch.cancel else "expired" if work.expires else "completed")

    async def _read(self, batch: Batch, path: Path) -> None:
        seen: set[str] = set()
        models: set[str] = set()
        with path.open("rb") as file:
            for n, raw in enumerate(file, start=1):
                if n % 50 == 0:
                    await asyncio.sleep(0)
                if not raw.strip():
                    continue
                batch.errors += self._line(batch, n, raw, seen, models)
        most = self._state.options.batch_requests["openai"]
        if len(seen) > most:
            batch.errors = [
                error("too_many_tasks", f"The batch has {len(seen)} requests, more than the {most} allowed.", None)
            ]
        if len(models) > 1:
            batch.errors.append(
                error("mismatched_model", "All requests of a batch must be for one model.", None, "body.model")
            )
        if not seen and not batch.errors:
            batch.errors = [error("empty_file", "The input file is empty.", None)]

    def _line(self, batch: Batch, n: int, raw: bytes, seen: set[str], models: set[str]) -> list[dict[str, Any]]:
        """Read one line into the batch; what is wrong with it."""
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return [error("invalid_json_line", "This line is not parseable as valid JSON.", n)]
        if fault := form_fault(line, batch.endpoint):
            return [error(*fault[:2], n, fault[2])]
        custom_id = line["custom_id"]
        if custom_id in seen:
            return [
                error("duplicate_custom_id", f"The custom_id '{custom_id}' is used more than once.", n, "custom_id")
            ]
        seen.add(custom_id)
        asked: Asked | ApiError
        try:
            asked = openai_wire.read(batch.endpoint, line["body"], self._state.options.models)
            models.add(asked.model)
        except ApiError as refusal:
            if refusal.code == "model_not_found":
                return [error("model_not_found", refusal.message, n, "body.model")]
            asked = refusal
        batch.lines.append(Line(custom_id, asked))
        return []

    def _write(self, batch: Batch, work: Work) -> None:
        """The output file and the error file; either is left out when it would be empty."""
        output, errors = (self._state.folder / f"{batch.id}-{kind}.jsonl" for kind in ("output", "error"))
        with output.open("wb") as good, errors.open("wb") as bad:
            for line in work.order():
                (good if isinstance(line.result, Answer) else bad).write(
                    result_line(line, self._state.number()) + b"\n"
                )
        if output.stat().st_size:
            batch.output_file_id = self._files.keep(output, f"{batch.id}_output.jsonl", "batch_output").id
        if errors.stat().st_size:
            batch.error_file_id = self._files.keep(errors, f"{batch.id}_error.jsonl", "batch_output").id
