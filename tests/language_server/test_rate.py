"""Rate limits of the test server: what is let through, what is refused, and what the headers say of it."""

import time

import anthropic
import openai
import pytest

from tests.language_server.asked import ApiError, Asked
from tests.language_server.asks import (
    GPT,
    HAIKU,
    anthropic_body,
    anthropic_client,
    openai_body,
    openai_client,
)
from tests.language_server.bills import Billed
from tests.language_server.limits import Limits
from tests.language_server.options import Options


def _asked(provider="openai", tokens=100, length=400):
    return Asked(provider, "/v1/x", "m", "", "x" * length, None, tokens, None, False, {})


def test_the_allowance_of_a_minute_comes_back_steadily():
    limits = Limits(Options(limits={"m": {"requests": 60}}, window_s=60))
    for _ in range(60):
        limits.admit(_asked(), now=0)
    with pytest.raises(ApiError) as refused:
        limits.admit(_asked(), now=0.5)
    assert refused.value.headers["retry-after-ms"] == "500"
    assert refused.value.headers["retry-after"] == "1"
    limits.admit(_asked(), now=1)
    with pytest.raises(ApiError):
        limits.admit(_asked(), now=1)
    assert limits.report()["m"]["admitted"] == 61
    assert limits.report()["m"]["refused"] == 2


def test_a_refused_request_takes_nothing():
    limits = Limits(Options(limits={"m": {"requests": 1, "tokens": 1_000_000}}))
    first = limits.admit(_asked(), now=0)
    with pytest.raises(ApiError) as refused:
        limits.admit(_asked(), now=0)
    assert refused.value.headers["x-ratelimit-remaining-tokens"] == first["x-ratelimit-remaining-tokens"]


def test_output_that_was_reserved_and_not_used_is_given_back():
    limits = Limits(Options(limits={"m": {"tokens": 1000}}))
    asked = _asked(tokens=700, length=400)
    limits.admit(asked, now=0)
    with pytest.raises(ApiError):
        limits.admit(asked, now=0)
    limits.settle(asked, Billed(asked.input_tokens, 0, 0, 50, 0), now=0)
    limits.admit(asked, now=0)
    assert limits.report()["m"]["tokens"] == asked.input_tokens + 50


def test_a_minute_can_be_six_seconds_long():
    limits = Limits(Options(limits={"m": {"requests": 60}}, window_s=6, burst=1 / 60))
    limits.admit(_asked(), now=0)
    with pytest.raises(ApiError) as refused:
        limits.admit(_asked(), now=0)
    assert float(refused.value.headers["retry-after"]) == pytest.approx(0.1)
    limits.admit(_asked(), now=0.1)


def test_openai_refuses_with_its_code_and_headers(language_server):
    language_server.control.settings(limits={GPT: {"requests": 2, "tokens": 100_000}}, window_s=60)
    with openai_client(language_server) as client:
        answer = client.responses.with_raw_response.create(**openai_body())
        assert answer.headers["x-ratelimit-limit-requests"] == "2"
        assert answer.headers["x-ratelimit-remaining-requests"] == "1"
        assert answer.headers["x-ratelimit-reset-requests"].endswith("s")
        client.responses.create(**openai_body())
        with pytest.raises(openai.RateLimitError) as refused:
            client.responses.create(**openai_body())
    assert (refused.value.code, refused.value.type) == ("rate_limit_exceeded", "requests")
    assert 0 < float(refused.value.response.headers["retry-after"]) <= 31
    assert language_server.control.bills()["n"] == 2


def test_anthropic_refuses_with_its_type_and_headers(language_server):
    language_server.control.settings(limits={HAIKU: {"requests": 1, "input_tokens": 50_000, "output_tokens": 8_000}})
    with anthropic_client(language_server) as client:
        answer = client.messages.with_raw_response.create(**anthropic_body())
        assert answer.headers["anthropic-ratelimit-requests-remaining"] == "0"
        assert answer.headers["anthropic-ratelimit-output-tokens-limit"] == "8000"
        assert answer.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
        with pytest.raises(anthropic.RateLimitError) as refused:
            client.messages.create(**anthropic_body())
    assert refused.value.body["error"]["type"] == "rate_limit_error"
    assert int(refused.value.response.headers["retry-after"]) == 60


def test_the_sdks_own_retry_waits_as_long_as_it_is_told(language_server):
    language_server.control.settings(limits={GPT: {"requests": 30}}, window_s=6, burst=1 / 30)
    start = time.monotonic()
    with openai_client(language_server, max_retries=3) as client:
        for _ in range(3):
            client.responses.create(**openai_body())
    assert time.monotonic() - start > 0.38
    assert language_server.control.limits()[GPT]["admitted"] == 3
