"""Whatever a provider sends is read: an answer or a reason, at its real cost, and no money stays put aside."""

import asyncio
import datetime as dt
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.language.calls import Failed, Usage, Written, most_it_costs
from models.language.client import Client
from models.language.ledger import Budget, Outcome, Run, open_ledger
from models.language.offers import language_models, open_providers
from models.language.pacing import Limits
from models.language.providers import anthropic, openai
from models.language.providers.answers import UNREADABLE
from models.language.providers.anthropic import Anthropic
from models.language.providers.provider import Provider
from models.language.providers.sdk import readable
from models.language.rate import read_limits, retry_after_s
from tests.models.language.providers import listening, price, question, settings_for

SAID = json.dumps({"variants": [{"title": "A Quiet Path", "description": "Walk it."}]})
USED = {"input_tokens": 50, "output_tokens": 20}
CHAT = {
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": SAID}}],
    "usage": {"prompt_tokens": 50, "completion_tokens": 20, "total_tokens": 70},
}
RESPONSE = {
    "status": "completed", "usage": USED, "error": None, "incomplete_details": None,
    "output": [{"type": "message", "content": [{"type": "output_text", "text": SAID, "annotations": []}]}],
}  # fmt: skip
MESSAGE = {"stop_reason": "end_turn", "content": [{"type": "text", "text": SAID}], "usage": USED}
PROTOCOLS = {"chat": CHAT, "responses": RESPONSE, "messages": MESSAGE}

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(10**300, 10**310), st.floats(), st.text(max_size=20),
    st.sampled_from(["text", "refusal", "message", "failed", "incomplete", "length", "-5", "1e999"]),
)  # fmt: skip
junk = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


class Nowhere:
    openai_key, anthropic_key = "sk-x", "sk-ant-x"
    openai_url = anthropic_url = "http://127.0.0.1:9"


def provider_of(protocol):
    return "anthropic" if protocol == "messages" else "openai"


def providers_of(protocol, **others):
    api = {} if protocol == "messages" else {"openai_api": protocol}
    return open_providers(settings_for(Nowhere, **api, **others), [provider_of(protocol)])


def read(protocol, answer):
    provider = provider_of(protocol)
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return providers_of(protocol)[provider].read(question(provider), 200, body)


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from places(inner, (*path, name))


