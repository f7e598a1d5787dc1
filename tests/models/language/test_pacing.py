"""Who may send now: the breaker by itself, and all that stands before a provider."""

import asyncio
from random import Random

import pytest

from configs.language import LanguageModel
from models.language.pacing import IN_A_ROW, START, Breaker, Figures, Limits, Pacing, StoppedError
from models.language.providers.provider import Provider
from tests.models.language.asking import ask


class Time:
    def __init__(self):
        self.at = 100.0

    def __call__(self):
        return self.at


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def breaker(time):
    return Breaker(10, Random(1), time)  # noqa: S311


def fail(breaker, time, n=IN_A_ROW, why="overloaded"):
    for _ in range(n):
        breaker.failed(why, time.at)


def test_a_closed_breaker_lets_everybody_pass(breaker):
    assert breaker.wait_s() == 0


def test_it_opens_after_failures_in_a_row_and_others_wait(breaker, time):
    fail(breaker, time, IN_A_ROW - 1)
    assert breaker.state == "closed"
    fail(breaker, time, 1)
    assert breaker.state == "open"
    assert breaker.wait_s() > 0


def test_a_few_failures_among_answers_do_not_open_it(breaker, time):
    for _ in range(100):
        breaker.failed("overloaded", time.at)
        for _ in range(3):
            breaker.succeeded()
    assert breaker.state == "closed"


def probe(breaker):
    """Let somebody pass an open breaker."""
    assert breaker.wait_s() <= 0
    breaker.is_probing = True


def test_an_open_one_lets_one_probe_pass_and_closes_when_it_succeeds(breaker, time):
    fail(breaker, time)
    time.at += 1
    probe(breaker)
    assert breaker.wait_s() > 0
    breaker.succeeded()
    assert (breaker.state, breaker.wait_s()) == ("closed", 0)


def test_probes_come_ever_more_seldom(breaker, time):
    fail(breaker, time, why="down")
    pauses = []
    while breaker.state == "open":
        pauses.append(breaker.wait_s())
        time.at += pauses[-1]
        probe(breaker)
        breaker.failed("down", time.at)
        breaker.is_probing = False
    assert len(pauses) <= 6
    assert pauses[-1] > 3 * pauses[0]


def test_a_provider_that_fails_for_too_long_is_given_up_and_tried_again_later(breaker, time):
    fail(breaker, time)
    time.at += 11
    probe(breaker)
    breaker.failed("still down", time.at)
    breaker.is_probing = False
    assert breaker.state == "dead"
    with pytest.raises(StoppedError, match="still down") as stopped:
        breaker.wait_s()
    assert stopped.value.reason == "breaker"
    time.at += 60
    probe(breaker)
    with pytest.raises(StoppedError, match="still down"):
        breaker.wait_s()
    breaker.succeeded()
    assert breaker.state == "closed"


def test_failures_that_took_long_give_it_up_at_once(breaker, time):
    for _ in range(IN_A_ROW):
        breaker.failed("no answer", time.at - 30)
    assert breaker.state == "dead"


def test_failures_after_a_long_silence_do_not_give_it_up_at_once(breaker, time):
    breaker.succeeded()
    time.at += 3600
    fail(breaker, time)
    assert breaker.state == "open"


def test_without_a_key_it_is_given_up_for_good(breaker, time):
    breaker.give_up("key: 401")
    time.at += 1e6
    breaker.succeeded()
    fail(breaker, time)
    with pytest.raises(StoppedError, match="key: 401"):
        breaker.wait_s()


MODEL = LanguageModel(provider="openai", input_usd=1, output_usd=1, requests_per_minute=10**6, tokens_per_minute=10**9)
SLOW = MODEL.model_copy(update={"requests_per_minute": 1})


def pacing_of(model=MODEL, **limits):
    name = ask().model
    return Pacing(Limits(**limits), {name: model}, Provider.limit_headers, Figures(), Random(1))  # noqa: S311


def in_turn(pacing, ending, n=3):
    """Fill all places, let n more wait, end the waiting; what became of them, and the order in which they passed."""

    async def wait():
        order = []
        while pacing._wait_s(ask(), pacing.pace(ask().model)) <= 0:
            await pacing.enter(ask())

        async def enter(i):
            await pacing.enter(ask())
            order.append(i)
            pacing.leave(probe=False)

        waiting = [asyncio.create_task(enter(i)) for i in range(n)]
        await asyncio.sleep(0.01)
        ending(waiting)
        return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5), order

    return asyncio.run(wait())


def test_few_are_in_flight_until_answers_come_and_half_as_many_after_trouble():
    new, known, troubled = (pacing_of(concurrency=20) for _ in range(3))
    for _ in range(100):
        known.well()
        troubled.well()
    troubled.ill("500", 0.0)
    for pacing, most in ((new, START), (known, 20), (troubled, 10)):
        assert in_turn(pacing, lambda _, pacing=pacing: pacing.leave(probe=False)) == ([None] * 3, [0, 1, 2])
        assert pacing._figures.most_at_once == most


def test_waiting_for_a_place_is_in_order_and_who_leaves_takes_none():
    pacing = pacing_of()
    ended, order = in_turn(pacing, lambda waiting: [waiting[1].cancel(), pacing.leave(probe=False)])
    assert [type(one) for one in ended] == [type(None), asyncio.CancelledError, type(None)]
    assert order == [0, 2]
    assert pacing._in_flight == START - 1


@pytest.mark.parametrize("model", [MODEL, SLOW], ids=["places", "rate"])
@pytest.mark.parametrize("reason", ["late", "canceled", "breaker", "model"])
def test_who_waits_is_sent_away_when_there_is_nothing_to_wait_for(model, reason):
    pacing = pacing_of(model, deadline_s=0.3 if reason == "late" else 60)

    def end(_):
        if reason == "canceled":
            pacing.stop(StoppedError(reason, "closed"))
        elif reason != "late":
            if reason == "breaker":
                pacing.give_up("quota: 402")
            else:
                pacing.unknown_models[ask().model] = StoppedError(reason, "404")
            pacing.leave(probe=False)

    ended, order = in_turn(pacing, end)
    assert [one.reason for one in ended] == [reason] * 3
    assert order == []


def test_those_who_wait_for_a_probe_go_on_when_it_succeeds_and_one_of_them_probes_when_it_is_called_off(monkeypatch):
    monkeypatch.setattr("models.language.pacing.FIRST_PROBE_S", 0.0)

    async def wait(pacing, answered):
        for _ in range(IN_A_ROW):
            pacing.ill("overloaded", pacing.breaker._clock())
        _, probe = await pacing.enter(ask())
        assert probe
        waiting = [asyncio.create_task(pacing.enter(ask())) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert not any(one.done() for one in waiting)
        if answered:
            pacing.well()
        pacing.leave(probe=True)
        done, left = await asyncio.wait(waiting, timeout=0.5)
        for one in left:
            one.cancel()
        return [one.result()[1] for one in done]

    assert asyncio.run(wait(pacing_of(), answered=True)) == [False] * 2
    assert asyncio.run(wait(pacing_of(), answered=False)) == [True]
