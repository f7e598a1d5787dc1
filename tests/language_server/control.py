"""What a test asks and tells the server beside the protocols: /_control/..."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from tests.language_server.faults import FAULTS, read_rule
from tests.language_server.http import json_reply
from tests.language_server.state import State


class ControlRoom:
    """Bills, faults, settings, what was asked, reset.

    GET bills (?after=N, ?entries=0), faults, limits, requests, state, settings
    POST faults (a list of rules; replaces those before; ?add=1 adds), settings (some of them), reset, idle
    """

    def __init__(self, state: State, clear: Callable[[], None], at_work: Callable[[], int]) -> None:
        self._state, self._clear, self._at_work = state, clear, at_work

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer one request."""
        name = request.path.removeprefix("/_control/")
        raw = await request.read()
        try:
            value = orjson.loads(raw) if raw else None
            found = await self._do(f"{request.method} {name}", dict(request.query), value)
        except (ValueError, TypeError) as error:
            return json_reply({"error": str(error)}, status=400)
        if found is None:
            return json_reply({"error": f"there is no {request.method} {request.path}"}, status=404)
        return json_reply(found)

    async def _do(self, what: str, query: dict[str, str], value: Any) -> Any:
        """The JSON of an answer; None where nothing is."""
        if what == "POST idle":
            return await self._idle(float(query.get("seconds", 30)))
        if what == "POST faults":
            return self._rule(value, add="add" in query)
        if what in {"POST settings", "POST reset"}:
            if what == "POST reset":
                self._clear()
            return self._change(value or {})
        return self._read(what, query)

    def _read(self, what: str, query: dict[str, str]) -> Any:
        state = self._state
        if what == "GET bills":
            return state.bills.report(after=int(query.get("after", 0)), entries=query.get("entries") != "0")
        if what == "GET requests":
            return {"counts": state.counts, "log": list(state.log)}
        found: dict[str, Callable[[], Any]] = {
            "GET faults": lambda: {"rules": state.faults.report(), "known": sorted(FAULTS)},
            "GET limits": state.limits.report,
            "GET state": self._report,
            "GET settings": lambda: state.options,
        }
        return found[what]() if what in found else None

    def _rule(self, value: Any, *, add: bool) -> dict[str, Any]:
        faults = self._state.faults
        rules = [read_rule(rule) for rule in ([value] if isinstance(value, dict) else value or [])]
        faults.rules = [*faults.rules, *rules] if add else rules
        return {"rules": faults.report()}

    def _report(self) -> dict[str, Any]:
        state = self._state
        return {
            "in_flight": state.in_flight,
            "most_in_flight": state.most_in_flight,
            "batches_at_work": self._at_work(),
            "bills": state.bills.n,
            "cpu_s": time.process_time(),
        }

    def _change(self, values: dict[str, Any]) -> Any:
        self._state.options.change(values)
        if values.keys() & {"limits", "window_s", "burst"}:
            self._state.limits.clear()
        return self._state.options

    async def _idle(self, seconds: float) -> dict[str, Any]:
        """Wait until no request is in flight and no batch at work."""
        end = time.monotonic() + seconds
        while (self._state.in_flight or self._at_work()) and time.monotonic() < end:  # noqa: ASYNC110 (work of many kinds)
            await asyncio.sleep(0.01)
        return self._report()
