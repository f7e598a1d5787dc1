"""Batches over HTTP through the official SDKs, and with a provider in memory where only that can misbehave."""

import asyncio
import itertools
import json
import multiprocessing
import os
import signal
import weakref
from collections import Counter

import pytest

from configs.errors import NightquestError
from configs.language import language_models
from models.language.batches import (
    BatchRows,
    cancel_batches,
    collect_batches,
    finish_batches,
    recover_batches,
    submit_batches,
)
from models.language.batches.rows import custom_id
from models.language.calls import Failed, Usage, Written, most_it_costs
from models.language.ledger import Attempt, Budget
from models.language.providers.anthropic import Anthropic
from models.language.providers.openai import OpenAI
from models.language.providers.provider import (
    BatchProvider,
    BatchState,
    DeclinedError,
    Found,
    NoAnswerError,
    NotSentError,
    NotThere,
    Result,
    Unsure,
)
from tests.models.language.asking import PLENTY, Clock, a_run, ask, ledger_at

PRICES = language_models().models
PROVIDERS = ("openai", "anthropic")


def asks(n: int, provider: str = "openai", first: int = 0):
    return [ask(f"question {i} of a long night", provider=provider, max_tokens=3000) for i in range(first, first + n)]


def provider_of(server, provider, *, max_requests=None, max_bytes=None):
    if provider == "openai":
        opened = OpenAI(server.openai_key, language_models(), 10, base_url=server.openai_url)
    else:
        opened = Anthropic(server.anthropic_key, language_models(), 10, base_url=server.anthropic_url)
    opened.max_requests = max_requests or opened.max_requests
    opened.max_bytes = max_bytes or opened.max_bytes
    return opened


def running(opened, work):
    """Run in an event loop of its own, and close the opened's connections in it."""

    async def run():
        try:
            return await work()
        finally:
            await opened.close()

    return asyncio.run(run())


def submit(ledger, opened, requests, run=None, budget=PLENTY):
    return running(opened, lambda: submit_batches(ledger, opened, run or a_run(), budget, requests, PRICES))


def collect(ledger, opened):
    return running(opened, lambda: collect_batches(ledger, {opened.name: opened}))


def recover(ledger, opened, sure_after_s=0.0, **others):
    return running(opened, lambda: recover_batches(ledger, {opened.name: opened}, sure_after_s=sure_after_s, **others))


def finish(ledger, opened, wait_s=20.0, **others):
    others = {"poll_s": 0.05, "sure_after_s": 0.0, "grace_s": 10.0} | others
    return running(opened, lambda: finish_batches(ledger, {opened.name: opened}, wait_s=wait_s, **others))


def claims_of(ledger, requests):
    return ledger.claim(a_run(), PLENTY, requests, PRICES)


def billed_once(server, requests):
    """Every question was billed, none twice."""
    by_question = server.control.bills(entries=False)["by_question"]
    return len(by_question) == len(requests) and set(by_question.values()) == {1}


