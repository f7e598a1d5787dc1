import asyncio
import gzip
import json
import socket
from dataclasses import replace

import pytest

from configs.errors import NightquestError
from configs.settings import Settings
from models.language.calls import Failed, Usage, Written, most_it_costs
from models.language.offers import open_providers
from models.language.providers.answers import why, without_keys
from models.language.providers.provider import NoAnswerError, NotSentError
from tests.models.language.providers import MODELS, listening, price, provider_for, question, send

BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])


@BOTH
def test_an_answer_is_read_with_the_tokens_and_the_price_that_were_billed(language_server, provider):
    (reply,) = send(provider_for(language_server, provider), question(provider))
    assert isinstance(reply, Written)
    assert len(json.loads(reply.text)["variants"]) == 2
    (bill,) = language_server.control.bills()["bills"]
    billed = Usage(bill["input"], bill["cached"], bill["cache_write"], bill["output"], bill["reasoning"])
    assert reply.usage == billed
    assert reply.cost_usd == pytest.approx(billed.cost_usd(price(provider)))
    assert reply.seconds > 0


@BOTH
def test_what_came_from_the_providers_cache_is_told_apart(language_server, provider):
    long = question(provider, system="You write for players. " * 2000)
    first, second = send(provider_for(language_server, provider), long, replace(long, user="another"))
    assert (first.usage.cached, second.usage.cache_write) == (0, 0)
    assert second.usage.cached == max(first.usage.cache_write, second.usage.cached) > 5000
    assert second.cost_usd < first.cost_usd


@BOTH
@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"what": "429"}, "rate"), ({"what": "529"}, "overloaded"), ({"what": "500"}, "overloaded"),
        ({"what": "wrong_key"}, "key"), ({"what": "quota"}, "quota"), ({"what": "quota", "kind": "400"}, "quota"),
    ],
    ids=str,
)  # fmt: skip
def test_an_error_is_told_by_its_reason_and_costs_nothing(language_server, provider, rule, reason):
    language_server.control.faults(rule)
    (reply,) = send(provider_for(language_server, provider), question(provider))
    assert (type(reply), reply.reason, reply.cost_usd) == (Failed, reason, 0)
    assert reply.detail


@BOTH
def test_an_unknown_model_and_a_wrong_request_are_told_apart(language_server, provider):
    opened = provider_for(language_server, provider)
    unknown, wrong = send(opened, question(provider, model="nobody-1"), question(provider, max_tokens=0))
    assert (unknown.reason, wrong.reason) == ("model", "rejected")


@BOTH
def test_a_wrong_key_is_never_repeated(language_server, provider):
    secret = "sk-ant-secret-1234567890" if provider == "anthropic" else "sk-secret-1234567890"
    opened = provider_for(language_server, provider, **{f"{provider}_api_key": secret})
    (reply,) = send(opened, question(provider))
    assert reply.reason == "key"
    assert "secret" not in reply.detail
    assert "7890" not in reply.detail
    assert "secret" not in repr(opened)


@BOTH
@pytest.mark.parametrize(("rule", "reason"), [("refusal", "refused"), ("truncation", "truncated")])
def test_an_answer_that_is_none_is_paid_for(language_server, provider, rule, reason):
    language_server.control.faults({"what": rule})
    (reply,) = send(provider_for(language_server, provider), question(provider))
    (bill,) = language_server.control.bills()["bills"]
    assert reply.reason == reason
    assert reply.usage.output == bill["output"]
    assert reply.cost_usd == reply.usage.cost_usd(price(provider)) > 0


@BOTH
@pytest.mark.parametrize("kind", ["body", "empty", "shape"])
def test_a_200_that_does_not_say_its_cost_costs_the_most_it_can(language_server, provider, kind):
    language_server.control.faults({"what": "malformed", "kind": kind})
    request = question(provider)
    (reply,) = send(provider_for(language_server, provider), request)
    assert (reply.reason, reply.usage) == ("malformed", Usage())
    assert reply.cost_usd == most_it_costs(request, price(provider))


@BOTH
@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'{"usage": 3}', b"\xff\xfe", b'{"usage": {"input_tokens": "x"}}']
)
@pytest.mark.parametrize("status", [200, 400, 503])
def test_reading_never_raises(language_server, provider, body, status):
    reply = provider_for(language_server, provider).read(question(provider), status, body)
    assert reply.reason == {200: "malformed", 400: "rejected", 503: "overloaded"}[status]


