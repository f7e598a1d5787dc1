"""Everything that is not a live answer: files, batches, results, models; with what may go wrong there."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from tests.language_server.anthropic_batches import AnthropicBatches
from tests.language_server.asked import ApiError, sha
from tests.language_server.faults import Rule, Trouble
from tests.language_server.http import CutError, base_headers, json_reply, parsed, reply
from tests.language_server.live import broken, lose, refuse
from tests.language_server.openai_batches import OpenAIBatches
from tests.language_server.openai_files import Files
from tests.language_server.state import State

Groups = tuple[str, ...]
_FILE_TYPES = {"openai": "application/octet-stream", "anthropic": "application/x-jsonl"}


class Rest:
    """The endpoints beside the live ones."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._files = Files(state)
        self._openai = OpenAIBatches(state, self._files)
        self._anthropic = AnthropicBatches(state)
        self._do: dict[tuple[str, str], Callable[[web.BaseRequest, Groups], dict[str, Any]]] = {
            ("openai", "files"): self._file,
            ("openai", "list"): lambda request, _: self._openai.listed(dict(request.query)),
            ("openai", "retrieve"): lambda _, groups: self._openai.find(groups[0]).body(),
            ("openai", "cancel"): lambda _, groups: self._openai.cancel(groups[0]),
            ("openai", "models"): lambda _, groups: self._openai_models(groups[0]),
            ("anthropic", "list"): lambda request, _: self._anthropic.listed(dict(request.query)),
            ("anthropic", "retrieve"): lambda _, groups: self._anthropic.find(groups[0]).body(state.root),
            ("anthropic", "cancel"): lambda _, groups: self._anthropic.cancel(groups[0]),
            ("anthropic", "delete"): lambda _, groups: self._anthropic.delete(groups[0]),
            ("anthropic", "models"): lambda _, groups: self._anthropic_models(groups[0]),
        }

    @property
    def at_work(self) -> int:
        """Batches that have not ended."""
        return self._openai.at_work + self._anthropic.at_work

    def clear(self) -> None:
        """Forget every file and batch."""
        self._openai.clear()
        self._anthropic.clear()
        self._files.stored.clear()

    async def answer(
        self, request: web.BaseRequest, provider: str, place: str, groups: Groups, request_id: str
    ) -> web.StreamResponse:
        """Answer one request, or fail as the rules say."""
        headers = base_headers(provider, request_id)
        if place == "create":
            return await self._create(request, provider, headers)
        trouble = self._state.faults.pick(place, provider)
        request["trouble"] = trouble.what or ("slow" if trouble.slow_s else "")
        await asyncio.sleep(trouble.slow_s)
        refuse(trouble, provider)
        await lose(trouble, request, lambda: None)
        if place == "results":
            return await self._results(request, provider, groups, headers, trouble)
        upload = provider == "openai" and groups == ("POST",)
        found = await self._files.create(request) if upload else self._do[provider, place](request, groups)
        return _answered(found, trouble.rule, headers)

    async def _create(self, request: web.BaseRequest, provider: str, headers: dict[str, str]) -> web.Response:
        """Create a batch: with faults before it, in it, and on the way back."""
        raw = await request.read()
        rules = self._state.faults.all("create", provider, sha(raw[:4096]))
        request["trouble"] = " ".join(sorted({rule.what for rule in rules}))
        for rule in rules:
            await asyncio.sleep(rule.seconds if rule.what == "slow" else 0)
            refuse(Trouble(rule), provider)
            if not rule.billed:
                await lose(Trouble(rule), request, lambda: None)
        if provider == "openai":
            made = self._openai.create(parsed(provider, raw), rules)
        else:
            made = await self._anthropic.create(raw, rules)
        for rule in rules:
            await lose(Trouble(rule), request, lambda: None)
        spoilt = next((rule for rule in rules if rule.what in {"batch_orphan", "cut_after", "malformed"}), None)
        return _answered(made, spoilt, headers)

    async def _results(
        self, request: web.BaseRequest, provider: str, groups: Groups, headers: dict[str, str], trouble: Trouble
    ) -> web.StreamResponse:
        """The lines of an ended batch; with `cut_after` only half of their bytes."""
        if provider == "openai":
            stored = self._files.find(groups[1])
            if not trouble.rule:
                return reply(stored.path.open("rb"), headers, content_type=_FILE_TYPES[provider])
            body = stored.path.read_bytes()
        else:
            body = self._anthropic.results(groups[0])
        if trouble.what == "malformed" and trouble.rule:
            body = broken(body, trouble.rule.kind)
        if trouble.what != "cut_after":
            return reply(body, headers, content_type=_FILE_TYPES[provider])
        response = web.StreamResponse(headers=headers)
        response.content_type, response.content_length = _FILE_TYPES[provider], len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        raise CutError

    def _file(self, _: web.BaseRequest, groups: Groups) -> dict[str, Any]:
        if len(groups) == 1:
            return self._files.listed()
        return self._files.delete(groups[1]) if groups[0] == "DELETE" else self._files.find(groups[1]).body()

    def _named(self, provider: str) -> list[str]:
        return [name for name, owner in self._state.options.models.items() if owner == provider]

    def _openai_models(self, ident: str | None) -> dict[str, Any]:
        shown = {
            name: {"id": name, "object": "model", "created": 1_780_000_000, "owned_by": "openai"}
            for name in self._named("openai")
        }
        if ident is None:
            return {"object": "list", "data": list(shown.values())}
        if ident not in shown:
            message = f"The model '{ident}' does not exist"
            raise ApiError(404, "invalid_request_error", message, code="model_not_found")
        return shown[ident]

    def _anthropic_models(self, ident: str | None) -> dict[str, Any]:
        shown = {
            name: {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
            for name in self._named("anthropic")
        }
        if ident is None:
            names = [*shown, None]
            return {"data": list(shown.values()), "has_more": False, "first_id": names[0], "last_id": names[-2:][0]}
        if ident not in shown:
            raise ApiError(404, "not_found_error", f"model: {ident}")
        return shown[ident]


def _answered(found: dict[str, Any], rule: Rule | None, headers: dict[str, str]) -> web.Response:
    """The thing asked for, lost or spoilt on its way back where a rule says so."""
    if rule and rule.what in {"batch_orphan", "cut_after"}:
        raise CutError
    if rule and rule.what == "malformed":
        return reply(broken(orjson.dumps(found), rule.kind), headers)
    return json_reply(found, headers)