@pytest.mark.parametrize("provider", PROVIDERS)
class TestOverHttp:
    def test_a_batch_is_submitted_collected_and_answers_every_claim_at_batch_price(
        self, tmp_path, language_server, provider
    ):
        opened, requests, run = provider_of(language_server, provider), asks(30, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            (key,) = submit(ledger, opened, requests, run)
            assert {claim.reason for claim in claims_of(ledger, requests)} == {"late"}
            assert {claim.detail for claim in claims_of(ledger, requests)} == {key}
            most = sum(most_it_costs(request, PRICES[request.model], batch=True) for request in requests)
            assert ledger.spent(run.app, run.night) == pytest.approx(most, rel=1e-6)
            done = finish(ledger, opened)
            assert (done.collected.collected, done.collected.answered, done.open) == (1, 30, 0)
            claims = claims_of(ledger, requests)
            assert all(isinstance(claim, Written) and claim.batch and not claim.paid_now for claim in claims)
            report = ledger.report(run)
            assert (report.calls, report.answered, report.in_flight) == (30, 30, 0)
            bills = language_server.control.bills()["bills"]
            usage = [Usage(*(bill[kind] for kind in vars(Usage()))) for bill in bills]
            cost = sum(one.cost_usd(PRICES[requests[0].model], batch=True) for one in usage)
            assert report.cost_usd == pytest.approx(cost, abs=1e-7)
            assert report.tokens.output == sum(one.output for one in usage)
            assert {line.mode for line in report.lines} == {"batch"}
            record = ledger.why(requests[0].key)
            assert (record.mode, record.batch, record.request.key) == ("batch", key, requests[0].key)
            assert json.loads(record.raw)
            assert submit(ledger, opened, requests, run) == []
        assert billed_once(language_server, requests)
        assert not list((tmp_path / "ledger" / "batches").iterdir())

    def test_batches_are_split_by_count(self, tmp_path, language_server, provider):
        language_server.control.settings(batch_requests={"openai": 7, "anthropic": 7})
        opened, requests, run = provider_of(language_server, provider, max_requests=7), asks(20, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            assert len(submit(ledger, opened, requests, run)) == 3
            finish(ledger, opened)
            assert all(isinstance(claim, Written) for claim in claims_of(ledger, requests))
        assert sorted(Counter(bill["batch"] for bill in language_server.control.bills()["bills"]).values()) == [6, 7, 7]

    def test_batches_are_split_by_bytes(self, tmp_path, language_server, provider):
        opened = provider_of(language_server, provider)
        requests = [ask(i, provider=provider, user="ü" * (200 + 97 * i)) for i in range(30)]
        sizes = [len(opened.batch_line("0" * 63, request)) for request in requests]
        opened.max_bytes = max(sizes) * 3
        language_server.control.settings(
            batch_bytes=dict.fromkeys(PROVIDERS, max(sizes) * 3 + 14)
        )  # and {"requests":[]}
        with ledger_at(tmp_path) as ledger:
            keys = submit(ledger, opened, requests)
            assert sum(sizes) / opened.max_bytes <= len(keys) < 2 * sum(sizes) / opened.max_bytes + 1
            finish(ledger, opened)
            assert all(isinstance(claim, Written) for claim in claims_of(ledger, requests))

    def test_a_request_larger_than_a_batch_is_left_for_a_live_ask(self, tmp_path, language_server, provider):
        requests = [*asks(2, provider), ask("x" * 9000, provider=provider), *asks(2, provider, 2)]
        opened = provider_of(language_server, provider, max_bytes=8000)
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests)
            finish(ledger, opened)
            assert [isinstance(claim, Attempt) for claim in claims_of(ledger, requests)] == [
                False, False, True, False, False,
            ]  # fmt: skip

    def test_what_a_batch_did_not_answer_is_open_to_a_live_ask_and_the_rest_is_kept(
        self, tmp_path, language_server, provider
    ):
        language_server.control.faults({"what": "batch_partial", "share": 0.3}, {"what": "batch_shuffle"})
        opened, requests, run = provider_of(language_server, provider), asks(40, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests, run)
            done = finish(ledger, opened).collected
            assert (done.answered, sum(done.failed.values()), done.strangers) == (28, 12, 0)
            claims = claims_of(ledger, requests)
            assert sum(isinstance(claim, Attempt) for claim in claims) == 12
            for request, claim in zip(requests, claims, strict=True):
                assert (claim.request if isinstance(claim, Attempt) else claim).key == request.key

    def test_an_expired_batch_gives_what_it_has_and_frees_the_rest(self, tmp_path, language_server, provider):
        language_server.control.faults({"what": "batch_expire", "share": 0.5})
        opened, requests = provider_of(language_server, provider), asks(20, provider)
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests)
            done = finish(ledger, opened).collected
            assert (done.answered, done.failed) == (10, {"expired": 10})
            assert sum(isinstance(claim, Attempt) for claim in claims_of(ledger, requests)) == 10

    def test_refused_and_truncated_lines_are_paid_for_and_not_asked_again(self, tmp_path, language_server, provider):
        language_server.control.faults({"what": "refusal", "times": 3}, {"what": "truncation", "times": 2})
        opened, requests, run = provider_of(language_server, provider), asks(12, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests, run)
            done = finish(ledger, opened).collected
            assert done.answered == 12
            assert done.failed == {"refused": 3, "truncated": 2}
            assert not any(isinstance(claim, Attempt) for claim in claims_of(ledger, requests))
            assert ledger.report(run).cost_usd == pytest.approx(done.cost_usd, abs=1e-7)

    def test_at_the_deadline_a_batch_is_canceled_and_what_it_has_done_is_kept(
        self, tmp_path, language_server, provider
    ):
        language_server.control.faults({"what": "batch_slow", "seconds": 8})
        opened, requests = provider_of(language_server, provider), asks(100, provider)
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests)
            done = finish(ledger, opened, wait_s=1)
            assert (done.canceled, done.open) == (1, 0)
            assert 0 < done.collected.answered < 100
            claims = claims_of(ledger, requests)
            assert sum(isinstance(claim, Written) for claim in claims) == done.collected.answered
            assert sum(isinstance(claim, Attempt) for claim in claims) == done.collected.failed["canceled"]
        assert language_server.control.bills(entries=False)["n"] == done.collected.answered

    def test_a_batch_whose_creation_got_no_answer_is_found_again_and_not_sent_twice(
        self, tmp_path, language_server, provider
    ):
        language_server.control.faults({"what": "batch_orphan", "times": 1}, {"what": "batch_shuffle"})
        opened, requests, run = provider_of(language_server, provider), asks(15, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            (key,) = submit(ledger, opened, requests, run)
            assert [batch.state for batch in BatchRows(ledger).unfinished()] == ["unsure"]
            assert {claim.detail for claim in claims_of(ledger, requests)} == {key}
            done = finish(ledger, opened)
            assert (done.recovered.adopted, done.recovered.sent, done.collected.answered) == (1, 0, 15)
            assert BatchRows(ledger).figures(run)["adopted"] == 1
        assert billed_once(language_server, requests)

    def test_among_orphans_of_one_size_each_finds_its_own(self, tmp_path, language_server, provider):
        language_server.control.faults({"what": "batch_orphan", "times": 3})
        opened, requests = provider_of(language_server, provider, max_requests=5), asks(15, provider)
        with ledger_at(tmp_path) as ledger:
            assert len(submit(ledger, opened, requests[:5])) == 1
            assert len(submit(ledger, opened, requests[5:10])) == 1
            assert len(submit(ledger, opened, requests[10:])) == 1
            done = finish(ledger, opened)
            assert (done.recovered.adopted, done.recovered.sent) == (3, 0)
            assert all(isinstance(claim, Written) for claim in claims_of(ledger, requests))
        assert billed_once(language_server, requests)

    def test_a_batch_that_never_reached_the_provider_is_sent_once_that_is_sure(
        self, tmp_path, language_server, provider
    ):
        language_server.control.faults({"what": "cut_before", "on": "create", "times": 1})
        opened, requests, clock = provider_of(language_server, provider), asks(6, provider), Clock()
        with ledger_at(tmp_path, clock) as ledger:
            submit(ledger, opened, requests)
            assert recover(ledger, opened, sure_after_s=60).unsure == 1
            clock.forward(seconds=61)
            assert recover(ledger, opened, sure_after_s=60).sent == 1
            assert finish(ledger, opened).collected.answered == 6
        assert billed_once(language_server, requests)

    def test_when_time_is_up_a_batch_that_never_began_is_given_back_and_not_sent(
        self, tmp_path, language_server, provider
    ):
        language_server.control.faults({"what": "cut_before", "on": "create"})
        opened, requests, run = provider_of(language_server, provider), asks(6, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests, run)
            assert finish(ledger, opened, wait_s=0, grace_s=0.1, sure_after_s=1e9).open == 1
            assert {claim.reason for claim in claims_of(ledger, requests)} == {"late"}
            assert recover(ledger, opened, send_again=False).released == 1
            assert ledger.spent(run.app, run.night) == 0
            assert all(isinstance(claim, Attempt) for claim in claims_of(ledger, requests))
        assert language_server.control.bills(entries=False)["n"] == 0

    def test_a_declined_batch_frees_its_requests_and_no_further_one_is_tried(self, tmp_path, language_server, provider):
        language_server.control.faults({"what": "wrong_key", "on": "create"})
        opened, requests, run = provider_of(language_server, provider, max_requests=3), asks(9, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            assert submit(ledger, opened, requests, run) == []
            report = ledger.report(run)
            assert (report.failed, report.reserved_usd) == ({"key": 3}, 0)
            assert all(isinstance(claim, Attempt) for claim in claims_of(ledger, requests))

    def test_a_batch_that_is_limited_waits_and_is_sent_later(self, tmp_path, language_server, provider):
        language_server.control.faults({"what": "429", "on": "create", "times": 1})
        opened, requests = provider_of(language_server, provider), asks(4, provider)
        with ledger_at(tmp_path) as ledger:
            assert submit(ledger, opened, requests) == []
            done = finish(ledger, opened)
            assert (done.recovered.sent, done.collected.answered) == (1, 4)

    def test_without_a_connection_nothing_is_lost(self, tmp_path, language_server, provider):
        opened, requests = provider_of(language_server, provider), asks(4, provider)
        dead = provider_of(language_server, provider)
        dead._base_url = "http://127.0.0.1:9"
        with ledger_at(tmp_path) as ledger:
            assert submit(ledger, dead, requests) == []
            assert [batch.state for batch in BatchRows(ledger).unfinished()] == ["unsent"]
            assert recover(ledger, dead).unsure == 1
            assert recover(ledger, opened).sent == 1
            assert collect(ledger, dead).unreachable == 1
            assert finish(ledger, opened).collected.answered == 4
        assert billed_once(language_server, requests)

    def test_results_that_break_off_are_read_again_and_booked_once(self, tmp_path, language_server, provider):
        opened, requests, run = provider_of(language_server, provider), asks(700, provider), a_run()
        with ledger_at(tmp_path) as ledger:
            submit(ledger, opened, requests, run)
            language_server.control.idle()
            whole, count = opened.results, itertools.count()

            async def broken(batch_id):
                async for result in whole(batch_id):
                    if next(count) == 450:
                        raise NoAnswerError("cut")
                    yield result

            opened.results = broken
            first = collect(ledger, opened)
            assert (first.answered, first.unreachable) == (300, 1)
            second = collect(ledger, opened)
            assert (second.answered, second.repeated, second.collected) == (400, 300, 1)
            assert ledger.report(run).cost_usd == pytest.approx(first.cost_usd + second.cost_usd, abs=1e-6)


# Killed at a chosen moment


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def dying(whole, when: str):
    """A method that kills its process before or after it has done its work."""

    async def awaited(*args, **named):
        die() if when == "before" else die(await whole(*args, **named))

    def called(*args, **named):
        die() if when == "before" else die(whole(*args, **named))

    return awaited if asyncio.iscoroutinefunction(whole) else called


def submit_and_die(home, server, provider: str, moment: str) -> None:
    when, name = moment.split()
    opened = provider_of(server, provider, max_requests=12)
    target = opened if hasattr(opened, name) else BatchRows
    setattr(target, name, dying(getattr(target, name), when))
    with ledger_at(home) as ledger:
        submit(ledger, opened, asks(24, provider))
        finish(ledger, opened)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "moment",
    [
        "after gather", "before intend", "after intend", "before submit", "after submit", "before submitted",
        "after submitted", "before poll", "before match", "after match", "before close", "after close",
    ],
)  # fmt: skip
def test_killed_at_any_step_a_night_of_batches_is_finished_without_buying_twice(
    tmp_path, language_server, provider, moment
):
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([__name__])
    process = forks.Process(target=submit_and_die, args=(tmp_path, language_server, provider, moment))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    opened, requests = provider_of(language_server, provider, max_requests=12), asks(24, provider)
    with ledger_at(tmp_path) as ledger:
        language_server.control.idle()
        recover(ledger, opened)
        submit(ledger, opened, requests)
        done = finish(ledger, opened)
        assert done.open == 0
        assert all(isinstance(claim, Written) for claim in claims_of(ledger, requests))
        assert ledger.report(a_run(), whole_night=True).in_flight_at_kill == 0
    assert billed_once(language_server, requests)


# A provider in memory, for what no server does on demand


class Memory(BatchProvider):
    """A provider whose batches end at once with the results that `shape` makes of their lines."""

    name, max_requests, max_bytes = "openai", 50_000, 200_000_000

    def __init__(self):
        self.batches, self.canceled, self.found, self.error = {}, [], NotThere(), None
        self.state = BatchState("ended")
        self.shape = list

    def batch_line(self, name, request):
        return json.dumps({"custom_id": name, "user": request.user}).encode() + b"\n"

    async def submit(self, batch_key, path, n):
        if self.error:
            raise self.error
        lines = path.read_text().splitlines()
        assert len(lines) == n
        id_ = f"batch_{len(self.batches)}"
        self.batches[id_] = [Result(json.loads(line)["custom_id"], 200, b"{}") for line in lines]
        return id_

    async def find(self, batch_key, n, since, known):
        if isinstance(self.found, Found):
            return Found(tuple(id_ for id_ in self.found.ids if id_ not in known))
        return self.found

    async def poll(self, batch_id):
        return self.state

    async def results(self, batch_id):
        for result in self.shape(self.batches[batch_id]):
            yield result

    async def cancel(self, batch_id):
        self.canceled.append(batch_id)

    def read(self, request, status, body, *, batch=False, seconds=0.0):
        return Written(request.key, body.decode(), Usage(10, 0, 0, 10, 0), 0.001, batch=batch)

    body = usage = text = send = None  # nobody is asked live


@pytest.fixture
def memory():
    return Memory()


def test_results_of_strangers_and_results_seen_twice_are_counted_and_not_booked(tmp_path, memory):
    def shape(results):
        other = [Result(name) for name in ("", "x", "-", f"{'0' * 22}-{'0' * 40}", results[0].custom_id[:-1] + "z",
                                           results[0].custom_id[:22] + "-" + "0" * 40)]  # fmt: skip
        return [*results, *results[:3], *other]

    memory.shape = shape
    requests, run = asks(5), a_run()
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, requests, run)
        done = collect(ledger, memory)
        assert (done.answered, done.repeated, done.strangers) == (5, 3, 6)
        assert ledger.report(run).cost_usd == pytest.approx(0.005)


