"""The server: which path leads where, and what is noted of every request."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.language_server import anthropic_wire, openai_wire
from tests.language_server.anthropic_batches import AnthropicBatches
from tests.language_server.asked import ApiError, sha
from tests.language_server.control import ControlRoom
from tests.language_server.faults import Trouble
from tests.language_server.http import Cut, base_headers, cut, error_reply, json_reply, parsed, reply
from tests.language_server.live import Live, broken, lose, refuse
from tests.language_server.openai_batches import OpenAIBatches
from tests.language_server.openai_files import Files
from tests.language_server.options import Options
from tests.language_server.state import State

LARGEST_BODY = 600_000_000
_ROUTES = [
    (re.compile(rf"^{pattern}$"), provider, place)
    for pattern, provider, place in (
        (r"POST (/v1/responses|/v1/chat/completions)", "openai", "live"),
        (r"(POST|GET) /v1/files", "openai", "files"),
        (r"(GET|DELETE) /v1/files/([^/]+)", "openai", "files"),
        (r"(GET) /v1/files/([^/]+)/(content)", "openai", "results"),
        (r"POST /v1/batches", "openai", "create"),
        (r"GET /v1/batches", "openai", "list"),
        (r"GET /v1/batches/([^/]+)", "openai", "retrieve"),
        (r"POST /v1/batches/([^/]+)/cancel", "openai", "cancel"),
        (r"GET /v1/models(?:/([^/]+))?", "", "models"),
        (r"POST (/v1/messages)", "anthropic", "live"),
        (r"POST /v1/messages/batches", "anthropic", "create"),
        (r"GET /v1/messages/batches", "anthropic", "list"),
        (r"GET /v1/messages/batches/([^/]+)", "anthropic", "retrieve"),
        (r"POST /v1/messages/batches/([^/]+)/cancel", "anthropic", "cancel"),
        (r"DELETE /v1/messages/batches/([^/]+)", "anthropic", "delete"),
        (r"GET /v1/messages/batches/([^/]+)/results", "anthropic", "results"),
    )
]
_LIVE = {
    "/v1/responses": "openai",
    "/v1/chat/completions": "openai",
    "/v1/messages": "anthropic",
}
_NOTED = ("user-agent", "x-stainless-retry-count", "idempotency-key", "openai-beta", "anthropic-beta")


class App:
    """One server."""

    def __init__(self, options: Options) -> None:
        self.state = State(options)
        self.live = Live(self.state)
        self.files = Files(self.state)
        self.openai_batches = OpenAIBatches(self.state, self.files)
        self.anthropic_batches = AnthropicBatches(self.state)
        self.control = ControlRoom(self.state, self._clear, self._at_work)
        self._do: dict[tuple[str, str], Callable[..., Awaitable[web.StreamResponse]]] = {
            ("openai", "files"): self._openai_files,
            ("openai", "results"): self._openai_content,
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request."""
        if request.path.startswith("/_control/"):
            return await self.control.answer(request)
        state = self.state
        state.in_flight += 1
        state.most_in_flight = max(state.most_in_flight, state.in_flight)
        try:
            return await self._routed(request)
        finally:
            state.in_flight -= 1

    async def _routed(self, request: web.BaseRequest) -> web.StreamResponse:
        provider = _LIVE.get(request.path, "") if request.method == "POST" else ""
        place, groups = "live", (request.path,)
        if not provider:
            provider, place, groups = _route(request)
        request_id = f"req_{self.state.number()}"
        request["provider"], request["trouble"] = provider, ""
        response: web.StreamResponse
        try:
            wire = openai_wire if provider == "openai" else anthropic_wire
            wire.authenticate(request.headers, self.state.options.key(provider))
            if place == "live":
                response = await self.live.answer(request, provider, groups[0], request_id)
            else:
                response = await self._other(request, provider, place, groups, request_id)
        except ApiError as error:
            response = error_reply(provider, error, request_id)
        except Cut:
            cut(request)
            response = web.Response(status=500)
            self._note(request, provider, place, 0)
            return response
        self._note(request, provider, place, response.status)
        return response

    def _note(self, request: web.BaseRequest, provider: str, place: str, status: int) -> None:
        if self.state.options.fast:
            self.state.counts[f"{provider} {place} {status}"] += 1
            return
        body = None
        if place == "live" and (raw := request._read_bytes):  # noqa: SLF001 (what `read` has kept)
            body = raw.decode(errors="replace")
        headers = {name: request.headers[name] for name in _NOTED if name in request.headers}
        self.state.noted(provider, place, request.path_qs, status, request["trouble"], body, headers)

    async def _other(
        self, request: web.BaseRequest, provider: str, place: str, groups: tuple[str, ...], request_id: str
    ) -> web.StreamResponse:
        """Everything but live answers."""
        if place == "nowhere":
            kind = "invalid_request_error" if provider == "openai" else "not_found_error"
            raise ApiError(404, kind, f"Invalid URL ({request.method} {request.path})")
        if place == "create":
            return await self._create(request, provider, request_id)
        trouble = self.state.faults.pick(place, provider)
        request["trouble"] = trouble.what
        if trouble.slow_s:
            await asyncio.sleep(trouble.slow_s)
        refuse(trouble, provider)
        await lose(trouble, request, lambda: None)
        if (provider, place) in self._do:
            response = await self._do[provider, place](request, groups, request_id)
        elif place == "results":
            body = self.anthropic_batches.results(groups[0])
            response = reply(body, base_headers(provider, request_id), content_type="application/x-jsonl")
        else:
            response = json_reply(self._thing(request, provider, place, groups), base_headers(provider, request_id))
        if trouble.what == "malformed" and trouble.rule and isinstance(response, web.Response):
            return reply(broken(bytes(response.body or b""), trouble.rule.kind), base_headers(provider, request_id))
        if trouble.what == "cut_after":
            raise Cut
        return response

    def _thing(self, request: web.BaseRequest, provider: str, place: str, groups: tuple[str, ...]) -> dict[str, Any]:
        """Batches and models as JSON."""
        query = dict(request.query)
        if place == "models":
            return self._models(provider, groups[0])
        if provider == "openai":
            if place == "list":
                return self.openai_batches.listed(query)
            if place == "cancel":
                return self.openai_batches.cancel(groups[0])
            return self.openai_batches.find(groups[0]).body()
        if place == "list":
            return self.anthropic_batches.listed(query)
        if place == "cancel":
            return self.anthropic_batches.cancel(groups[0])
        if place == "delete":
            return self.anthropic_batches.delete(groups[0])
        return self.anthropic_batches.find(groups[0]).body(self.state.root)

    async def _create(self, request: web.BaseRequest, provider: str, request_id: str) -> web.Response:
        """Create a batch: with faults before, in it, and on the way back."""
        raw = await request.read()
        rules = self.state.faults.all("create", provider, sha(raw[:4096]))
        names = {rule.what for rule in rules}
        request["trouble"] = " ".join(sorted(names))
        for rule in rules:
            if rule.what == "slow":
                await asyncio.sleep(rule.seconds)
        for trouble in (Trouble(rule) for rule in rules):
            refuse(trouble, provider)
            if not (trouble.what == "timeout" and trouble.rule and trouble.rule.billed):
                await lose(trouble, request, lambda: None)
        if provider == "openai":
            made = self.openai_batches.create(parsed(provider, raw), rules)
        else:
            made = await self.anthropic_batches.create(raw, rules)
        if names & {"batch_orphan", "cut_after"}:
            raise Cut
        for trouble in (Trouble(rule) for rule in rules):
            await lose(trouble, request, lambda: None)
        return json_reply(made, base_headers(provider, request_id))

    async def _openai_files(self, request: web.BaseRequest, groups: tuple[str, ...], request_id: str) -> web.Response:
        if groups[0] == "POST":
            return await self.files.create(request, request_id)
        if len(groups) == 1:
            found = self.files.listed()
        elif groups[0] == "DELETE":
            found = self.files.delete(groups[1])
        else:
            found = self.files.find(groups[1]).body()
        return json_reply(found, base_headers("openai", request_id))

    async def _openai_content(self, _: web.BaseRequest, groups: tuple[str, ...], request_id: str) -> web.Response:
        return await self.files.content(groups[1], request_id)

    def _models(self, provider: str, ident: str | None) -> dict[str, Any]:
        models = [name for name, owner in self.state.options.models.items() if owner == provider]
        if provider == "openai":
            found = {
                name: {"id": name, "object": "model", "created": 1_780_000_000, "owned_by": "openai"} for name in models
            }
            if ident is None:
                return {"object": "list", "data": list(found.values())}
            if ident not in found:
                raise ApiError(
                    404, "invalid_request_error", f"The model '{ident}' does not exist", code="model_not_found"
                )
            return found[ident]
        shown = {
            name: {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
            for name in models
        }
        if ident is None:
            ends = {"first_id": models[0], "last_id": models[-1]} if models else {"first_id": None, "last_id": None}
            return {"data": list(shown.values()), "has_more": False, **ends}
        if ident not in shown:
            raise ApiError(404, "not_found_error", f"model: {ident}")
        return shown[ident]

    def _clear(self) -> None:
        self.live.clear()
        self.openai_batches.clear()
        self.anthropic_batches.clear()
        self.files.stored.clear()
        self.state.clear()

    def _at_work(self) -> int:
        return self.openai_batches.at_work + self.anthropic_batches.at_work


def _route(request: web.BaseRequest) -> tuple[str, str, tuple[str, ...]]:
    """Provider, place and the parts of the path."""
    anthropic = "anthropic-version" in request.headers or "x-api-key" in request.headers
    line = f"{request.method} {request.path}"
    for pattern, provider, place in _ROUTES:
        if found := pattern.match(line):
            return provider or ("anthropic" if anthropic else "openai"), place, found.groups()
    return "anthropic" if anthropic else "openai", "nowhere", ()
