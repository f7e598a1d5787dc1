"""Nights of words killed with SIGKILL at random moments and run again to the end: is any question bought twice?

Four combinations, live and batch with either provider. A night is a process that asks every brief of its provider; it
is killed, started again with the same home, killed again, until it comes to its end; then the next night. The moments
are drawn evenly over the time that a night takes. The test server's books say what was billed:

- every brief is answered;
- live, no question is billed twice but those that the ledger says were in flight at a kill;
- in a batch, none is billed twice at all;
- the ledger has never booked less than was billed.
"""

import asyncio
import json
import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from configs.settings import Settings
from models.language.batches import Batches
from models.language.calls import Reply, Request, Usage, Written
from models.language.client import Client
from models.language.ledger import Budget, Ledger, Run, open_ledger
from models.language.offers import language_models, open_providers
from models.language.pacing import Limits
from models.language.providers import anthropic, openai
from models.language.providers.provider import BatchProvider, Provider
from tests.forks import FORKS
from tests.language_server import LanguageServer, start_server
from tests.language_server.asked import canonical, sha

KILLS, BRIEFS = 200, 2000
LOADED = (anthropic, openai)  # here, not in every process that is killed
COMBINATIONS: tuple[tuple[str, str], ...] = (
    ("live", "openai"), ("live", "anthropic"), ("batch", "openai"), ("batch", "anthropic"),
)  # fmt: skip
MODELS: dict[str, str] = {"openai": "gpt-5.6-luna", "anthropic": "claude-haiku-5-5"}
OTHER: dict[str, str] = {"openai": "anthropic", "anthropic": "openai"}
PLENTY = Budget(1e6, 1e6)
SURE_AFTER_S = 1.0  # the server is near
LATENCY_MS, BATCH_S = 40, 0.4
A_BATCH = 250  # requests, so that a night has several
SYSTEM = "You write for people who play. " * 40
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "text": {"type": "string"}},
    "required": ["title", "text"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Night:
    """What the process that is killed is told."""

    home: Path
    server: LanguageServer
    mode: str
    provider: str
    briefs: int


@dataclass
class Tally:
    """What a combination came to, summed over its nights.

    Attributes:
        billed: Answers on the server's bills.
        twice: Questions billed more than once.
        unexplained: Those of them that were not in flight at a kill by the ledger; in a batch all of them.
        in_flight: In flight at a kill, as the ledger counts them.
        elsewhere: Briefs answered by the other provider: their answer was lost twice, and none is sent a third time.
        underbooked: Nights whose ledger booked less than was billed.
    """

    nights: int = 0
    kills: int = 0
    briefs: int = 0
    billed: int = 0
    twice: int = 0
    unexplained: int = 0
    in_flight: int = 0
    resent: int = 0
    unanswered: int = 0
    elsewhere: int = 0
    adopted: int = 0
    given_up: int = 0
    underbooked: int = 0
    seconds: float = 0.0

    @property
    def broken(self) -> bool:
        """Whether a promise was not kept."""
        return bool(self.unexplained or self.unanswered or self.underbooked or self.twice > self.in_flight)


def measure(folder: Path, kills: int = KILLS, briefs: int = BRIEFS, seed: int = 1) -> dict[str, float]:
    """Figures over all combinations, after a table of each.

    Raises:
        SystemExit: A promise was not kept.
    """
    tallies: dict[str, Tally] = {}
    with start_server(latency_ms=LATENCY_MS, batch_s=BATCH_S, voices=False) as server:
        for i, (mode, provider) in enumerate(COMBINATIONS):
            share = kills // 4 + (i < kills % 4)
            home = folder / f"{mode}-{provider}"
            tallies[f"{mode} {provider}"] = _combination(home, server, mode, provider, share, briefs, seed)
    _print(tallies)
    if any(tally.broken for tally in tallies.values()):
        raise SystemExit("a question was bought twice, lost or not booked: see the table")
    return {field.name: sum(getattr(tally, field.name) for tally in tallies.values()) for field in fields(Tally)}


def _combination(
    folder: Path, server: LanguageServer, mode: str, provider: str, kills: int, briefs: int, seed: int
) -> Tally:
    """Nights until so many kills have been made."""
    tally, draw = Tally(), Random(f"{seed}/{mode}/{provider}")  # noqa: S311  no secret
    started = time.monotonic()
    _run(Night(folder / "first", server, mode, provider, 1), None)  # starts what later processes are forked from
    whole_s = _run(Night(folder / "unkilled", server, mode, provider, briefs), None)
    for n in count():
        if tally.kills >= kills:
            break
        server.control.reset()
        server.control.settings(latency_ms=LATENCY_MS, batch_s=BATCH_S)
        night = Night(folder / str(n), server, mode, provider, briefs)
        while tally.kills < kills and _run(night, draw.uniform(0, whole_s)) < 0:
            tally.kills += 1
        _run(night, None)
        server.control.idle()
        _check(night, tally)
    tally.seconds = time.monotonic() - started
    return tally


def _run(night: Night, kill_after_s: float | None) -> float:
    """Seconds that a run took, or -1 when it was killed."""
    begun = time.monotonic()
    process = FORKS.Process(target=work, args=(night,))
    process.start()
    process.join(kill_after_s)
    if process.exitcode is None and process.pid is not None:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        return -1
    if process.exitcode:
        raise SystemExit(f"a run of {night.mode} {night.provider} failed with exit code {process.exitcode}")
    return time.monotonic() - begun


def work(night: Night) -> None:
    """Write a night's words, as far as they are not written; the body of the process that is killed."""
    with open_ledger(night.home, lambda: datetime.now(UTC)) as ledger:
        run = Run("killed", "2024-03-01", f"{os.getpid()}-{time.monotonic_ns()}")
        requests = asks(night.provider, night.briefs)
        providers = _providers(night.server)
        if night.mode == "batch":
            asyncio.run(_in_batches(ledger, providers, night.provider, run, requests))
        replies = _live(ledger, providers, run, requests)
        lost = [i for i, reply in enumerate(replies) if not isinstance(reply, Written)]
        elsewhere = asks(OTHER[night.provider], night.briefs)
        again = _live(ledger, providers, run, [elsewhere[i] for i in lost])
        if not all(isinstance(reply, Written) for reply in again):
            raise SystemExit(f"not answered: {[reply for reply in again if not isinstance(reply, Written)][:3]}")


async def _in_batches(
    ledger: Ledger,
    providers: dict[str, Provider],
    provider: str,
    run: Run,
    requests: Sequence[Request],
) -> None:
    prices = language_models().models
    released = 1
    while released:  # until what was never begun has gone with another batch
        batches = Batches(ledger, providers, sure_after_s=SURE_AFTER_S)
        await batches.recover()
        await batches.submit(provider, run, PLENTY, requests, prices)
        done = await batches.finish(60, poll_s=0.05, longest_poll_s=0.2)
        released = done.released
    for opened in providers.values():
        await opened.close()
    if done.open:
        raise SystemExit(f"batches did not end: {done}")


def _live(ledger: Ledger, providers: dict[str, Provider], run: Run, requests: Sequence[Request]) -> list[Reply]:
    client = Client(ledger, providers, run, PLENTY, Limits(), lambda: datetime.now(UTC), models=_unlimited())
    return client.ask_all(requests) if requests else []


def asks(provider: str, n: int) -> list[Request]:
    """Distinct questions."""
    return [
        Request(
            provider, MODELS[provider], SYSTEM, json.dumps({"brief": i, "occasion": f"night {i}"}), SCHEMA, "text", 900
        )
        for i in range(n)
    ]


def _unlimited() -> Any:
    models = language_models()
    free = {"requests_per_minute": 10_000_000, "tokens_per_minute": 2_000_000_000}
    return models.model_copy(update={"models": {k: m.model_copy(update=free) for k, m in models.models.items()}})


def _providers(server: LanguageServer) -> dict[str, Provider]:
    settings = Settings(
        openai_api_key=server.openai_key,
        openai_base_url=server.openai_url,
        anthropic_api_key=server.anthropic_key,
        anthropic_base_url=server.anthropic_url,
    )
    providers = open_providers(settings)
    for opened in providers.values():
        assert isinstance(opened, BatchProvider)
        opened.max_requests = A_BATCH
    return providers


def _check(night: Night, tally: Tally) -> None:
    """Hold a night's books, ours and the server's, against each other."""
    bills = night.server.control.bills()
    providers = _providers(night.server)
    own, other = asks(night.provider, night.briefs), asks(OTHER[night.provider], night.briefs)
    killed = _killed(night.home)
    with open_ledger(night.home, lambda: datetime.now(UTC)) as ledger:
        run = Run("killed", "2024-03-01", "check")
        prices = language_models().models
        first = ledger.claim(run, Budget(0, 0), own, prices)
        second = ledger.claim(run, Budget(0, 0), other, prices)
        report = ledger.report(run, whole_night=True)
        adopted, given_up = ledger.file.connection.execute(
            "SELECT total(adopted), total(state = 'released') FROM batch"
        ).fetchone()
    tally.nights += 1
    tally.briefs += night.briefs
    tally.billed += bills["n"]
    for request in own + other:
        times = bills["by_body"].get(_body_sha(providers[request.provider], request), 0)
        tally.twice += times > 1
        tally.unexplained += times > 1 + (killed[request.key] if night.mode == "live" else 0)
    tally.in_flight += report.in_flight_at_kill
    tally.resent += report.resent
    for one, two in zip(first, second, strict=True):
        tally.elsewhere += not isinstance(one, Written)
        tally.unanswered += not isinstance(one, Written) and not isinstance(two, Written)
    tally.adopted += round(adopted)
    tally.given_up += round(given_up)
    cost = sum(_cost(bill) for bill in bills["bills"])
    tally.underbooked += report.cost_usd + report.reserved_usd < cost - 1e-6
    tally.unexplained += night.mode == "batch" and any(bill["batch"] is None for bill in bills["bills"])


def _cost(bill: Mapping[str, Any]) -> float:
    usage = Usage(*(bill[kind] for kind in vars(Usage())))
    return usage.cost_usd(language_models().models[bill["model"]], batch=bill["batch"] is not None)


def _body_sha(opened: Provider, request: Request) -> str:
    """How the server's books know a request."""
    assert isinstance(opened, BatchProvider)
    line = json.loads(opened.batch_line("x", request))
    return sha(canonical(line.get("body") or line["params"]))


def _killed(home: Path) -> Counter[str]:
    """How often each question was in flight at a kill."""
    connection = sqlite3.connect(home / "ledger" / "language.sqlite")
    try:
        rows: Iterator[tuple[str, int]] = connection.execute(
            "SELECT key, count(*) FROM attempt WHERE killed GROUP BY 1"
        )
        return Counter(dict(rows))
    finally:
        connection.close()


def _print(tallies: dict[str, Tally]) -> None:
    """A row for each figure, a column for each combination."""
    print(" " * 14, *(f"{title:>16}" for title in tallies))
    for field in fields(Tally):
        print(f"{field.name:<14}", *(f"{getattr(tally, field.name):>16.0f}" for tally in tallies.values()), flush=True)