def test_results_of_another_batch_of_ours_are_strangers(tmp_path, memory):
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, asks(3))
        submit(ledger, memory, asks(3, first=3))
        memory.shape = lambda results: memory.batches["batch_0"]
        done = collect(ledger, memory)
        assert (done.answered, done.strangers, done.failed) == (3, 3, {"expired": 3})


def test_results_that_fall_short_of_the_count_are_read_again_before_the_rest_is_given_up(tmp_path, memory):
    memory.state = BatchState("ended", {"completed": 5, "failed": 0, "total": 5})
    memory.shape = lambda results: results[:3]
    requests = asks(5)
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, requests)
        for _ in range(2):
            done = collect(ledger, memory)
            assert (done.short, done.collected) == (1, 0)
            assert {claim.reason for claim in claims_of(ledger, requests[3:])} == {"late"}
        done = collect(ledger, memory)
        assert (done.collected, done.failed) == (1, {"expired": 2})
        assert all(isinstance(claim, Attempt) for claim in claims_of(ledger, requests[3:]))


def test_a_batch_that_failed_frees_all_with_the_providers_reason(tmp_path, memory):
    memory.state = BatchState("failed", detail="line 3: not JSON")
    requests = asks(3)
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, requests)
        assert collect(ledger, memory).failed == {"rejected": 3}
        assert ledger.why(requests[0].key).reply.detail == "line 3: not JSON"


