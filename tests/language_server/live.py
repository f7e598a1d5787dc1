"""Live answers of both providers, and what can go wrong on the way to one."""

import asyncio
import re
import time
from types import ModuleType
from typing import Any

from aiohttp import web

from tests.language_server import anthropic_wire, openai_wire
from tests.language_server.answers import Answer
from tests.language_server.asked import ApiError, Asked, sha
from tests.language_server.bills import Bill
from tests.language_server.faults import Rule, Trouble
from tests.language_server.http import CutError, base_headers, gone, hold, parsed, reply
from tests.language_server.limits import retry_after
from tests.language_server.state import State

WIRES: dict[str, ModuleType] = {"openai": openai_wire, "anthropic": anthropic_wire}
_TYPE = re.compile(rb'content_type\\*"\s*:\s*\\*"([a-z_]+)')
_MODEL = re.compile(rb'"model"\s*:\s*"([^"]+)"')


class Live:
    """The endpoints that answer while the client waits."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._fixed: dict[tuple[str, bytes, bytes], tuple[Asked, Answer, bytes]] = {}

    def clear(self) -> None:
        """Forget the fixed answers of the fast mode."""
        self._fixed.clear()

    async def answer(self, request: web.BaseRequest, provider: str, path: str, request_id: str) -> web.Response:
        """Answer one request, or fail as the rules say."""
        raw = await request.read()
        if self._state.options.fast and not self._state.faults.rules:
            return await self._fast(request, provider, path, raw, request_id)
        asked: Asked = WIRES[provider].read(path, parsed(provider, raw), self._state.options.models)
        trouble = self._state.faults.pick("live", provider, asked, asked.sha if self._state.faults.rules else "")
        request["trouble"] = trouble.what or ("slow" if trouble.slow_s else "")
        refuse(trouble, provider)
        headers = self._state.limits.admit(asked, time.monotonic())
        if wait := self._state.options.latency_ms / 1000 + trouble.slow_s:
            await asyncio.sleep(wait)
        while self._state.options.holding:  # noqa: ASYNC110 (settings have no event to wait for)
            await asyncio.sleep(0.01)
        await lose(trouble, request, lambda: self._bill(asked, trouble))
        answer, bill = self._bill(asked, trouble)
        if trouble.what == "cut_after":
            raise CutError
        body = WIRES[provider].answer_body(asked, answer, self._state.number(), time.time())
        if trouble.what == "malformed" and trouble.rule:
            body = broken(body, trouble.rule.kind)
        bill.delivered = not gone(request)
        return reply(body, base_headers(provider, request_id) | headers)

    def _bill(self, asked: Asked, trouble: Trouble) -> tuple[Answer, Bill]:
        answer = self._state.answers.answer(asked, trouble)
        self._state.limits.settle(asked, answer.billed, time.monotonic())
        return answer, self._state.bills.charge(asked, answer.billed)

    async def _fast(
        self, request: web.BaseRequest, provider: str, path: str, raw: bytes, request_id: str
    ) -> web.Response:
        """A fixed answer for the content type; the first one is made and checked as ever."""
        model, kind = _MODEL.search(raw), _TYPE.search(raw)
        key = (path, model[1] if model else b"", kind[1] if kind else b"")
        if key not in self._fixed:
            asked: Asked = WIRES[provider].read(path, parsed(provider, raw), self._state.options.models)
            answer = self._state.answers.answer(asked)
            body = WIRES[provider].answer_body(asked, answer, self._state.number(), time.time())
            self._fixed[key] = asked, answer, body
        asked, answer, body = self._fixed[key]
        headers = {"x-request-id": request_id} if provider == "openai" else {"request-id": request_id}
        if self._state.options.limits:
            headers |= self._state.limits.admit(asked, time.monotonic())
            self._state.limits.settle(asked, answer.billed, time.monotonic())
        if self._state.options.latency_ms:
            await asyncio.sleep(self._state.options.latency_ms / 1000)
        digest = sha(raw)
        bill = self._state.bills.book(
            provider, asked.model, path, digest, digest, key[2].decode(), answer.billed
        )  # fmt: skip
        bill.delivered = not gone(request)
        return reply(body, headers)


def refuse(trouble: Trouble, provider: str) -> None:
    """Raise the error that a rule asks for, where it asks for one that is never charged.

    Raises:
        ApiError: What the provider would answer.
    """
    if (rule := trouble.rule) is None:
        return
    openai = provider == "openai"
    if rule.what == "429":
        raise _too_many(rule, provider)
    if rule.what == "529":
        raise (
            ApiError(503, "server_error", "The engine is currently overloaded, please try again later", code=None)
            if openai
            else ApiError(529, "overloaded_error", "Overloaded")
        )
    if rule.what == "500" and not rule.billed:
        raise server_error(provider)
    if rule.what == "wrong_key":
        raise openai_wire.wrong_key("sk-test-wrong") if openai else anthropic_wire.wrong_key()
    if rule.what == "quota":
        raise openai_wire.no_quota() if openai else anthropic_wire.no_quota(rule.kind)


async def lose(trouble: Trouble, request: web.BaseRequest, bill: Any) -> None:
    """Lose the answer on its way, billed before or not, where a rule asks for that.

    Raises:
        ApiError: A 500 that is charged for.
        CutError: The connection ends.
    """
    rule = trouble.rule
    if rule is None or rule.what not in {"timeout", "cut_before", "500"}:
        return
    if rule.billed and rule.what != "cut_before":
        bill()
    if rule.what == "500":
        raise server_error(request["provider"])
    if rule.what == "timeout":
        await hold(request)
    raise CutError


def server_error(provider: str) -> ApiError:
    """A 500."""
    if provider == "openai":
        return ApiError(
            500,
            "server_error",
            "The server had an error while processing your request. Sorry about that!",
        )
    return ApiError(500, "api_error", "Internal server error")


def broken(body: bytes, kind: str) -> bytes:
    """A body that came through a 200 and is not what it should be."""
    if kind == "empty":
        return b""
    if kind == "shape":
        return b'{"ok": true}'
    if kind == "text":
        return body  # the envelope is whole, the answer inside is not
    return body[: len(body) // 2]


def _too_many(rule: Rule, provider: str) -> ApiError:
    headers = {} if rule.retry_after is None else retry_after(provider, rule.retry_after)
    if provider == "openai":
        return ApiError(
            429,
            "requests",
            "Rate limit reached for requests per min (RPM). Please try again later.",
            code="rate_limit_exceeded",
            headers=headers,
        )
    return ApiError(
        429, "rate_limit_error", "This request would exceed your organization's rate limit.", headers=headers
    )
