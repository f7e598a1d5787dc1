"""Faults of the test server, as the official SDKs meet them, and what is billed with each."""

import json
import re
import signal
import subprocess
import sys
import time

import anthropic
import httpx2
import openai
import psutil
import pytest

from tests.language_server.asks import ask, brief, openai_body, openai_client
from tests.language_server.client import ROOT, start_server
from tests.language_server.faults import FAULTS, read_rule
from tests.language_server.spoil import CANARY

BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])
SDK = {"openai": openai, "anthropic": anthropic}
SOON_S = 1.5  # in which a question is sent on any machine


def _texts(answer):
    return [entry["description"] for entry in json.loads(answer)["variants"]]


@BOTH
@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"what": "429", "retry_after": 7}, 429),
        ({"what": "529"}, (503, 529)),
        ({"what": "500"}, 500),
        ({"what": "wrong_key"}, 401),
        ({"what": "quota"}, (429, 402)),
    ],
    ids=lambda value: value["what"] if isinstance(value, dict) else "",
)
def test_an_error_status_costs_nothing(language_server, provider, rule, status):
    language_server.control.faults(rule)
    with pytest.raises(SDK[provider].APIStatusError) as said:
        ask(language_server, provider)
    assert said.value.status_code == (status if isinstance(status, int) else status[provider == "anthropic"])
    assert said.value.response.headers.get("retry-after") == ("7" if rule["what"] == "429" else None)
    assert language_server.control.bills()["n"] == 0


@BOTH
@pytest.mark.parametrize(("what", "billed"), [("cut_before", 0), ("cut_after", 1)])
def test_a_cut_connection_may_or_may_not_have_been_billed(language_server, provider, what, billed):
    language_server.control.faults({"what": what})
    with pytest.raises(SDK[provider].APIConnectionError):
        ask(language_server, provider)
    assert language_server.control.bills()["n"] == billed


@pytest.mark.parametrize("billed", [False, True])
def test_an_answer_that_never_comes_may_be_billed(language_server, billed):
    language_server.control.faults({"what": "timeout", "billed": billed})
    with openai_client(language_server, timeout=SOON_S) as client, pytest.raises(openai.APITimeoutError):
        client.responses.create(**openai_body())
    language_server.control.idle()
    assert language_server.control.bills()["n"] == int(billed)


def test_a_client_that_goes_before_its_answer_comes_pays_all_the_same(language_server):
    language_server.control.settings(holding=True)
    with openai_client(language_server, timeout=SOON_S) as client, pytest.raises(openai.APITimeoutError):
        client.responses.create(**openai_body())
    assert language_server.control.bills()["n"] == 0
    language_server.control.settings(holding=False)
    language_server.control.idle()
    (bill,) = language_server.control.bills()["bills"]
    assert not bill["delivered"]


@pytest.mark.parametrize("kind", ["body", "empty", "shape", "text"])
def test_a_malformed_200_is_billed(language_server, kind):
    language_server.control.faults({"what": "malformed", "kind": kind})
    with openai_client(language_server) as client:
        said = client.responses.with_raw_response.create(**openai_body())
    assert said.status_code == 200
    with pytest.raises((ValueError, KeyError)):
        json.loads(json.loads(said.content)["output"][0]["content"][0]["text"])
    assert language_server.control.bills()["n"] == 1


@BOTH
def test_refusals_and_truncations_are_said_and_billed(language_server, provider):
    language_server.control.faults({"what": "refusal", "times": 1}, {"what": "truncation"})
    if provider == "openai":
        with openai_client(language_server) as client:
            refused = client.responses.create(**openai_body()).output[0].content[0]
            cut = client.responses.create(**openai_body())
        assert (refused.type, cut.status) == ("refusal", "incomplete")
    else:
        with anthropic.Anthropic(base_url=language_server.root, api_key=language_server.anthropic_key) as client:
            message = {"model": "claude-haiku-5-5", "max_tokens": 500, "messages": [{"role": "user", "content": "x"}]}
            assert client.messages.create(**message).stop_reason == "refusal"
            assert client.messages.create(**message).stop_reason == "max_tokens"
    assert language_server.control.bills()["n"] == 2


@BOTH
@pytest.mark.parametrize(
    ("what", "sign"),
    [
        ("wrong_slots", r"\{(goal_2|reward|player_name)\}|(?<!\{)goal_1"),
        ("invented_numbers", r"(?<!_)\d|Nine in ten"),
        ("injected", rf"(?i)ignore|https?:|<script|{CANARY}|password|```"),
        ("wrong_language", r"(?i)\b(wartet|défi|reto)\b|[\u0430-\u044f]|[ぁ-ん]"),
    ],
)
def test_spoilt_texts_keep_the_form_and_break_the_rule(language_server, provider, what, sign):
    language_server.control.faults({"what": what})
    texts = _texts(ask(language_server, provider))
    assert len(texts) == 3
    assert all(re.search(sign, text) for text in texts)
    language_server.control.faults()
    assert not any(re.search(sign, text) for text in _texts(ask(language_server, provider)))