def test_of_two_batches_with_one_key_the_later_is_canceled_and_counted(tmp_path, memory):
    memory.error = NoAnswerError("timed out")
    run = a_run()
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, asks(3), run)
        rows = BatchRows(ledger)
        (batch,) = rows.unfinished()
        memory.batches["first"] = memory.batches["second"] = [
            Result(custom_id(batch.key, request), 200, b"{}") for request in asks(3)
        ]
        memory.found = Found(("first", "second"))
        done = recover(ledger, memory)
        assert (done.adopted, done.doubled, memory.canceled) == (1, 1, ["second"])
        assert rows.figures(run)["doubled"] == 1
        assert rows.running()[0].provider_id == "first"
        assert collect(ledger, memory).answered == 3


def test_a_night_neither_waits_for_nor_gives_back_the_unfinished_batches_of_another_app(tmp_path, memory):
    with ledger_at(tmp_path) as ledger:
        memory.error = NotSentError("no route")
        submit(ledger, memory, asks(3), a_run("oulad"))
        memory.error = None
        done = finish(ledger, memory, wait_s=5, app="trading")
        assert (done.open, done.recovered.released, memory.batches) == (0, 0, {})
        assert [batch.app for batch in BatchRows(ledger).unfinished()] == ["oulad"]
        assert finish(ledger, memory, app="oulad").recovered.sent == 1


