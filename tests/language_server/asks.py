"""Requests that the tests of the server send, and clients to send them with."""

import json

import anthropic
import openai

GPT, HAIKU = "gpt-5.6-luna", "claude-haiku-5-5"
ENTRY = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "description": {"type": "string"}},
    "required": ["title", "description"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "object",
    "properties": {"variants": {"type": "array", "items": ENTRY}},
    "required": ["variants"],
    "additionalProperties": False,
}
LONG = "Write as the app's own people would. " * 200  # 1,850 tokens


def brief(**more):
    """The user part of a prompt for a daily challenge."""
    data = {
        "app": "nowhere",
        "content_type": "daily_challenge",
        "language": "en",
        "variants": 3,
        "task": "close {goal_1} with a stop-loss in place",
        "slots": {"goal_1": "a number", "window": "when", "period": "when", "until": "when"},
        "one_of": [["goal_1"], ["window", "period", "until"]],
        "max_chars": {"title": 60, "text": 240},
    }
    return f"Write.\n<brief>{json.dumps(data | more)}</brief>"


def openai_body(user=None, **more):
    form = {"type": "json_schema", "name": "texts", "schema": SCHEMA, "strict": True}
    return {
        "model": GPT, "input": user or brief(), "max_output_tokens": 2000, "text": {"format": form},
    } | more  # fmt: skip


def anthropic_body(user=None, **more):
    return {
        "model": HAIKU,
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": user or brief()}],
        "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
    } | more


def openai_client(server, **more):
    return openai.OpenAI(**{"base_url": server.openai_url, "api_key": server.openai_key, "max_retries": 0} | more)


def anthropic_client(server, **more):
    return anthropic.Anthropic(
        **{"base_url": server.anthropic_url, "api_key": server.anthropic_key, "max_retries": 0} | more
    )


def ask(server, provider, user=None, **more):
    """The answer's text from a provider."""
    if provider == "openai":
        with openai_client(server) as client:
            return client.responses.create(**openai_body(user, **more)).output_text
    with anthropic_client(server) as client:
        return client.messages.create(**anthropic_body(user, **more)).content[0].text


def openai_file(bodies, ids=None, url="/v1/responses"):
    """JSON Lines of a batch."""
    ids = ids or [f"line-{i}" for i in range(len(bodies))]
    lines = [{"custom_id": i, "method": "POST", "url": url, "body": body} for i, body in zip(ids, bodies, strict=True)]
    return "\n".join(map(json.dumps, lines)).encode()