def test_slow_answers_wait_and_come(language_server):
    language_server.control.faults({"what": "slow", "seconds": 0.3})
    start = time.monotonic()
    ask(language_server, "openai")
    assert time.monotonic() - start > 0.3


def test_rules_choose_by_text_content_type_count_and_turn(language_server):
    language_server.control.faults(
        {"what": "500", "contains": "quiet sea"},
        {"what": "429", "content_type": "tutorial", "times": 1},
        {"what": "529", "content_type": "social_prompt", "every": 2, "after": 1},
    )

    def status(**more):
        try:
            ask(language_server, "openai", brief(**more))
        except openai.APIStatusError as error:
            return error.status_code
        return 200

    assert status() == 200
    assert status(theme="a quiet sea") == 500
    assert [status(content_type="tutorial") for _ in range(3)] == [429, 200, 200]
    assert [status(content_type="social_prompt") for _ in range(5)] == [200, 200, 503, 200, 503]
    assert [rule["hits"] for rule in language_server.control.rules()] == [1, 1, 2]


def test_a_share_is_drawn_by_body_and_attempt_whatever_the_order():
    def drawn(bodies):
        rule = read_rule({"what": "500", "share": 0.3, "seed": 5})
        return {(body, i): rule.hit("live", "openai", None, body) for body in bodies for i in range(3)}

    bodies = [f"{i:064x}" for i in range(400)]
    forwards = drawn(bodies)
    assert forwards == drawn(bodies[::-1])
    assert 0.25 < sum(forwards.values()) / len(forwards) < 0.35
    assert any(forwards[body, 0] and not forwards[body, 1] for body in bodies)


@pytest.mark.parametrize(
    ("place", "call"),
    [
        ("list", lambda client: client.batches.list()),
        ("retrieve", lambda client: client.batches.retrieve("batch_1")),
        ("files", lambda client: client.files.list()),
        ("models", lambda client: client.models.list()),
    ],
)
def test_a_rule_can_be_put_anywhere(language_server, place, call):
    language_server.control.faults({"what": "500", "on": place})
    with openai_client(language_server) as client, pytest.raises(openai.InternalServerError):
        call(client)
    ask(language_server, "openai")


def test_results_can_be_cut_midway(language_server):
    with openai_client(language_server) as client:
        file = client.files.create(file=("x.jsonl", b'{"a": 1}\n' * 1000), purpose="batch")
        language_server.control.faults({"what": "cut_after", "on": "results"})
        got = bytearray()
        with pytest.raises(httpx2.TransportError):
            _stream(client, file.id, got)
    assert 0 < len(got) < 9000


def _stream(client, file_id, into):
    with client.files.with_streaming_response.content(file_id) as answer:
        for block in answer.iter_bytes():
            into += block


def test_every_fault_has_its_place():
    assert all(read_rule({"what": what}).places for what in FAULTS)


def test_bills_outlive_clients_that_are_killed(language_server):
    code = (
        "import openai, sys; from tests.language_server.asks import openai_body;"
        "c = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0);"
        "c.responses.create(**openai_body()); print('one', flush=True); input(); c.responses.create(**openai_body())"
    )
    arguments = [sys.executable, "-c", code, language_server.openai_url, language_server.openai_key]
    with subprocess.Popen(arguments, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout.readline() == "one\n"
        language_server.control.settings(holding=True)
        client.stdin.write("\n")
        client.stdin.flush()
        while not language_server.control.state()["in_flight"]:
            time.sleep(0.005)
        client.send_signal(signal.SIGKILL)
    language_server.control.settings(holding=False)
    language_server.control.idle()
    assert [bill["delivered"] for bill in language_server.control.bills()["bills"]] == [True, False]


def test_the_server_ends_with_whoever_started_it():
    code = (
        "import os, signal; from tests.language_server import start_server;"
        "s = start_server(voices=False); server = s.__enter__(); print(server.pid, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    end = time.monotonic() + 300
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_fast_mode_answers_with_one_text_for_a_content_type_and_still_keeps_the_books():
    with start_server(fast=True, voices=False) as server:
        answers = {ask(server, "openai", brief(turn=turn)) for turn in range(3)}
        other = ask(server, "openai", brief(content_type="tutorial"))
        assert len(answers) == 1
        assert {other} != answers
        bills = server.control.bills()
        assert bills["n"] == len(bills["by_body"]) == 4