def test_an_answer_without_the_batchs_id_leaves_it_in_doubt_and_is_no_crash(tmp_path, memory):
    memory.error = KeyError("id")
    with ledger_at(tmp_path) as ledger:
        assert len(submit(ledger, memory, asks(3))) == 1
        assert [batch.state for batch in BatchRows(ledger).unfinished()] == ["unsure"]


def test_a_batch_that_shows_up_after_it_was_sent_again_is_canceled_and_counted(tmp_path, memory):
    memory.error = NoAnswerError("timed out")
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, asks(3))
        memory.error = None
        assert recover(ledger, memory).sent == 1
        memory.found = Found(("late one", "batch_0"))
        assert collect(ledger, memory).doubled == 1
        assert memory.canceled == ["late one"]


def test_while_a_batch_is_in_doubt_its_questions_are_late_for_a_month_and_unknown_after(tmp_path, memory):
    clock, requests, run = Clock(), asks(2), a_run()
    memory.error = NoAnswerError("timed out")
    with ledger_at(tmp_path, clock) as ledger:
        submit(ledger, memory, requests, run)
        memory.found = DeclinedError("key")

        async def find(*_):
            raise NotSentError("no route")

        memory.find = find
        clock.forward(days=29)
        assert recover(ledger, memory).unsure == 1
        assert {claim.reason for claim in claims_of(ledger, requests)} == {"late"}
        clock.forward(days=2)
        assert recover(ledger, memory).unsure == 1
        assert recover(ledger, memory).unsure == 0
        report = ledger.report(run)
        assert (report.failed, report.cost_usd) == ({"unknown": 2}, 0)
        assert report.reserved_usd > 0
        assert all(isinstance(claim, Attempt) for claim in claims_of(ledger, requests))


