"""Batches with a provider in memory, for what no server does on demand."""

import json
import weakref

import pytest

from models.language.batches import Batches, BatchRows
from models.language.batches.rows import custom_id
from models.language.calls import Usage, Written, most_it_costs
from models.language.ledger import Attempt, Budget
from models.language.providers.provider import (
    BatchProvider,
    BatchState,
    DeclinedError,
    NoAnswerError,
    NotSentError,
    Result,
)
from tests.models.language.asking import PLENTY, Clock, a_run, ask, ledger_at
from tests.models.language.batches.sent import PRICES, asks, claims_of, collect, finish, recover, running, submit


class Memory(BatchProvider):
    """A provider whose batches end at once with the results that `shape` makes of their lines."""

    name, max_requests, max_bytes = "openai", 50_000, 200_000_000

    def __init__(self):
        self.batches, self.canceled, self.found, self.error = {}, [], [], None
        self.state = BatchState("ended")
        self.shape = list

    def batch_line(self, name, request):
        return json.dumps({"custom_id": name, "user": request.user}).encode() + b"\n"

    async def submit(self, batch_key, lines):
        if self.error:
            raise self.error
        id_ = f"batch_{len(self.batches)}"
        self.batches[id_] = [Result(json.loads(line)["custom_id"], 200, b"{}") for line in lines]
        return id_

    async def find(self, batch_key, n, since, known):
        if isinstance(self.found, Exception):
            raise self.found
        return [id_ for id_ in self.found if id_ not in known]

    async def poll(self, batch_id):
        return self.state

    async def results(self, batch_id):
        return self.shape(self.batches[batch_id])

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


def test_a_batch_that_was_begun_without_our_knowing_is_found_and_its_answers_booked(tmp_path, memory):
    memory.error = NoAnswerError("timed out")
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, asks(3))
        (batch,) = BatchRows(ledger).unfinished()
        memory.batches["first"] = [Result(custom_id(batch.key, request.key), 200, b"{}") for request in asks(3)]
        memory.found = ["first"]
        assert recover(ledger, memory).adopted == 1
        assert BatchRows(ledger).running()[0].provider_id == "first"
        assert collect(ledger, memory).answered == 3


def test_a_night_neither_waits_for_nor_gives_back_the_unfinished_batches_of_another_app(tmp_path, memory):
    with ledger_at(tmp_path) as ledger:
        memory.error = NoAnswerError("timed out")
        submit(ledger, memory, asks(3), a_run("oulad"))
        done = finish(ledger, memory, wait_s=5, app="trading")
        assert (done.open, done.released, memory.batches) == (0, 0, {})
        assert [batch.app for batch in BatchRows(ledger).unfinished()] == ["oulad"]
        assert finish(ledger, memory, app="oulad").released == 1


def test_an_answer_without_the_batchs_id_leaves_it_in_doubt_and_is_no_crash(tmp_path, memory):
    memory.error = KeyError("id")
    with ledger_at(tmp_path) as ledger:
        assert len(submit(ledger, memory, asks(3))) == 1
        assert [batch.state for batch in BatchRows(ledger).unfinished()] == ["unsure"]


def test_a_batch_that_shows_up_after_it_was_given_up_is_canceled_and_counted(tmp_path, memory):
    clock = Clock()
    memory.error = NoAnswerError("timed out")
    with ledger_at(tmp_path, clock) as ledger:
        submit(ledger, memory, asks(3))
        memory.error = None
        assert recover(ledger, memory).released == 1
        memory.found = NoAnswerError("not ended")
        assert recover(ledger, memory).doubled == 0
        memory.found = ["late one"]
        assert recover(ledger, memory).doubled == 1
        assert memory.canceled == ["late one"]
        assert recover(ledger, memory).doubled == 0
        memory.found = ["much later"]
        clock.forward(hours=25)
        assert recover(ledger, memory).doubled == 0


