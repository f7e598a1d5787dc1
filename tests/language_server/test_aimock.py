"""Live answers of both providers against a server that somebody else wrote: the npm package @copilotkit/aimock."""

import asyncio

import pytest

from models.language.calls import Failed, Request, Usage, Written, most_it_costs
from models.language.offers import language_models
from models.language.providers.anthropic import Anthropic
from models.language.providers.openai import OpenAI
from models.language.providers.provider import NoAnswerError, NotSentError
from tests.language_server import aimock
from tests.language_server.asks import GPT, HAIKU, LONG, SCHEMA

pytestmark = pytest.mark.slow
KEY = "sk-ant-test-0123456789"
TEXT = '{"variants": []}'
USAGE = {"input_tokens": 120, "output_tokens": 30, "prompt_tokens": 120, "completion_tokens": 30}
PORT_NOBODY_HAS = 9


def _error(status, kind, code=None, **more):
    return {"error": {"message": f"said {status}", "type": kind, "code": code}, "status": status, **more}


ANSWERS = {
    "plain": {"response": {"content": TEXT, "usage": USAGE}},
    "cut at its length": {"response": {"content": TEXT[:9], "usage": USAGE, "finishReason": "length"}},
    "declined": {"response": {"content": "No.", "usage": USAGE, "finishReason": "refusal"}},
    "too many": {"response": _error(429, "rate_limit_error", "rate_limit_exceeded", retryAfter=3)},
    "no credit": {"response": _error(429, "insufficient_quota", "insufficient_quota")},
    "overloaded": {"response": _error(529, "overloaded_error")},
    "server error": {"response": _error(500, "api_error")},
    "wrong request": {"response": _error(400, "invalid_request_error")},
    "unknown model": {"response": _error(404, "not_found_error", "model_not_found")},
    "garbled": {"response": {"content": TEXT}, "chaos": {"malformedRate": 1}},
    "cable pulled": {"response": {"content": TEXT}, "chaos": {"disconnectRate": 1}},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("aimock")
    fixtures = [{"match": {"userMessage": said}, **answer} for said, answer in ANSWERS.items()]
    try:
        with aimock.run(aimock.install(folder), folder, fixtures, KEY) as running:
            yield running
    except aimock.MissingError as missing:
        pytest.skip(f"no aimock: {missing}")


def _opened(server, kind, key=KEY):
    models = language_models()
    if kind == "anthropic":
        return Anthropic(key, models, 10, base_url=server.root)
    return OpenAI(key, models, 10, base_url=f"{server.root}/v1", api=kind)


def _request(kind, said):
    provider = "anthropic" if kind == "anthropic" else "openai"
    return Request(
        provider=provider,
        model=HAIKU if kind == "anthropic" else GPT,
        system=LONG,
        user=said,
        schema=SCHEMA,
        schema_name="texts",
        max_tokens=500,
        effort="low",
    )


def _reply(server, kind, said, key=KEY):
    opened, request = _opened(server, kind, key), _request(kind, said)

    async def ask():
        try:
            sent = await opened.send(request)
        finally:
            await opened.close()
        return sent, opened.read(request, sent.status, sent.body)

    return asyncio.run(ask())


ALL = pytest.mark.parametrize("kind", ["responses", "chat", "anthropic"])


@ALL
def test_an_answer_is_read_with_what_it_cost(server, kind):
    _, reply = _reply(server, kind, "plain")
    assert isinstance(reply, Written)
    assert (reply.text, reply.usage) == (TEXT, Usage(input=120, output=30))
    assert reply.cost_usd == reply.usage.cost_usd(language_models().models[_request(kind, "").model])


@ALL
def test_a_truncated_answer_is_a_failure_that_was_paid_for(server, kind):
    _, reply = _reply(server, kind, "cut at its length")
    assert isinstance(reply, Failed)
    assert (reply.reason, reply.usage) == ("truncated", Usage(input=120, output=30))
    assert reply.cost_usd > 0


def test_what_anthropic_declines_is_refused(server):
    _, reply = _reply(server, "anthropic", "declined")
    assert (reply.reason, reply.usage.output) == ("refused", 30)


@ALL
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("too many", "rate"),
        ("no credit", "quota"),
        ("overloaded", "overloaded"),
        ("server error", "overloaded"),
        ("wrong request", "rejected"),
        ("unknown model", "model"),
    ],
)
def test_an_error_says_why_and_costs_nothing(server, kind, said, reason):
    sent, reply = _reply(server, kind, said)
    assert (reply.reason, reply.cost_usd) == (reason, 0)
    assert sent.headers.get("retry-after") == {"too many": "3", "no credit": "1"}.get(said)


@ALL
def test_a_key_that_it_does_not_take_is_told(server, kind):
    _, reply = _reply(server, kind, "plain", key="sk-wrong")
    assert (reply.reason, reply.cost_usd) == ("key", 0)


@ALL
def test_a_garbled_200_counts_as_paid_for_at_the_most(server, kind):
    _, reply = _reply(server, kind, "garbled")
    request = _request(kind, "garbled")
    assert reply.reason == "malformed"
    assert reply.cost_usd == most_it_costs(request, language_models().models[request.model])


@ALL
def test_a_cut_connection_is_no_answer_and_a_closed_door_was_not_sent(server, kind):
    with pytest.raises(NoAnswerError):
        _reply(server, kind, "cable pulled")
    with pytest.raises(NotSentError):
        _reply(aimock.Aimock(f"http://127.0.0.1:{PORT_NOBODY_HAS}"), kind, "plain")


@ALL
def test_the_whole_question_arrives(server, kind):
    _reply(server, kind, "plain")
    asked = str(server.journal()[-1])
    assert LONG[:200] in asked
    assert "plain" in asked
    assert _request(kind, "").model in asked
