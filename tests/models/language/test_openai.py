import asyncio
import datetime as dt
import json

import pytest

from models.language.calls import Usage, Written
from models.language.providers.provider import DeclinedError, NoAnswerError, NotSentError
from models.language.providers.sdk import SdkProvider
from tests.models.language.providers import finish, listening, provider_for, question, run, send

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def provider(language_server):
    return provider_for(language_server, "openai")


def answer(**values):
    message = {"type": "message", "content": [{"type": "output_text", "text": '{"a": 1}'}]}
    usage = {
        "input_tokens": 1000, "input_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 100},
        "output_tokens": 50, "output_tokens_details": {"reasoning_tokens": 20},
    }  # fmt: skip
    made = {"status": "completed", "output": [{"type": "reasoning"}, message], "usage": usage, "error": None}
    return json.dumps(made | values).encode()


def read(provider, body):
    return provider.read(question("openai"), 200, body)


def test_input_includes_what_was_cached_and_is_told_without_it(provider):
    reply = read(provider, answer())
    assert isinstance(reply, Written)
    assert (reply.text, reply.usage) == ('{"a": 1}', Usage(300, 600, 100, 50, 20))


def test_an_answer_in_a_batch_costs_the_batchs_share(provider):
    live, batch = (provider.read(question("openai"), 200, answer(), batch=batch) for batch in (False, True))
    assert batch.cost_usd == live.cost_usd / 2
    assert batch.batch


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "truncated"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "refused"),
        ({"output": []}, "malformed"),
        ({"output": [{"type": "message", "content": [{"type": "refusal", "refusal": "no"}]}]}, "refused"),
        ({"status": "failed", "error": {"code": "server_error", "message": "x"}}, "malformed"),
    ],
)
def test_a_billed_answer_that_is_none_keeps_its_usage(provider, values, reason):
    reply = read(provider, answer(**values))
    assert reply.reason == reason
    assert reply.usage.output == 50
    assert reply.cost_usd > 0


@pytest.mark.parametrize(("code", "reason"), [("server_error", "overloaded"), ("rate_limit_exceeded", "rate")])
def test_a_failure_that_was_not_billed_may_be_asked_again(provider, code, reason):
    reply = read(provider, answer(status="failed", usage=None, output=[], error={"code": code, "message": "x"}))
    assert (reply.reason, reply.cost_usd, reply.usage) == (reason, 0, Usage())


def test_the_body_is_structured_unstored_and_shares_a_cache_with_those_of_its_system(provider):
    first, second = (provider.body(question("openai", n)) for n in range(2))
    assert first["text"]["format"]["strict"]
    assert first["text"]["format"]["schema"]["additionalProperties"] is False
    assert (first["store"], first["reasoning"], first["max_output_tokens"]) == (False, {"effort": "low"}, 900)
    assert first["prompt_cache_key"] == second["prompt_cache_key"]
    assert first["input"] != second["input"]
    assert "reasoning" not in provider.body(question("openai", effort=None))


@pytest.mark.parametrize("text", ['"quoted" \\ \u2028 \x00 the user part', "ü\ud800", "the user part"])
def test_whatever_the_user_part_holds_it_arrives_as_it_is(provider, text):
    assert json.loads(json.dumps(provider.body(question("openai", user=text))))["input"] == text


def test_a_compatible_server_without_responses_is_asked_by_chat(language_server):
    provider = provider_for(language_server, "openai", openai_api="chat")
    (reply,) = send(provider, question("openai"))
    assert len(json.loads(reply.text)["variants"]) == 2
    (bill,) = language_server.control.bills()["bills"]
    assert bill["endpoint"] == "/v1/chat/completions"
    assert reply.usage.output == bill["output"]


@pytest.mark.parametrize(("rule", "reason"), [("refusal", "refused"), ("truncation", "truncated")])
def test_in_chat_too_an_answer_that_is_none_is_told(language_server, rule, reason):
    language_server.control.faults({"what": rule})
    (reply,) = send(provider_for(language_server, "openai", openai_api="chat"), question("openai"))
    assert reply.reason == reason
    assert reply.cost_usd > 0


