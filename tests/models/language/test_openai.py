import asyncio
import datetime as dt
import json

import pytest

from models.language.calls import Usage, Written
from models.language.vendor import DeclinedError, Found, NoAnswerError, NotSentError, NotThere
from tests.models.language.vending import listening, question, send, vendor_for

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def vendor(language_server):
    return vendor_for(language_server, "openai")


def answer(**values):
    message = {"type": "message", "content": [{"type": "output_text", "text": '{"a": 1}'}]}
    usage = {
        "input_tokens": 1000, "input_tokens_details": {"cached_tokens": 600, "cache_write_tokens": 100},
        "output_tokens": 50, "output_tokens_details": {"reasoning_tokens": 20},
    }  # fmt: skip
    made = {"status": "completed", "output": [{"type": "reasoning"}, message], "usage": usage, "error": None}
    return json.dumps(made | values).encode()


def read(vendor, body):
    return vendor.read(question("openai"), 200, {}, body)


def test_input_includes_what_was_cached_and_is_told_without_it(vendor):
    reply = read(vendor, answer())
    assert isinstance(reply, Written)
    assert (reply.text, reply.usage) == ('{"a": 1}', Usage(300, 600, 100, 50, 20))


def test_an_answer_in_a_batch_costs_the_batchs_share(vendor):
    live, batch = (vendor.read(question("openai"), 200, {}, answer(), batch=batch) for batch in (False, True))
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
def test_a_billed_answer_that_is_none_keeps_its_usage(vendor, values, reason):
    reply = read(vendor, answer(**values))
    assert reply.reason == reason
    assert reply.usage.output == 50
    assert reply.cost_usd > 0


@pytest.mark.parametrize(("code", "reason"), [("server_error", "overloaded"), ("rate_limit_exceeded", "rate")])
def test_a_failure_that_was_not_billed_may_be_asked_again(vendor, code, reason):
    reply = read(vendor, answer(status="failed", usage=None, output=[], error={"code": code, "message": "x"}))
    assert (reply.reason, reply.cost_usd, reply.usage) == (reason, 0, Usage())


def test_the_body_is_structured_unstored_and_shares_a_cache_with_those_of_its_system(vendor):
    first, second = (json.loads(vendor._frames.body(question("openai", n))) for n in range(2))
    assert first["text"]["format"]["strict"]
    assert first["text"]["format"]["schema"]["additionalProperties"] is False
    assert (first["store"], first["reasoning"], first["max_output_tokens"]) == (False, {"effort": "low"}, 900)
    assert first["prompt_cache_key"] == second["prompt_cache_key"]
    assert first["input"] != second["input"]
    assert "reasoning" not in json.loads(vendor._frames.body(question("openai", effort=None)))


@pytest.mark.parametrize("text", ['"quoted" \\ \u2028 \x00 the user part', "ü\ud800", "the user part"])
def test_whatever_the_user_part_holds_it_arrives_as_it_is(vendor, text):
    assert json.loads(vendor._frames.body(question("openai", user=text)))["input"] == text


def test_a_compatible_server_without_responses_is_asked_by_chat(language_server):
    vendor = vendor_for(language_server, "openai", openai_api="chat")
    (reply,) = send(vendor, question("openai"))
    assert len(json.loads(reply.text)["variants"]) == 2
    (bill,) = language_server.control.bills()["bills"]
    assert bill["endpoint"] == "/v1/chat/completions"
    assert reply.usage.output == bill["output"]


@pytest.mark.parametrize(("rule", "reason"), [("refusal", "refused"), ("truncation", "truncated")])
def test_in_chat_too_an_answer_that_is_none_is_told(language_server, rule, reason):
    language_server.control.faults({"what": rule})
    (reply,) = send(vendor_for(language_server, "openai", openai_api="chat"), question("openai"))
    assert reply.reason == reason
    assert reply.cost_usd > 0


def lines(vendor, folder, n):
    path = folder / "batch.jsonl"
    path.write_bytes(b"".join(vendor.body_line(f"key1-{i}", question("openai", i)) for i in range(n)))
    return path