def put(value, path, new):
    """The value with something else at the path."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


@st.composite
def spoiled(draw, whole):
    for _ in range(draw(st.integers(1, 3))):
        whole = put(whole, draw(st.sampled_from(sorted(places(whole), key=repr))), draw(junk))
        if not isinstance(whole, dict):
            break
    return whole


@pytest.mark.parametrize("protocol", PROTOCOLS)
@settings(max_examples=200)
@given(data=st.data())
def test_any_answer_ends_in_a_text_or_a_reason_at_a_cost_that_can_be(protocol, data):
    whole = PROTOCOLS[protocol]
    answer = data.draw(spoiled(whole))
    reply = read(protocol, answer)
    assert isinstance(reply, Written | Failed)
    assert 0 <= reply.cost_usd < 10_000
    if isinstance(answer, dict) and answer.get("usage") == whole["usage"] and answer.get("status") != "failed":
        assert reply.usage == Usage(50, output=20)
        assert reply.cost_usd == pytest.approx(Usage(50, output=20).cost_usd(price(provider_of(protocol))))


PART = {"type": "text", "text": SAID}
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}


@pytest.mark.parametrize("protocol", ["chat", "messages"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SAID, SAID), ([PART], SAID), ([THOUGHT, PART], SAID), ([SAID], SAID), ([{"text": SAID}], SAID),
        ([{"type": "text", "text": SAID[:9]}, {"type": "text", "text": SAID[9:]}], SAID),
        ([{"type": "image_url", "image_url": {"url": "x"}}, PART], SAID),
        ({"a": 1}, None), ({"variants": []}, None), (3, None), (1.5, None), (True, None), ([], None), ("", None),
        (None, None), ([[]], None), ([None], None), ([{"type": "text", "text": {"a": 1}}], None), ([THOUGHT], None),
        ([{"type": ["text"], "text": SAID}], None),
    ],
    ids=repr,
)  # fmt: skip
def test_content_in_parts_is_joined_and_any_other_is_malformed_at_its_real_cost(protocol, content, said):
    path = ("choices", 0, "message", "content") if protocol == "chat" else ("content",)
    reply = read(protocol, put(PROTOCOLS[protocol], path, content))
    assert (reply.text if isinstance(reply, Written) else None) == said
    assert said or reply.reason == "malformed"
    assert reply.cost_usd == pytest.approx(Usage(50, output=20).cost_usd(price(provider_of(protocol))))


@pytest.mark.parametrize("refusal", ["No.", {"why": "No."}, ["No."], 7])
def test_a_refusal_of_any_form_is_a_refusal(refusal):
    chat = put(CHAT, ("choices", 0, "message"), {"content": None, "refusal": refusal})
    part = put(RESPONSE, ("output", 0, "content", 0), {"type": "refusal", "refusal": str(refusal)})
    stopped = MESSAGE | {"stop_reason": "refusal", "stop_details": {"explanation": refusal}}
    replies = [read("chat", chat), read("responses", part), read("messages", stopped)]
    assert [(reply.reason, "No" in reply.detail or "7" in reply.detail) for reply in replies] == [("refused", True)] * 3


@pytest.mark.parametrize("tokens", [-5, 1.5, "many", 10**12, 1e300, [1], {"n": 1}, None])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_tokens_that_cannot_be_a_count_are_not_believed(protocol, tokens):
    name = "completion_tokens" if protocol == "chat" else "output_tokens"
    reply = read(protocol, put(PROTOCOLS[protocol], ("usage", name), tokens))
    assert (reply.reason, reply.usage) == ("malformed", Usage())
    assert reply.cost_usd > 0


LINES = {
    "openai": (
        openai.read_result,
        {"custom_id": "k-1", "response": {"status_code": 200, "body": RESPONSE}, "error": None},
    ),
    "anthropic": (
        anthropic.read_result,
        {"custom_id": "k-1", "result": {"type": "succeeded", "message": MESSAGE}},
    ),
}


@pytest.mark.parametrize("provider", LINES)
@settings(max_examples=150)
@given(data=st.data())
def test_any_line_of_a_batch_is_somebodys_answer_or_nobodys(provider, data):
    shape, whole = LINES[provider]
    line = data.draw(st.one_of(st.binary(max_size=80), spoiled(whole).map(lambda value: json.dumps(value).encode())))
    result = readable(line, shape)
    reply = providers_of("messages" if provider == "anthropic" else "responses")[provider].read(
        question(provider), result.status or 200, result.body, batch=True
    )
    assert isinstance(reply, Written | Failed)


def test_an_unreadable_line_still_counts_for_the_question_that_it_names():
    assert readable(b'{"custom_id": "k-1", "response": 7}', openai.read_result).custom_id == "k-1"
    assert readable(b'{"custom_id": "k-2", "result": {"type": "new"}}', anthropic.read_result).custom_id == "k-2"
    assert readable(b"\xff\xfe", openai.read_result).custom_id == ""


BATCHES = {
    "openai": {
        "id": "b1", "status": "completed", "created_at": 1, "metadata": {"nightquest": "k"}, "output_file_id": "f",
        "request_counts": {"completed": 1, "failed": 0, "total": 1}, "errors": {"data": [{"line": 1, "message": "x"}]},
    },
    "anthropic": {
        "id": "b1", "processing_status": "ended", "created_at": "2026-01-01T00:00:00Z", "archived_at": None,
        "request_counts": {"processing": 0, "succeeded": 1, "errored": 0, "canceled": 0, "expired": 0},
    },
}  # fmt: skip


@pytest.mark.parametrize("provider", BATCHES)
@settings(max_examples=150)
@given(data=st.data())
def test_any_word_on_a_batch_is_a_state_or_unreadable(provider, data):
    told = data.draw(spoiled(BATCHES[provider]))
    try:
        state = providers_of("messages" if provider == "anthropic" else "responses")[provider].state(told)
    except UNREADABLE:
        return
    assert all(isinstance(count, int) and count >= 0 for count in state.counts.values())


@settings(max_examples=250)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "retry-after", "retry-after-ms", "x-ratelimit-limit-requests", "x-ratelimit-limit-tokens",
                "anthropic-ratelimit-input-tokens-limit",
            ]
        ),
        st.one_of(
            st.text(st.characters(max_codepoint=255), max_size=30),
            st.from_regex(r"\A[0-9]{1,400}(ms|s|m|h|d)?\Z"),
            st.sampled_from([
                "1e-320", "-1", "nan", "9999-12-31T23:59:59Z", "Fri, 31 Dec 9999 23:59:59 -9999",
                "Thu, 01 Jan 1970 00:00:00 GMT", "Mon, 99 Foo 2026 99:99:99 +99999999999", "0001-01-01T00:00:00+23:59",
            ]),
        ),
    )
)  # fmt: skip
def test_any_header_is_an_allowance_or_nothing(headers):
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    wait = retry_after_s(headers, now)
    assert wait is None or wait >= 0
    found = [read_limits(headers, kind.limit_headers) for kind in (Anthropic, Provider)]
    assert all(1 <= limit < float("inf") for some in found for limit in some.values())


BODIES = [
    json.dumps(put(CHAT, ("choices", 0, "message", "content"), [PART, THOUGHT])).encode(),
    json.dumps(put(CHAT, ("choices", 0, "message", "content"), {"a": 1})).encode(),
    json.dumps(CHAT | {"choices": []}).encode(), json.dumps(CHAT | {"usage": -1}).encode(),
    json.dumps(put(CHAT, ("choices", 0, "message", "content"), "\x00\u2028\U0001f600" * 9)).encode(),
    b"", b"null", b"[1]", b'"text"', b"\xff\xfe{", b"[" * 9000, b'{"usage":' + b"9" * 5000 + b"}",
    b'{"choices": "\\ud800"}',
]  # fmt: skip


async def serve_in_turn(reader, writer):
    """Every answer of BODIES, one after another, under a header that makes no sense."""
    while head := await reader.readuntil(b"\r\n\r\n"):
        size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        n = json.loads(await reader.readexactly(size))["messages"][1]["content"]
        body = BODIES[int(n)]
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-ratelimit-limit-tokens: 1e-320\r\n"
            b"x-ratelimit-reset-tokens: soon\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        await writer.drain()


@pytest.mark.parametrize("state", ["first", "again"])
def test_after_any_answers_no_money_stays_put_aside_and_none_is_asked_twice(tmp_path, state):
    def now():
        return dt.datetime.now(dt.UTC)

    run = Run("test", "2026-01-01", "a run")
    asked = [question("openai", user=str(n), effort=None) for n in range(len(BODIES))]

    async def ask():
        async with listening(serve_in_turn) as url:
            given = settings_for(Nowhere, openai_base_url=url, openai_api="chat")
            providers = open_providers(given, ["openai"])
            client = Client(ledger, providers, run, Budget(9, 9), Limits(), now, models=language_models())
            async with client:
                replies = await asyncio.gather(*(client.ask(one) for one in asked))
            return replies, client.figures.sent

    with open_ledger(tmp_path, now) as ledger:
        replies, sent = asyncio.run(ask())
        if state == "again":
            replies, sent = asyncio.run(ask())
        report = ledger.report(run, whole_night=True)
    assert sent == (len(BODIES) if state == "first" else 0)
    assert report.reserved_usd == 0
    assert report.cost_usd == pytest.approx(sum(reply.cost_usd for reply in replies))
    assert {reply.reason for reply in replies if isinstance(reply, Failed)} == {"malformed"}


OLD = {"openai": "gpt-4", "anthropic": "claude-3-opus-20240229"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_model_that_cannot_be_held_to_a_schema_is_told_it_and_its_fenced_answer_is_read(protocol):
    provider = provider_of(protocol)
    opened, request = providers_of(protocol)[provider], question(provider, model=OLD[provider], effort=None)
    body = json.loads(opened.batch_line("k-1", request))
    body = body.get("body") or body["params"]
    assert "variants" in json.dumps(body)
    assert not {"response_format", "text", "output_config"} & set(body)
    path = {
        "chat": ("choices", 0, "message", "content"), "responses": ("output", 0, "content", 0, "text"),
        "messages": ("content", 0, "text"),
    }[protocol]  # fmt: skip
    answer = put(PROTOCOLS[protocol], path, f"```json\n{SAID}\n```")
    assert opened.read(request, 200, json.dumps(answer).encode()).text == SAID


def test_an_answer_whose_price_is_not_known_here_is_booked_at_the_most_it_can_be(tmp_path):
    request = question("openai")
    reply = Written(request.key, SAID, Usage(50, output=20), 0.0)
    with open_ledger(tmp_path, lambda: dt.datetime.now(dt.UTC)) as ledger:
        run = Run("test", "2026-01-01", "a run")
        (attempt,) = ledger.claim(run, Budget(9, 9), [request], language_models().models)
        ledger.settle([Outcome(attempt.id, reply)])
        report = ledger.report(run)
    assert report.cost_usd == pytest.approx(most_it_costs(request, price("openai")))
    assert report.reserved_usd == 0
