"""Asking through the client against the bare SDK's fastest path: processor time per request, and throughput.

Both ask the same questions of the same server, which answers after 100 ms from a process on another processor. The bare
path posts the body raw over aiohttp and does nothing with the answer; the client claims and settles every ask in the
ledger, on disk, paces it, reads the answer and what it cost, and the answer is validated. `send` is
the way over the SDK (models/language/providers/sdk.py) without the client.
"""

import asyncio
import gc
import json
import os
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
from pydantic import BaseModel, ConfigDict, Field

from configs.settings import Settings
from models.language.calls import Request, Written
from models.language.client import LOOKAHEAD, Client
from models.language.ledger import Budget, Run, open_ledger
from models.language.offers import language_models, open_providers
from models.language.pacing import Limits
from tests.language_server import LanguageServer, start_server

CONCURRENCY = 64
REQUESTS = 1500  # in one round
ROUNDS = 5
LATENCY_MS = 100
MODELS: dict[str, str] = {"openai": "gpt-5.6-luna", "anthropic": "claude-haiku-5-5"}
SYSTEM = "You write for people who play. " + "Say what is to be done plainly, and promise nothing that is not so. " * 30
NO_LIMIT = {"requests": 10_000_000, "tokens": 2_000_000_000}


class Variant(BaseModel):
    """A text."""

    model_config = ConfigDict(extra="forbid")
    title: str = Field(max_length=200)
    description: str = Field(max_length=1000)


