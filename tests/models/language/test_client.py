import asyncio
import datetime as dt
import itertools
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time

import pytest

from configs.errors import NightquestError
from configs.settings import Settings
from models.language.calls import Failed, Written, most_it_costs
from models.language.client import Client
from models.language.ledger import Budget, Run, open_ledger
from models.language.offers import language_models, open_providers
from models.language.pacing import Limits
from tests.language_server.client import ROOT
from tests.models.language.providers import question, settings_for

BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])
PLENTY = Budget(1e6, 1e6)
RUNS = itertools.count(1)


def now():
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def ledger(tmp_path):
    with open_ledger(tmp_path, now) as ledger:
        yield ledger


def a_run():
    return Run("test", "2024-03-01", f"run {next(RUNS)}")


def client_for(server, ledger, *, run=None, budget=PLENTY, models=None, settings=None, **limits):
    fast = models or free_models()
    providers = open_providers(settings or settings_for(server))
    return Client(ledger, providers, run or a_run(), budget, Limits(**limits), now, seed=1, models=fast)


def free_models():
    """The models, without limits of their own."""
    models = language_models()
    free = {"requests_per_minute": 10**6, "tokens_per_minute": 10**9}
    return models.model_copy(update={"models": {n: m.model_copy(update=free) for n, m in models.models.items()}})


def questions(provider, n):
    return [question(provider, i) for i in range(n)]


def reasons(replies):
    return {reply.reason if isinstance(reply, Failed) else "written" for reply in replies}


@BOTH
def test_every_question_is_answered_in_order_and_bought_once(language_server, ledger, provider):
    asked = questions(provider, 40)
    first = client_for(language_server, ledger).ask_all(asked)
    assert all(isinstance(reply, Written) and reply.paid_now for reply in first)
    assert [reply.key for reply in first] == [request.key for request in asked]
    again = client_for(language_server, ledger).ask_all(asked)
    assert [reply.text for reply in again] == [reply.text for reply in first]
    assert not any(reply.paid_now for reply in again)
    bills = language_server.control.bills()
    assert bills["n"] == 40
    assert ledger.spent("test", "2024-03-01") == pytest.approx(sum(reply.cost_usd for reply in first))


def test_both_providers_are_asked_side_by_side(language_server, ledger):
    asked = [question(provider, i) for i in range(20) for provider in ("openai", "anthropic")]
    replies = client_for(language_server, ledger).ask_all(asked)
    assert reasons(replies) == {"written"}
    assert [reply.key for reply in replies] == [request.key for request in asked]


def test_a_question_asked_twice_at_one_time_is_asked_once(language_server, ledger):
    replies = client_for(language_server, ledger).ask_all([question("openai")] * 5)
    assert len({reply.text for reply in replies}) == 1
    assert [reply.paid_now for reply in replies].count(True) == 1
    assert language_server.control.bills()["n"] == 1


def test_no_more_is_in_flight_than_is_allowed(language_server, ledger):
    language_server.control.settings(latency_ms=100)
    client = client_for(language_server, ledger, concurrency=12)
    assert reasons(client.ask_all(questions("openai", 150))) == {"written"}
    assert language_server.control.state()["most_in_flight"] <= 12
    assert 8 < client.figures.most_at_once <= 12


@BOTH
def test_a_429_is_waited_out_as_long_as_the_provider_says_and_bought_once(language_server, ledger, provider):
    language_server.control.faults({"what": "429", "times": 1, "retry_after": 1})
    client, began = client_for(language_server, ledger), time.monotonic()
    assert reasons(client.ask_all([question(provider)])) == {"written"}
    assert time.monotonic() - began >= 1
    assert (client.figures.rate_limited, client.figures.retries) == (1, 1)
    assert language_server.control.bills()["n"] == 1


def test_who_wants_to_be_left_alone_for_too_long_is_a_failure_at_once(language_server, ledger):
    language_server.control.faults({"what": "429", "retry_after": 3600})
    client = client_for(language_server, ledger)
    assert reasons(client.ask_all([question("openai")])) == {"rate"}
    assert (client.figures.sent, client.figures.retries) == (1, 0)
    assert ledger.spent("test", "2024-03-01") == 0


@BOTH
@pytest.mark.parametrize("what", ["529", "500"])
def test_a_stumbling_provider_is_asked_again_and_no_answer_is_bought_twice(language_server, ledger, provider, what):
    language_server.control.faults({"what": what, "times": 3})
    client = client_for(language_server, ledger)
    assert reasons(client.ask_all(questions(provider, 12))) == {"written"}
    assert client.figures.overloaded == 3
    assert language_server.control.bills()["n"] == 12


@BOTH
def test_a_provider_that_only_fails_is_asked_a_few_questions_of_a_night(language_server, ledger, provider):
    language_server.control.faults({"what": "529"})
    client = client_for(language_server, ledger, hold_s=1)
    replies = client.ask_all(questions(provider, 2000))
    assert reasons(replies) <= {"breaker", "overloaded"}
    assert client.figures.breaker_openings == 1
    assert client.figures.sent < 60
    assert language_server.control.bills()["n"] == 0
    assert ledger.spent("test", "2024-03-01") == 0