@BOTH
def test_a_cut_after_sending_may_have_been_billed(language_server, provider):
    language_server.control.faults({"what": "cut_after"})
    with pytest.raises(NoAnswerError):
        send(provider_for(language_server, provider), question(provider))


@BOTH
def test_an_answer_that_does_not_come_in_time_may_have_been_billed(language_server, provider):
    language_server.control.faults({"what": "timeout"})
    with pytest.raises(NoAnswerError):
        send(provider_for(language_server, provider, answer_timeout_s=0.3), question(provider))


@BOTH
def test_an_answer_that_drips_for_ever_ends_at_the_timeout(provider):
    async def drip(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(100):
            writer.write(b" ")
            await asyncio.sleep(0.05)

    with pytest.raises(NoAnswerError):
        asyncio.run(_ask_a_server(provider, drip, answer_timeout_s=0.4))


@BOTH
@pytest.mark.parametrize("cut", [0, 20])
def test_a_compressed_answer_is_read_and_one_that_breaks_off_is_none(provider, cut):
    body = gzip.compress(
        json.dumps({"error": {"type": "invalid_request_error", "message": "so it says " * 50}}).encode()
    )

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 No\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body))
        writer.write(body[: len(body) - cut])

    asked = _ask_a_server(provider, answer)
    if cut:
        with pytest.raises(NoAnswerError):
            asyncio.run(asked)
    else:
        assert "so it says" in asyncio.run(asked).detail


@BOTH
def test_where_nobody_listens_nothing_is_sent(provider):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        settings = Settings(**{f"{provider}_api_key": "sk-x", f"{provider}_base_url": url})
        with pytest.raises(NotSentError):
            send(open_providers(settings)[provider], question(provider))


@BOTH
def test_a_redirect_is_not_followed_and_nothing_is_told_of_this_machine(provider):
    asked = []

    async def answer(reader, writer):
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")

    reply = asyncio.run(_ask_a_server(provider, answer))
    assert reply.reason == "rejected"
    assert len(asked) == 1
    assert b"stainless" not in asked[0].lower()


async def _ask_a_server(provider, answer, **others):
    async with listening(answer) as url:
        settings = Settings(**({f"{provider}_api_key": "sk-x", f"{provider}_base_url": url} | others))
        opened, request = open_providers(settings)[provider], question(provider)
        try:
            sent = await opened.send(request)
            return opened.read(request, sent.status, sent.body)
        finally:
            await opened.close()


@BOTH
def test_one_provider_serves_one_event_loop_after_the_other(language_server, provider):
    opened = provider_for(language_server, provider)
    assert all(isinstance(send(opened, question(provider, n))[0], Written) for n in range(2))


def test_there_are_only_providers_with_a_key(language_server):
    assert open_providers(Settings()) == {}
    assert list(open_providers(Settings(anthropic_api_key="sk-ant-1"))) == ["anthropic"]
    with pytest.raises(NightquestError, match="NIGHTQUEST_OPENAI_API_KEY"):
        open_providers(Settings(anthropic_api_key="sk-ant-1"), ["openai"])
    with pytest.raises(NightquestError, match="NIGHTQUEST_OPENAI_API_KEY"):
        open_providers(Settings(openai_api_key="  "), ["openai"])


@pytest.mark.parametrize("text", ["key sk-abc123 was", "key sk-ant-api03-xyz_1 was", "key sk-proj*****9x2 was"])
def test_nothing_that_looks_like_a_key_is_repeated(text):
    assert without_keys(text) == "key sk-... was"


@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (429, {"code": "insufficient_quota"}, "quota"), (429, {"type": "rate_limit_error"}, "rate"),
        (402, {"type": "billing_error"}, "quota"), (401, {}, "key"), (403, {}, "key"), (404, {}, "model"),
        (400, {"code": "model_not_found"}, "model"), (400, {"message": "The model `x` does not exist"}, "model"),
        (400, {"message": "Your credit balance is too low"}, "quota"), (400, {}, "rejected"), (413, {}, "rejected"),
        (422, {}, "rejected"), (529, {}, "overloaded"), (500, {"message": "insufficient_quota"}, "overloaded"),
        (307, {}, "rejected"), (408, {}, "overloaded"),
    ],
)  # fmt: skip
def test_a_status_and_its_words_give_the_reason(status, error, reason):
    assert why(status, json.dumps({"error": error}).encode())[0] == reason


def test_the_models_of_these_tests_have_prices():
    assert all(price(provider).provider == provider for provider in MODELS)
