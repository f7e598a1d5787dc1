import asyncio
import datetime as dt
import json

import pytest

from models.language.calls import Usage, Written
from models.language.providers.provider import DeclinedError, NoAnswerError
from tests.models.language.providers import finish, provider_for, question, run

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
KEY = "b0123456789abcdef01234"  # as long as what of a key stands in a custom id


@pytest.fixture
def provider(language_server):
    return provider_for(language_server, "anthropic")


def answer(**values):
    usage = {
        "input_tokens": 300, "cache_read_input_tokens": 600, "cache_creation_input_tokens": 100, "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 20},
    }  # fmt: skip
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": '{"a": 1}'}]
    return json.dumps({"content": content, "stop_reason": "end_turn", "usage": usage} | values).encode()


def read(provider, body):
    return provider.read(question("anthropic"), 200, body)


def test_input_excludes_what_was_cached(provider):
    reply = read(provider, answer())
    assert isinstance(reply, Written)
    assert (reply.text, reply.usage) == ('{"a": 1}', Usage(300, 600, 100, 50, 20))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"stop_reason": "max_tokens"}, "truncated"),
        ({"stop_reason": "model_context_window_exceeded"}, "truncated"),
        ({"stop_reason": "refusal", "content": []}, "refused"),
        ({"content": []}, "malformed"),
        ({"content": None}, "malformed"),
    ],
)
def test_a_billed_answer_that_is_none_keeps_its_usage(provider, values, reason):
    reply = read(provider, answer(**values))
    assert reply.reason == reason
    assert reply.usage.output == 50
    assert reply.cost_usd > 0


def test_the_body_marks_the_system_for_the_cache_and_drops_bounds_that_are_not_accepted(provider):
    body = provider.body(question("anthropic"))
    assert body["system"][0]["cache_control"] == {"type": "ephemeral"}
    variants = body["output_config"]["format"]["schema"]["properties"]["variants"]
    assert "maxItems" not in variants
    assert "maxLength" not in variants["items"]["properties"]["title"]
    assert variants["items"]["required"] == ["title", "description"]
    assert variants["items"]["additionalProperties"] is False
    assert body["output_config"]["effort"] == "low"


def test_less_effort_than_the_provider_has_is_its_least(provider):
    body = provider.body(question("anthropic", effort="minimal"))
    assert body["output_config"]["effort"] == "low"
    assert "effort" not in provider.body(question("anthropic", effort=None))["output_config"]


def lines(provider, n, key=KEY):
    return [provider.batch_line(f"{key[:22]}-{i}", question("anthropic", i)) for i in range(n)]


def test_a_batch_is_submitted_and_read_and_found_by_the_ids_of_its_results(provider, language_server):
    language_server.control.faults({"what": "batch_partial", "share": 0.3}, {"what": "batch_shuffle"})

    async def steps():
        batch = await provider.submit(KEY, lines(provider, 20))
        other = await provider.submit("x" * 22, lines(provider, 20, "x" * 22))
        state = await finish(provider, batch)
        await finish(provider, other)
        results = await provider.results(batch)
        found = await provider.find(KEY, 20, LONG_AGO, [])
        size = await provider.find(KEY, 19, LONG_AGO, [])
        known = await provider.find(KEY, 20, LONG_AGO, [batch])
        return batch, state, results, found, size, known

    batch, state, results, found, size, known = run(provider, steps)
    assert (found, size, known) == ([batch], [], [])
    assert (state.status, state.counts["total"]) == ("ended", 20)
    assert sorted(result.custom_id for result in results) == sorted(f"{KEY}-{i}" for i in range(20))
    replies = [provider.read(question("anthropic"), one.status, one.body, batch=True) for one in results]
    written = [reply for reply in replies if isinstance(reply, Written)]
    assert 0 < len(written) == state.counts["completed"] < 20
    assert {reply.reason for reply in replies if reply not in written} <= {"overloaded", "rejected", "rate"}


def test_a_batch_that_has_not_ended_may_be_the_one(provider, language_server):
    language_server.control.faults({"what": "batch_slow", "seconds": 1})

    async def steps():
        batch = await provider.submit(KEY, lines(provider, 2))
        with pytest.raises(NoAnswerError, match=f"not ended: {batch}"):
            await provider.find(KEY, 2, LONG_AGO, [])
        await provider.cancel(batch)
        return await finish(provider, batch), await provider.results(batch)

    state, results = run(provider, steps)
    assert state.status == "ended"
    assert {one.reason for one in results} == {"canceled"}


def test_lines_that_expired_say_so(provider, language_server):
    language_server.control.faults({"what": "batch_expire", "share": 0.5})

    async def steps():
        batch = await provider.submit(KEY, lines(provider, 12))
        await finish(provider, batch)
        return await provider.results(batch)

    assert {one.reason for one in run(provider, steps)} == {None, "expired"}


def test_a_refused_batch_was_not_begun_and_an_unanswered_one_may_have_been(provider, language_server):
    language_server.control.faults({"what": "429", "on": ["create"]})
    with pytest.raises(DeclinedError) as declined:
        run(provider, lambda: provider.submit(KEY, lines(provider, 1)))
    assert declined.value.reason == "rate"
    for rule in ({"what": "batch_orphan"}, {"what": "500", "on": ["create"]}):
        language_server.control.faults(rule)
        with pytest.raises(NoAnswerError):
            run(provider, lambda: provider.submit(KEY, lines(provider, 1)))


def test_results_are_asked_of_the_provider_whatever_address_it_names(provider):
    async def steps():
        batch = await provider.submit(KEY, lines(provider, 1))
        await finish(provider, batch)
        asked = []
        get = provider.client.get

        async def watched(path, **arguments):
            asked.append(path)
            return await get(path, **arguments)

        provider.client.get = watched
        return asked, await provider.results(batch)

    asked, results = run(provider, steps)
    assert len(results) == 1
    assert all(path.startswith("/v1/") for path in asked)


def test_a_cut_in_the_middle_of_results_is_told(provider, language_server):
    async def steps():
        batch = await provider.submit(KEY, lines(provider, 40))
        await finish(provider, batch)
        await asyncio.to_thread(language_server.control.faults, {"what": "cut_after", "on": ["results"]})
        return await provider.results(batch)

    with pytest.raises(NoAnswerError):
        run(provider, steps)
