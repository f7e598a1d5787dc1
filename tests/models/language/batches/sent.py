"""Batches submitted, collected and finished in an event loop of their own."""

import asyncio

from models.language.batches import Batches
from models.language.offers import language_models
from models.language.providers.anthropic import Anthropic
from models.language.providers.openai import OpenAI
from tests.models.language.asking import PLENTY, a_run, ask

PRICES = language_models().models
PROVIDERS = ("openai", "anthropic")


def asks(n: int, provider: str = "openai", first: int = 0):
    return [ask(f"question {i} of a long night", provider=provider, max_tokens=3000) for i in range(first, first + n)]


def provider_of(server, provider, *, max_requests=None, max_bytes=None):
    if provider == "openai":
        opened = OpenAI(server.openai_key, language_models(), 10, base_url=server.openai_url)
    else:
        opened = Anthropic(server.anthropic_key, language_models(), 10, base_url=server.anthropic_url)
    opened.max_requests = max_requests or opened.max_requests
    opened.max_bytes = max_bytes or opened.max_bytes
    return opened


def running(opened, work):
    """Run in an event loop of its own, and close the opened's connections in it."""

    async def run():
        try:
            return await work()
        finally:
            await opened.close()

    return asyncio.run(run())


def submit(ledger, opened, requests, run=None, budget=PLENTY):
    batches = Batches(ledger, {opened.name: opened})
    return running(opened, lambda: batches.submit(opened.name, run or a_run(), budget, requests, PRICES))


def collect(ledger, opened):
    return running(opened, Batches(ledger, {opened.name: opened}).collect)


def recover(ledger, opened, sure_after_s=0.0, app=None):
    return running(opened, Batches(ledger, {opened.name: opened}, app=app, sure_after_s=sure_after_s).recover)


def finish(ledger, opened, wait_s=20.0, *, app=None, sure_after_s=0.0, grace_s=10.0):
    batches = Batches(ledger, {opened.name: opened}, app=app, sure_after_s=sure_after_s)
    return running(opened, lambda: batches.finish(wait_s, grace_s=grace_s, poll_s=0.05))


def claims_of(ledger, requests):
    return ledger.claim(a_run(), PLENTY, requests, PRICES)


def billed_once(server, requests):
    """Every question was billed, none twice."""
    by_question = server.control.bills(entries=False)["by_question"]
    return len(by_question) == len(requests) and set(by_question.values()) == {1}