def test_a_batch_from_the_day_before_that_never_began_is_no_longer_wanted(tmp_path, memory):
    clock = Clock()
    memory.error = NotSentError("no route")
    with ledger_at(tmp_path, clock) as ledger:
        submit(ledger, memory, asks(2))
        memory.error = None
        clock.forward(hours=25)
        assert recover(ledger, memory).released == 1
        assert memory.batches == {}


def test_a_batch_that_a_living_process_is_sending_is_left_to_it(tmp_path, memory):
    with ledger_at(tmp_path) as ledger, ledger_at(tmp_path) as other:
        rows = BatchRows(ledger)
        batch = rows.gather(a_run(), "openai")
        ledger.claim(a_run(), PLENTY, asks(2), PRICES, batch=batch.id)
        rows.intend(batch, 2, 100)
        memory.found = Found(("theirs",))
        assert recover(other, memory).adopted == 0
        rows.unsure(batch, "no answer")
        taken = [BatchRows(other).take(batch) for batch in BatchRows(other).unfinished() for _ in range(2)]
        assert taken == [True, False]


def test_a_batch_stays_within_the_budget(tmp_path, memory):
    requests = asks(10)
    most = most_it_costs(requests[0], PRICES[requests[0].model], batch=True)
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, requests, budget=Budget(4.5 * most, 100))
        assert len(memory.batches["batch_0"]) == 4
        assert submit(ledger, memory, requests, budget=Budget(0, 100)) == []
        assert len(memory.batches) == 1