async def finish(vendor, batch_id):
    for _ in range(10_000):
        state = await vendor.poll(batch_id)
        if state.status != "running":
            return state
        await asyncio.sleep(0.02)
    raise AssertionError("the batch did not end")


def run(vendor, steps):
    async def within():
        try:
            return await steps()
        finally:
            await vendor.close()

    return asyncio.run(within())


def test_a_batch_is_submitted_found_by_its_key_and_read_to_the_last_line(vendor, language_server, tmp_path):
    language_server.control.faults({"what": "batch_partial", "share": 0.3}, {"what": "batch_shuffle"})
    files = []

    async def steps():
        batch = await vendor.submit("key1", lines(vendor, tmp_path, 20), 20, uploaded=files.append)
        state = await finish(vendor, batch)
        results = [result async for result in vendor.results(batch)]
        found = await vendor.find("key1", 20, LONG_AGO, [])
        other = await vendor.find("key2", 20, LONG_AGO, [])
        known = await vendor.find("key1", 20, LONG_AGO, [batch])
        return batch, state, results, found, other, known

    batch, state, results, found, other, known = run(vendor, steps)
    assert (found, other, known) == (Found((batch,)), NotThere(), NotThere())
    assert (state.status, state.counts["total"]) == ("ended", 20)
    assert sorted(result.custom_id for result in results) == sorted(f"key1-{i}" for i in range(20))
    request = question("openai")
    replies = [vendor.read(request, result.status, {}, result.body, batch=True) for result in results]
    assert len(files) == 1
    written = [reply for reply in replies if isinstance(reply, Written)]
    assert 0 < len(written) == state.counts["completed"] < 20
    assert {reply.reason for reply in replies if reply not in written} <= {"overloaded", "rejected", "rate"}


def test_a_batch_is_looked_for_through_all_pages_but_no_further_back_than_needed(vendor, tmp_path, monkeypatch):
    monkeypatch.setattr("models.language.openai.PAGE", 2)

    async def steps():
        made = [await vendor.submit(f"key{i}", lines(vendor, tmp_path, 1), 1) for i in range(5)]
        soon = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        return made, await vendor.find("key0", 1, LONG_AGO, []), await vendor.find("key0", 1, soon, [])

    made, found, later = run(vendor, steps)
    assert found == Found((made[0],))
    assert later == NotThere()


def test_a_canceled_batch_says_so(vendor, language_server, tmp_path):
    language_server.control.faults({"what": "batch_slow", "seconds": 1})

    async def steps():
        batch = await vendor.submit("key1", lines(vendor, tmp_path, 3), 3)
        await vendor.cancel(batch)
        return await finish(vendor, batch)

    assert run(vendor, steps).status == "canceled"


def test_a_batch_that_failed_says_why(vendor, language_server, tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"{\n")

    async def steps():
        return await finish(vendor, await vendor.submit("key1", path, 1))

    state = run(vendor, steps)
    assert state.status == "failed"
    assert "line 1" in state.detail


def test_a_refused_batch_was_not_begun_and_an_unanswered_one_may_have_been(vendor, language_server, tmp_path):
    language_server.control.faults({"what": "429", "on": ["create"]})
    with pytest.raises(DeclinedError) as declined:
        run(vendor, lambda: vendor.submit("key1", lines(vendor, tmp_path, 1), 1))
    assert declined.value.reason == "rate"
    for rule in ({"what": "batch_orphan"}, {"what": "500", "on": ["create"]}):
        language_server.control.faults(rule)
        with pytest.raises(NoAnswerError):
            run(vendor, lambda: vendor.submit("key1", lines(vendor, tmp_path, 1), 1))


def test_an_upload_that_is_not_answered_began_nothing(vendor, language_server, tmp_path):
    language_server.control.faults({"what": "500", "on": ["files"]})
    with pytest.raises(NotSentError, match="upload"):
        run(vendor, lambda: vendor.submit("key1", lines(vendor, tmp_path, 1), 1))


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
            own = vendor_for(language_server, "openai", openai_base_url=url)
            try:
                return [result async for result in own.results("b")]
            finally:
                await own.close()

    results = asyncio.run(steps())
    assert [(result.custom_id, result.reason) for result in results] == [("a", "expired")] * 2
    assert "x\u2028y\x85z" in results[0].detail
