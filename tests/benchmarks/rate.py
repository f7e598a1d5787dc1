"""How much of a provider's allowance the client uses, and how often it is told 429.

The server lets 500 requests and 200,000 tokens through in a 'minute' that here lasts 6 s; with BENCH_MINUTE_S=60 it
lasts as long as in life. Short questions make the requests bind, long ones the tokens; `shared` is two clients that do
not know of each other with one account. The first 'minute', in which the server's bucket is full, is left out of what
was used, and counts for the 429s.
"""

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from configs.settings import Settings
from models.language.calls import Request
from models.language.client import Client
from models.language.ledger import Budget, Run, open_ledger
from models.language.offers import language_models, open_providers
from models.language.pacing import Figures, Limits
from tests.benchmarks.throughput import MODELS, SCHEMA, SYSTEM, brief
from tests.language_server import LanguageServer, start_server

MINUTES = 5
REQUESTS, TOKENS = 500, 200_000  # in a minute
MINUTE_S = float(os.environ.get("BENCH_MINUTE_S", "6"))
LATENCY_MS = 120


def question(provider: str, i: int, *, long: bool) -> Request:
    """A question of some 250 tokens, answer included, or of some 1,500 with as much room for the answer."""
    user = brief(i) if long else f'<brief>{{"content_type": "daily_challenge", "variants": 1, "turn": {i}}}</brief>'
    system = SYSTEM * 2 if long else SYSTEM[:100]
    most = 1500 if long else 150
    return Request(provider, MODELS[provider], system, user, SCHEMA, "answer", most, "low", "daily_challenge", "1")


async def use(server: LanguageServer, provider: str, home: Path, *, long: bool, clients: int) -> dict[str, float]:
    """Ask as fast as the clients let us, for so many minutes after the first."""
    ends = time.monotonic() + (MINUTES + 1) * MINUTE_S
    each = await asyncio.gather(
        *(one_client(server, provider, home / str(i), ends, long=long, first=i * 10**6) for i in range(clients))
    )
    measured = [tokens for answered, _ in each for at, tokens in answered if ends - MINUTES * MINUTE_S <= at < ends]
    refused, sent = (sum(getattr(figures, name) for _, figures in each) for name in ("rate_limited", "sent"))
    return {
        "requests_used": len(measured) / REQUESTS / MINUTES,
        "tokens_used": sum(measured) / TOKENS / MINUTES,
        "told_429": refused / max(1, sent),
    }


async def one_client(
    server: LanguageServer, provider: str, home: Path, ends: float, *, long: bool, first: int
) -> tuple[list[tuple[float, int]], Figures]:
    """When answers came and what they used, and the client's figures."""
    settings = Settings(
        home=home, openai_api_key=server.openai_key, openai_base_url=server.openai_url,
        anthropic_api_key=server.anthropic_key, anthropic_base_url=server.anthropic_url,
    )  # fmt: skip
    now = lambda: datetime.now(UTC)  # noqa: E731
    answered: list[tuple[float, int]] = []
    with open_ledger(home, now) as ledger:
        client = Client(
            ledger, open_providers(settings, [provider]), Run("bench", "by hand", str(home)), Budget(1e6, 1e6),
            Limits(period_s=MINUTE_S), now, models=language_models(),
        )  # fmt: skip

        async def work(i: int, step: int) -> None:
            while time.monotonic() < ends:
                reply = await client.ask(question(provider, i, long=long))
                used = reply.usage
                answered.append((time.monotonic(), used.input + used.cached + used.cache_write + used.output))
                i += step

        async with client:
            await asyncio.gather(*(work(first + i, 96) for i in range(96)))
        figures = client.figures
    return answered, figures


def measure(folder: Path) -> dict[str, float]:
    """Both providers, requests and tokens binding."""
    limits = {"*": {"requests": REQUESTS, "tokens": TOKENS}}
    figures: dict[str, float] = {"minute_s": MINUTE_S, "minutes": MINUTES}
    for provider in MODELS:
        for name, long, clients in (("requests", False, 1), ("tokens", True, 1), ("shared", False, 2)):
            with start_server(latency_ms=LATENCY_MS, window_s=MINUTE_S, limits=limits, voices=False, log=0) as server:
                got = asyncio.run(use(server, provider, folder / f"{provider}-{name}", long=long, clients=clients))
            figures |= {f"{provider}_{name}_{what}": value for what, value in got.items()}
    return figures