def test_nobody_is_knocked_at_a_few_times_of_a_night_and_leaves_no_money_reserved(ledger):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        settings = Settings(openai_api_key="sk-x", openai_base_url=url)
        client = client_for(None, ledger, settings=settings, hold_s=1)
        replies = client.ask_all(questions("openai", 2000))
    assert reasons(replies) <= {"breaker", "unreachable"}
    assert "unreachable" in replies[-1].detail
    assert client.figures.sent < 60
    assert ledger.spent("test", "2024-03-01") == 0


def test_a_provider_that_never_answers_costs_one_timeout_and_few_questions(language_server, ledger):
    language_server.control.faults({"what": "timeout"})
    settings = settings_for(language_server, answer_timeout_s=1.5)
    client = client_for(language_server, ledger, settings=settings, hold_s=1)
    replies = client.ask_all(questions("openai", 500))
    assert reasons(replies) == {"breaker", "unknown"}
    assert client.figures.sent == client.figures.unknown <= 10


def test_a_short_outage_loses_nothing(language_server, ledger):
    language_server.control.faults({"what": "529", "times": 9})
    client = client_for(language_server, ledger, hold_s=300)
    assert reasons(client.ask_all(questions("openai", 60))) == {"written"}
    assert client.figures.breaker_openings >= 1


@BOTH
@pytest.mark.parametrize(("rule", "reason"), [("wrong_key", "key"), ("quota", "quota")])
def test_without_key_or_credit_hardly_anything_is_sent(language_server, ledger, provider, rule, reason):
    language_server.control.faults({"what": rule})
    client = client_for(language_server, ledger)
    replies = client.ask_all(questions(provider, 300))
    assert reasons(replies) == {"breaker", reason}
    assert client.figures.sent <= 16
    assert all(reply.detail.startswith(f"{reason}: ") for reply in replies if reply.reason == "breaker")


def test_an_unknown_model_is_given_up_and_others_go_on(language_server, ledger):
    models = free_models()
    models.models["gpt-9"] = models.models["gpt-5.6-luna"]
    asked = [question("openai", i, model="gpt-9") for i in range(100)] + questions("openai", 20)
    client = client_for(language_server, ledger, models=models)
    replies = client.ask_all(asked)
    assert (reasons(replies[:100]), reasons(replies[100:])) == ({"model"}, {"written"})
    assert client.figures.sent <= 20 + 16


def test_a_model_without_a_price_is_never_asked(language_server, ledger):
    with pytest.raises(NightquestError, match="no price"):
        client_for(language_server, ledger).ask_all([question("openai", model="nobody-1")])
    assert language_server.control.requests()["log"] == []


def test_a_provider_without_a_key_is_a_failure_that_says_so(language_server, ledger):
    settings = Settings(openai_api_key=language_server.openai_key, openai_base_url=language_server.openai_url)
    replies = client_for(language_server, ledger, settings=settings).ask_all(
        [question("anthropic"), question("openai")]
    )
    assert (replies[0].reason, replies[0].detail) == ("key", "there is no key for anthropic")
    assert isinstance(replies[1], Written)


@pytest.mark.parametrize("budget", [Budget(0, 1e6), Budget(1e6, 0)])
def test_a_budget_of_zero_sends_nothing(language_server, ledger, budget):
    replies = client_for(language_server, ledger, budget=budget).ask_all(questions("openai", 30))
    assert reasons(replies) == {"budget"}
    assert language_server.control.requests()["log"] == []


def test_money_that_is_only_reserved_is_waited_for(language_server, ledger):
    asked = questions("openai", 30)
    most = most_it_costs(asked[0], free_models().models[asked[0].model])
    cost = client_for(language_server, ledger).ask_all(asked)[0].cost_usd
    assert most > 3 * cost
    budget = Budget(40 * cost + 2 * most, 1e6)  # at once it would do for a few, one after another for all
    others = [question("openai", i) for i in range(100, 130)]
    run = Run("test", "2024-03-02", "another night")
    assert reasons(client_for(language_server, ledger, run=run, budget=budget).ask_all(others)) == {"written"}


def test_a_budget_is_never_overspent(language_server, ledger):
    replies = client_for(language_server, ledger, budget=Budget(0.005, 1e6)).ask_all(questions("openai", 60))
    assert reasons(replies) == {"written", "budget"}
    assert sum(reply.cost_usd for reply in replies) <= 0.005


@BOTH
def test_an_answer_that_was_lost_is_not_asked_for_again_by_the_same_run_and_once_by_the_next(
    language_server, ledger, provider
):
    language_server.control.faults({"what": "cut_after", "times": 1})
    run = a_run()
    replies = [client_for(language_server, ledger, run=run).ask_all([question(provider)])[0] for _ in range(2)]
    assert reasons(replies) == {"unknown"}
    assert language_server.control.bills()["n"] == 1
    later = a_run()
    assert isinstance(client_for(language_server, ledger, run=later).ask_all([question(provider)])[0], Written)
    assert language_server.control.bills()["n"] == 2
    assert ledger.report(later).resent == 1