def test_an_empty_batch_is_neither_sent_nor_kept(tmp_path, memory):
    with ledger_at(tmp_path) as ledger:
        assert submit(ledger, memory, []) == []
        assert submit(ledger, memory, asks(3), budget=Budget(0, 0)) == []
        assert memory.batches == {}
        assert BatchRows(ledger).figures(a_run(), whole_night=True) == {"adopted": 0, "resubmitted": 0, "doubled": 0}


def test_requests_are_read_once_and_never_all_held(tmp_path, memory):
    """A generator whose requests must be gone by the time that later ones are made."""
    alive = weakref.WeakValueDictionary()

    def made():
        for i in range(3000):
            request = ask(i)
            alive[i] = request
            yield request

    most = 0
    with ledger_at(tmp_path) as ledger:
        whole = ledger.claim

        def watching(*args, **named):
            nonlocal most
            most = max(most, len(alive))
            return whole(*args, **named)

        ledger.claim = watching
        submit(ledger, memory, made())
    assert len(memory.batches["batch_0"]) == 3000
    assert most < 700


def test_a_folder_that_cannot_be_written_stops_before_anything_is_sent(tmp_path, memory):
    run = a_run()
    with ledger_at(tmp_path) as ledger:
        (tmp_path / "ledger" / "batches").write_text("in the way")
        with pytest.raises(NightquestError, match=r"could not be written, so it was not sent"):
            submit(ledger, memory, asks(2), run)
        assert memory.batches == {}
        assert all(isinstance(claim, Attempt) for claim in claims_of(ledger, asks(2)))


def test_a_failed_line_is_never_unknown(tmp_path, memory):
    memory.read = lambda request, *_, **__: Failed(request.key, "unknown", "504")
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, asks(2))
        assert collect(ledger, memory).failed == {"overloaded": 2}


def test_a_batch_that_turns_out_never_begun_after_time_is_up_is_given_back_and_not_sent(tmp_path, memory):
    memory.error = NoAnswerError("timed out")
    seen = iter([Unsure("running"), NotThere()])

    async def find(*_):
        return next(seen)

    memory.find = find
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, asks(2))
        memory.error = None
        done = finish(ledger, memory, wait_s=0)
        assert (done.open, done.recovered.released, done.recovered.sent, memory.batches) == (0, 1, 0, {})
        assert all(isinstance(claim, Attempt) for claim in claims_of(ledger, asks(2)))


def test_nobody_waits_for_batches_of_a_provider_without_a_key(tmp_path, memory):
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, asks(2))
        done = running(memory, lambda: finish_batches(ledger, {}, wait_s=60))
        assert (done.open, done.collected.keyless) == (0, 1)
        assert {claim.reason for claim in claims_of(ledger, asks(2))} == {"late"}


def test_only_the_batches_of_an_app_are_canceled(tmp_path, memory):
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, asks(2), a_run("trading"))
        submit(ledger, memory, asks(2, first=2), a_run("oulad"))
        assert running(memory, lambda: cancel_batches(ledger, {"openai": memory}, app="oulad")) == 1
        assert memory.canceled == ["batch_1"]