def lines(provider, n):
    return [provider.batch_line(f"key1-{i}", question("openai", i)) for i in range(n)]


def test_a_batch_is_submitted_found_by_its_key_and_read_to_the_last_line(provider, language_server):
    language_server.control.faults({"what": "batch_partial", "share": 0.3}, {"what": "batch_shuffle"})

    async def steps():
        batch = await provider.submit("key1", lines(provider, 20))
        state = await finish(provider, batch)
        results = await provider.results(batch)
        found = await provider.find("key1", 20, LONG_AGO, [])
        other = await provider.find("key2", 20, LONG_AGO, [])
        known = await provider.find("key1", 20, LONG_AGO, [batch])
        return batch, state, results, found, other, known

    batch, state, results, found, other, known = run(provider, steps)
    assert (found, other, known) == ([batch], [], [])
    assert (state.status, state.counts["total"]) == ("ended", 20)
    assert sorted(result.custom_id for result in results) == sorted(f"key1-{i}" for i in range(20))
    request = question("openai")
    replies = [provider.read(request, result.status, result.body, batch=True) for result in results]
    written = [reply for reply in replies if isinstance(reply, Written)]
    assert 0 < len(written) == state.counts["completed"] < 20
    assert {reply.reason for reply in replies if reply not in written} <= {"overloaded", "rejected", "rate"}


def test_a_batch_is_looked_for_through_all_pages_but_no_further_back_than_needed(provider, monkeypatch):
    monkeypatch.setattr(SdkProvider, "page_size", 2)

    async def steps():
        made = [await provider.submit(f"key{i}", lines(provider, 1)) for i in range(5)]
        soon = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        return made, await provider.find("key0", 1, LONG_AGO, []), await provider.find("key0", 1, soon, [])

    made, found, later = run(provider, steps)
    assert (found, later) == ([made[0]], [])


def test_a_canceled_batch_says_so(provider, language_server):
    language_server.control.faults({"what": "batch_slow", "seconds": 60})

    async def steps():
        batch = await provider.submit("key1", lines(provider, 3))
        await provider.cancel(batch)
        return await finish(provider, batch)

    assert run(provider, steps).status == "canceled"


def test_a_batch_that_failed_says_why(provider, language_server):
    async def steps():
        return await finish(provider, await provider.submit("key1", [b"{\n"]))

    state = run(provider, steps)
    assert state.status == "failed"
    assert "line 1" in state.detail


def test_a_refused_batch_was_not_begun_and_an_unanswered_one_may_have_been(provider, language_server):
    language_server.control.faults({"what": "429", "on": ["create"]})
    with pytest.raises(DeclinedError) as declined:
        run(provider, lambda: provider.submit("key1", lines(provider, 1)))
    assert declined.value.reason == "rate"
    for rule in ({"what": "batch_orphan"}, {"what": "500", "on": ["create"]}):
        language_server.control.faults(rule)
        with pytest.raises(NoAnswerError):
            run(provider, lambda: provider.submit("key1", lines(provider, 1)))


def test_an_upload_that_is_not_answered_began_nothing(provider, language_server):
    language_server.control.faults({"what": "500", "on": ["files"]})
    with pytest.raises(NotSentError, match="upload"):
        run(provider, lambda: provider.submit("key1", lines(provider, 1)))


def test_lines_are_split_at_line_feeds_only(language_server):
    body = '{"custom_id":"a","response":null,"error":{"code":"batch_expired","message":"x\u2028y\x85z"}}'

    async def answer(reader, writer):
        while True:
            asked = (await reader.readuntil(b"\r\n\r\n")).split()[1]
            text = {b"/batches/b": '{"status":"expired","output_file_id":null,"error_file_id":"f"}'}.get(asked)
            data = (text or f"{body}\n\n{body}").encode()
            for part in (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data), data[:40], data[40:]):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.01)

    async def steps():
        async with listening(answer) as url:
            own = provider_for(language_server, "openai", openai_base_url=url)
            try:
                return await own.results("b")
            finally:
                await own.close()

    results = asyncio.run(steps())
    assert [(result.custom_id, result.reason) for result in results] == [("a", "expired")] * 2
    assert "x\u2028y\x85z" in results[0].detail