def test_after_the_deadline_nothing_is_sent_and_what_is_known_is_still_told(language_server, ledger):
    known = questions("openai", 3)
    client_for(language_server, ledger).ask_all(known)
    language_server.control.settings(latency_ms=400)
    client = client_for(language_server, ledger, concurrency=4, deadline_s=6)
    replies = client.ask_all([question("openai", i) for i in range(100, 300)] + known)
    assert reasons(replies[:200]) == {"written", "late"}
    assert reasons(replies[200:]) == {"written"}
    paid = [reply for reply in replies[:200] if isinstance(reply, Written)]
    assert language_server.control.bills()["n"] == 3 + len(paid)


def test_the_deadline_ends_waiting_for_the_rate_and_for_a_provider_that_fails(language_server, ledger):
    models = language_models()
    slow = {name: one.model_copy(update={"requests_per_minute": 10}) for name, one in models.models.items()}
    client = client_for(language_server, ledger, models=models.model_copy(update={"models": slow}), deadline_s=6)
    assert reasons(client.ask_all(questions("openai", 50))) == {"written", "late"}
    language_server.control.faults({"what": "529"})
    waiting = client_for(language_server, ledger, deadline_s=1, hold_s=60)
    replies = waiting.ask_all(questions("anthropic", 50))
    assert "late" in reasons(replies) <= {"late", "overloaded"}


def test_who_is_canceled_leaves_the_ledger_true(language_server, ledger):
    language_server.control.settings(holding=True)
    run = a_run()

    async def ask_and_cancel():
        async with client_for(language_server, ledger, run=run, concurrency=5) as client:
            tasks = [asyncio.create_task(client.ask(request)) for request in questions("openai", 40)]
            while (await asyncio.to_thread(language_server.control.state))["in_flight"] < 5:  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.02)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(ask_and_cancel())
    language_server.control.settings(holding=False)
    language_server.control.idle()
    report = ledger.report(run)
    assert report.failed["unknown"] == 5
    assert report.failed["canceled"] == report.calls - 5
    assert language_server.control.bills()["n"] == 5
    assert report.in_flight == 0


def test_who_asks_on_when_the_client_has_closed_is_told_so(language_server, ledger):
    async def leave_early():
        async with client_for(language_server, ledger) as client:
            first = await client.ask(question("openai"))
        return first, await client.ask(question("openai", 2))

    first, second = asyncio.run(leave_early())
    assert isinstance(first, Written)
    assert second.reason == "canceled"
    assert language_server.control.bills()["n"] == 1


def test_a_full_disk_stops_buying_and_keeps_what_was_answered(language_server, ledger, monkeypatch):
    language_server.control.settings(latency_ms=30)
    claim, calls = ledger.claim, itertools.count()

    def fill_up(*arguments):
        if next(calls) >= 2:
            raise NightquestError("The disk is full.", "Make room.")
        return claim(*arguments)

    monkeypatch.setattr(ledger, "claim", fill_up)
    client = client_for(language_server, ledger, concurrency=4)
    replies = client.ask_all(questions("openai", 100))
    assert reasons(replies) == {"written", "canceled"}
    assert "disk is full" in client.books.trouble
    assert language_server.control.bills()["n"] == sum(isinstance(reply, Written) for reply in replies)


@pytest.mark.slow
def test_interrupted_a_process_writes_down_what_was_in_flight(language_server, tmp_path):
    language_server.control.settings(holding=True)
    code = (
        "import signal, sys; from pathlib import Path; from tests.models.language import test_client as t\n"
        "from tests.language_server.client import LanguageServer\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it starts behind it ignore it\n"
        f"server = LanguageServer({language_server.root!r}, 0, None)\n"
        "with t.open_ledger(Path(sys.argv[1]), t.now) as ledger:\n"
        "    t.client_for(server, ledger, concurrency=3).ask_all(t.questions('anthropic', 20))\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)})
    ends = time.monotonic() + 300
    while language_server.control.state()["in_flight"] < 3:
        assert time.monotonic() < ends
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    language_server.control.settings(holding=False)
    assert b"KeyboardInterrupt" in said
    with sqlite3.connect(tmp_path / "ledger" / "language.sqlite") as connection:
        rows = connection.execute("SELECT reason, count(*) FROM attempt GROUP BY 1").fetchall()
    connection.close()
    kept = dict(rows)
    assert kept.pop("unknown") == 3
    assert set(kept) == {"canceled"}


def test_keys_stand_in_no_reply_and_nowhere_in_the_ledger(language_server, ledger, tmp_path):
    settings = settings_for(language_server, openai_api_key="sk-secret-abcdefgh", anthropic_api_key="sk-ant-secret-xyz")
    asked = [question(provider, i) for provider in ("openai", "anthropic") for i in range(3)]
    replies = client_for(language_server, ledger, settings=settings).ask_all(asked)
    assert reasons(replies) <= {"key", "breaker"}
    kept = json.dumps([reply.detail for reply in replies]).encode()
    kept += b"".join(path.read_bytes() for path in (tmp_path / "ledger").iterdir() if path.is_file())
    assert b"secret" not in kept
    assert b"efgh" not in kept
