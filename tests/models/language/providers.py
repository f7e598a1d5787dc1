"""Providers that ask the test server, and the questions to ask."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress

from configs.settings import Settings
from models.language.calls import Request
from models.language.offers import language_models, open_providers

MODELS = {"openai": "gpt-5.6-luna", "anthropic": "claude-haiku-5-5"}
SCHEMA = {
    "type": "object",
    "properties": {
        "variants": {
            "type": "array",
            "minItems": 1,
            "maxItems": 9,
            "items": {
                "type": "object",
                "properties": {"title": {"type": "string", "maxLength": 60}, "description": {"type": "string"}},
                "required": ["title", "description"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["variants"],
    "additionalProperties": False,
}


def settings_for(server, **others):
    given = {
        "openai_api_key": server.openai_key, "openai_base_url": server.openai_url,
        "anthropic_api_key": server.anthropic_key, "anthropic_base_url": server.anthropic_url, "answer_timeout_s": 10,
    }  # fmt: skip
    return Settings(**(given | others))


def provider_for(server, provider, **others):
    return open_providers(settings_for(server, **others), [provider])[provider]


def question(provider, n=1, **others):
    brief = {
        "app": "test", "content_type": "daily_challenge", "language": "en", "variants": 2, "turn": n,
        "theme": "a harbour", "task": "finish {goal_1}", "slots": {"goal_1": "3 voyages", "window": "today"},
        "one_of": [["goal_1"], ["window"]], "max_chars": {"title": 60, "description": 280},
    }  # fmt: skip
    values = {
        "model": MODELS[provider], "system": "You write for players.", "schema": SCHEMA, "schema_name": "answer",
        "user": f"<brief>{json.dumps(brief)}</brief>", "max_tokens": 900, "effort": "low", "purpose": "daily_challenge",
    }  # fmt: skip
    return Request(provider=provider, **(values | others))


def price(provider):
    return language_models().models[MODELS[provider]]


def send(opened, *requests):
    """Ask one after the other; the replies."""

    async def ask():
        try:
            replies = []
            for request in requests:
                sent = await opened.send(request)
                replies.append(opened.read(request, sent.status, sent.body, seconds=sent.seconds))
            return replies
        finally:
            await opened.close()

    return asyncio.run(ask())


@asynccontextmanager
async def listening(answer):
    """A server of a few lines: `answer(reader, writer)` serves a connection. Gives its address."""
    serving = set()

    async def serve(reader, writer):
        serving.add(asyncio.current_task())
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await answer(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def finish(provider, batch_id):
    for _ in range(10_000):
        state = await provider.poll(batch_id)
        if state.status != "running":
            return state
        await asyncio.sleep(0.02)
    raise AssertionError("the batch did not end")


def run(provider, steps):
    async def within():
        try:
            return await steps()
        finally:
            await provider.close()

    return asyncio.run(within())