@pytest.mark.parametrize("error", [NotSentError("no route"), DeclinedError("quota"), DeclinedError("rate")], ids=str)
def test_a_batch_that_was_surely_not_begun_is_not_looked_for_and_its_questions_are_free(tmp_path, memory, error):
    memory.error, memory.found = error, ["somebody's"]
    run = a_run()
    with ledger_at(tmp_path) as ledger:
        assert submit(ledger, memory, asks(3), run) == []
        done = recover(ledger, memory)
        assert (done.open, done.doubled, done.adopted, memory.canceled) == (0, 0, 0, [])
        assert ledger.report(run).reserved_usd == 0
        memory.error = None
        assert len(submit(ledger, memory, asks(3))) == 1
        assert collect(ledger, memory).answered == 3


def test_while_a_batch_is_in_doubt_its_questions_are_late_for_a_month_and_unknown_after(tmp_path, memory):
    clock, requests, run = Clock(), asks(2), a_run()
    memory.error = NoAnswerError("timed out")
    with ledger_at(tmp_path, clock) as ledger:
        submit(ledger, memory, requests, run)
        memory.found = NotSentError("no route")
        clock.forward(days=29)
        assert recover(ledger, memory).unsure == 1
        assert {claim.reason for claim in claims_of(ledger, requests)} == {"late"}
        clock.forward(days=2)
        assert recover(ledger, memory).released == 1
        assert recover(ledger, memory).unsure == 0
        report = ledger.report(run)
        assert (report.failed, report.cost_usd) == ({"unknown": 2}, 0)
        assert report.reserved_usd > 0
        assert all(isinstance(claim, Attempt) for claim in claims_of(ledger, requests))


def test_a_batch_that_a_living_process_is_sending_is_left_to_it(tmp_path, memory):
    with ledger_at(tmp_path) as ledger, ledger_at(tmp_path) as other:
        rows = BatchRows(ledger)
        batch = rows.intend(a_run(), PLENTY, "openai", asks(2), PRICES)
        memory.found = ["theirs"]
        assert recover(other, memory).adopted == 0
        rows.note(batch, state="unsure")
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
        assert ledger.file.connection.execute("SELECT count(*) FROM batch").fetchone() == (0,)


def test_requests_are_read_once_and_a_batch_of_them_held(tmp_path, memory):
    """A generator whose requests must be gone by the time that later ones are made."""
    alive = weakref.WeakValueDictionary()

    def made():
        for i in range(3000):
            request = ask(i)
            alive[i] = request
            yield request

    memory.max_requests, most = 300, 0
    with ledger_at(tmp_path) as ledger:
        whole = ledger.decide

        def watching(*args, **named):
            nonlocal most
            most = max(most, len(alive))
            return whole(*args, **named)

        ledger.decide = watching
        submit(ledger, memory, made())
    assert [len(batch) for batch in memory.batches.values()] == [300] * 10
    assert most < 700


def test_a_batch_that_turns_out_never_begun_after_time_is_up_is_given_back(tmp_path, memory):
    memory.error = NoAnswerError("timed out")
    seen = iter([NoAnswerError("not ended"), []])

    async def find(*_):
        memory.found = next(seen, [])
        return await Memory.find(memory, *_)

    memory.find = find
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, asks(2))
        memory.error = None
        done = finish(ledger, memory, wait_s=0)
        assert (done.open, done.released, memory.batches) == (0, 1, {})
        assert all(isinstance(claim, Attempt) for claim in claims_of(ledger, asks(2)))


def test_nobody_waits_for_batches_of_a_provider_without_a_key(tmp_path, memory):
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, asks(2))
        done = running(memory, lambda: Batches(ledger, {}).finish(60))
        assert (done.open, done.keyless) == (0, 1)
        assert {claim.reason for claim in claims_of(ledger, asks(2))} == {"late"}


def test_only_the_batches_of_an_app_are_canceled(tmp_path, memory):
    with ledger_at(tmp_path) as ledger:
        submit(ledger, memory, asks(2), a_run("trading"))
        submit(ledger, memory, asks(2, first=2), a_run("oulad"))
        assert running(memory, Batches(ledger, {"openai": memory}, app="oulad").cancel).canceled == 1
        assert memory.canceled == ["batch_1"]