class Answer(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")
    variants: list[Variant] = Field(min_length=1)


SCHEMA = Answer.model_json_schema()


def brief(i: int) -> str:
    """The user part of question i."""
    given = {
        "app": "bench", "content_type": "daily_challenge", "language": "en", "variants": 6, "turn": i + 1,
        "theme": "a quiet harbour", "player": "captain",
        "persona": {"name": "SCHOLAR", "psychology": "learns by doing"},
        "difficulty": "fair", "occasion": "", "metric": {"label": "voyages", "description": "trips that came home"},
        "task": "finish {goal_1}", "slots": {"goal_1": "3 voyages", "window": "today"},
        "one_of": [["goal_1"], ["window"]], "badge": None, "max_chars": {"title": 60, "text": 280},
        "avoid": ["The long way home", "Three before dusk"],
    }  # fmt: skip
    return f"<brief>{json.dumps(given)}</brief>"


def questions(provider: str, start: int, n: int) -> list[Request]:
    """n questions that nobody asked before."""
    return [
        Request(provider, MODELS[provider], SYSTEM, brief(i), SCHEMA, "answer", 1500, "low", "daily_challenge", "1")
        for i in range(start, start + n)
    ]


def bare(server: LanguageServer, provider: str) -> tuple[Any, Callable[[Request], Awaitable[object]]]:
    """The SDK's fastest path: its client, and a raw post of a question."""
    if provider == "openai":
        sdk: Any = openai.AsyncOpenAI(
            api_key=server.openai_key, base_url=server.openai_url, max_retries=0,
            http_client=openai.DefaultAioHttpClient(),
        )  # fmt: skip
        shape = {"type": "json_schema", "name": "answer", "schema": _closed(SCHEMA), "strict": True}

        def body(request: Request) -> dict[str, Any]:
            return {
                "model": request.model, "instructions": request.system, "input": request.user, "store": False,
                "max_output_tokens": request.max_tokens, "reasoning": {"effort": "low"}, "prompt_cache_key": "bench",
                "text": {"format": shape},
            }  # fmt: skip

        path = "/responses"
    else:
        sdk = anthropic.AsyncAnthropic(
            api_key=server.anthropic_key, base_url=server.anthropic_url, max_retries=0,
            http_client=anthropic.DefaultAioHttpClient(),
        )  # fmt: skip
        shape = {"type": "json_schema", "schema": anthropic.transform_schema(_closed(SCHEMA))}

        def body(request: Request) -> dict[str, Any]:
            return {
                "model": request.model, "max_tokens": request.max_tokens,
                "system": [{"type": "text", "text": request.system, "cache_control": {"type": "ephemeral"}}],
                "messages": [{"role": "user", "content": request.user}],
                "output_config": {"format": shape, "effort": "low"},
            }  # fmt: skip

        path = "/v1/messages"

    async def post(request: Request) -> object:
        # Measured to be the cheapest that the SDK offers: bytes in, the response unread by any model out.
        return await sdk.post(path, content=json.dumps(body(request)).encode(), cast_to=httpx2.Response)

    return sdk, post


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    closed: dict[str, Any] = json.loads(json.dumps(schema))
    return closed | {"additionalProperties": False}


async def ask_each(ask: Callable[[Request], Awaitable[object]], requests: list[Request], workers: int) -> None:
    """Ask all, so many at one time."""
    left: Iterator[Request] = iter(requests)

    async def work() -> None:
        for request in left:
            await ask(request)

    await asyncio.gather(*(work() for _ in range(workers)))


async def timed(
    ask: Callable[[Request], Awaitable[object]], requests: list[Request], workers: int
) -> tuple[float, float]:
    """Processor milliseconds per request of this process, and requests per second."""
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    await ask_each(ask, requests, workers)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return cpu / len(requests) * 1000, len(requests) / wall


async def compare(server: LanguageServer, provider: str, home: Path) -> dict[str, float]:
    """Rounds of both in turn, and the medians of their ratios."""
    sdk, post = bare(server, provider)
    models = language_models()
    free = {name: one.model_copy(update={"requests_per_minute": 10**7, "tokens_per_minute": 10**10})
            for name, one in models.models.items()}  # fmt: skip
    settings = Settings(
        home=home, openai_api_key=server.openai_key, openai_base_url=server.openai_url,
        anthropic_api_key=server.anthropic_key, anthropic_base_url=server.anthropic_url,
    )  # fmt: skip
    now = lambda: datetime.now(UTC)  # noqa: E731
    measured: list[tuple[float, ...]] = []
    with open_ledger(home, now) as ledger:
        providers = open_providers(settings, [provider])
        budget = Budget(1e6, 1e6)
        client = Client(
            ledger, providers, Run("bench", "by hand", provider), budget, Limits(CONCURRENCY), now,
            models=models.model_copy(update={"models": free}),
        )  # fmt: skip

        async def ask(request: Request) -> None:
            reply = await client.ask(request)
            assert isinstance(reply, Written), reply
            assert reply.paid_now
            Answer.model_validate_json(reply.text)

        async with client:
            await ask_each(post, questions(provider, 0, 300), CONCURRENCY)
            await ask_each(ask, questions(provider, 0, 300), CONCURRENCY + LOOKAHEAD)
            for i in range(ROUNDS):
                asked = questions(provider, 1000 + i * REQUESTS, REQUESTS)
                alone = await timed(post, asked, CONCURRENCY)
                sent = await timed(providers[provider].send, asked, CONCURRENCY)
                # More callers than slots: the client itself keeps 64 in flight.
                ours = await timed(ask, asked, CONCURRENCY + LOOKAHEAD)
                measured.append((*alone, *ours, sent[0]))
            most = client.figures.most_at_once
        await sdk.close()
    assert most <= CONCURRENCY
    columns = list(zip(*measured, strict=True))
    return {
        f"{provider}_bare_cpu_ms": statistics.median(columns[0]),
        f"{provider}_send_cpu_ms": statistics.median(columns[4]),
        f"{provider}_client_cpu_ms": statistics.median(columns[2]),
        f"{provider}_cpu_ratio": statistics.median(client / alone for alone, _, client, *_ in measured),
        f"{provider}_bare_per_s": statistics.median(columns[1]),
        f"{provider}_client_per_s": statistics.median(columns[3]),
        f"{provider}_throughput_ratio": statistics.median(client / alone for _, alone, _, client, _ in measured),
    }


def measure(folder: Path) -> dict[str, float]:
    """Both providers, this process on one processor and the server on the others."""
    before = os.sched_getaffinity(0)
    mine = {min(before)}
    figures: dict[str, float] = {}
    with start_server(latency_ms=LATENCY_MS, fast=True, limits={"*": NO_LIMIT}, log=0) as server:
        try:
            os.sched_setaffinity(server.pid, (before - mine) or before)
            os.sched_setaffinity(0, mine)
            for provider in MODELS:
                figures |= asyncio.run(compare(server, provider, folder / provider))
        finally:
            os.sched_setaffinity(0, before)
    return figures
