"""The server: which path leads where, and what is noted of every request."""

import re

from aiohttp import web

from tests.language_server import anthropic_wire, openai_wire
from tests.language_server.asked import ApiError
from tests.language_server.control import ControlRoom
from tests.language_server.http import CutError, cut, error_reply
from tests.language_server.live import Live
from tests.language_server.options import Options
from tests.language_server.rest import Rest
from tests.language_server.state import State

_LIVE = {**dict.fromkeys(openai_wire.PATHS, "openai"), anthropic_wire.PATH: "anthropic"}
# Provider ('' is told by the headers) and place of everything else.
_ROUTES = [
    (re.compile(f"^{pattern}$"), provider, place)
    for pattern, provider, place in (
        ("(POST|GET) /v1/files", "openai", "files"),
        ("(GET|DELETE) /v1/files/([^/]+)", "openai", "files"),
        ("(GET) /v1/files/([^/]+)/content", "openai", "results"),
        ("POST /v1/batches", "openai", "create"),
        ("GET /v1/batches", "openai", "list"),
        ("GET /v1/batches/([^/]+)", "openai", "retrieve"),
        ("POST /v1/batches/([^/]+)/cancel", "openai", "cancel"),
        ("GET /v1/models(?:/([^/]+))?", "", "models"),
        ("POST /v1/messages/batches", "anthropic", "create"),
        ("GET /v1/messages/batches", "anthropic", "list"),
        ("GET /v1/messages/batches/([^/]+)", "anthropic", "retrieve"),
        ("POST /v1/messages/batches/([^/]+)/cancel", "anthropic", "cancel"),
        ("DELETE /v1/messages/batches/([^/]+)", "anthropic", "delete"),
        ("GET /v1/messages/batches/([^/]+)/results", "anthropic", "results"),
    )
]
_NOTED = ("user-agent", "x-stainless-retry-count", "idempotency-key")


class App:
    """One server."""

    def __init__(self, options: Options) -> None:
        self.state = State(options)
        self._live = Live(self.state)
        self._rest = Rest(self.state)
        self._control = ControlRoom(self.state, self._clear, lambda: self._rest.at_work)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request; it counts as in flight once the whole of it has come."""
        try:
            if not request.content_type.startswith("multipart/"):
                await request.read()
        except ConnectionError:
            return web.Response(status=500)  # half a request, and nobody there
        if request.path.startswith("/_control/"):
            return await self._control.answer(request)
        state = self.state
        state.in_flight += 1
        state.most_in_flight = max(state.most_in_flight, state.in_flight)
        try:
            return await self._routed(request)
        finally:
            state.in_flight -= 1

    async def _routed(self, request: web.BaseRequest) -> web.StreamResponse:
        provider = _LIVE.get(request.path, "") if request.method == "POST" else ""
        place, groups = "live", tuple[str, ...]()
        if not provider:
            provider, place, groups = _route(request)
        request_id = f"req_{self.state.number()}"
        request["provider"], request["trouble"] = provider, ""
        status = 0
        response: web.StreamResponse
        try:
            wire = openai_wire if provider == "openai" else anthropic_wire
            wire.authenticate(request.headers, self.state.options.key(provider))
            if place == "nowhere":
                raise _nowhere(request, provider)
            if place == "live":
                response = await self._live.answer(request, provider, request.path, request_id)
            else:
                response = await self._rest.answer(request, provider, place, groups, request_id)
            status = response.status
        except ApiError as error:
            response = error_reply(provider, error, request_id)
            status = error.status
        except (CutError, ConnectionError):
            cut(request)
            response = web.Response(status=500)  # nobody reads it
        await self._note(request, provider, place, status)
        return response

    async def _note(self, request: web.BaseRequest, provider: str, place: str, status: int) -> None:
        """Remember a request; in the fast mode only count it."""
        if self.state.options.fast:
            self.state.counts[f"{provider} {place} {status}"] += 1
            return
        body = (await request.read()).decode(errors="replace") if place == "live" else None  # read before
        headers = {name: request.headers[name] for name in _NOTED if name in request.headers}
        self.state.noted(provider, place, request.path_qs, status, request["trouble"], body, headers)

    def _clear(self) -> None:
        self._live.clear()
        self._rest.clear()
        self.state.clear()


def _route(request: web.BaseRequest) -> tuple[str, str, tuple[str, ...]]:
    """Provider, place and the parts of the path."""
    told = "anthropic" if "anthropic-version" in request.headers else "openai"
    line = f"{request.method} {request.path}"
    for pattern, provider, place in _ROUTES:
        if found := pattern.match(line):
            return provider or told, place, found.groups()
    return told, "nowhere", ()


def _nowhere(request: web.BaseRequest, provider: str) -> ApiError:
    kind = "invalid_request_error" if provider == "openai" else "not_found_error"
    return ApiError(404, kind, f"Invalid URL ({request.method} {request.path})")
