"""Who may send now, and how long the others wait."""

import asyncio
from random import Random

import pytest

from configs.language import LanguageModel
from models.language.pacing import IN_A_ROW, START, Figures, Limits, Pacing, StoppedError
from models.language.providers.provider import Provider
from tests.models.language.asking import ask

MODEL = LanguageModel(provider="openai", input_usd=1, output_usd=1, requests_per_minute=10**6, tokens_per_minute=10**9)
SLOW = MODEL.model_copy(update={"requests_per_minute": 1})
NAME = ask().model


class Time:
    def __init__(self):
        self.at = 100.0

    def __call__(self):
        return self.at


@pytest.fixture
def time():
    return Time()


def pacing_of(model=MODEL, clock=None, **limits):
    given = [Limits(**limits), {NAME: model}, Provider.limit_headers, Figures(), Random(1)]  # noqa: S311
    return Pacing(*given, *([clock] if clock else []))


@pytest.fixture
def pacing(time):
    return pacing_of(clock=time)


def fail(pacing, time, n=IN_A_ROW, why="overloaded"):
    for _ in range(n):
        pacing.ill(why, time.at)


def probe(pacing, ending):
    """One that passes a provider that was left alone, and what comes of it."""
    assert pacing._wait_s(NAME) <= 0
    pacing._in_flight += 1
    ending()
    pacing.leave()


def test_everybody_may_ask_a_provider_that_answers(pacing):
    assert pacing._wait_s(NAME) <= 0


def test_it_is_left_alone_after_failures_in_a_row(pacing, time):
    fail(pacing, time, IN_A_ROW - 1)
    assert pacing._wait_s(NAME) <= 0
    fail(pacing, time, 1)
    assert pacing._wait_s(NAME) > 0
    assert pacing._figures.breaker_openings == 1


def test_a_few_failures_among_answers_do_not_leave_it_alone(pacing, time):
    for _ in range(100):
        fail(pacing, time, IN_A_ROW - 1)
        pacing.well()
    assert pacing._figures.breaker_openings == 0


def test_one_asks_whether_it_works_again_and_the_others_wait_for_that(pacing, time):
    fail(pacing, time)
    time.at += 1
    assert pacing._wait_s(NAME) <= 0
    pacing._in_flight += 1
    assert pacing._wait_s(NAME) > 0
    pacing.well()
    assert pacing._wait_s(NAME) <= 0


def test_it_is_asked_ever_more_seldom(pacing, time):
    fail(pacing, time, why="down")
    pauses = []
    while not pacing._is_dead:
        pauses.append(pacing._wait_s(NAME))
        time.at += pauses[-1]
        probe(pacing, lambda: pacing.ill("down", time.at))
    assert len(pauses) <= 6
    assert pauses[-1] > 3 * pauses[0]


def test_failures_of_what_was_in_flight_when_it_broke_count_once(pacing, time):
    fail(pacing, time)
    before = pacing._wait_s(NAME)
    fail(pacing, time, 59)
    assert pacing._wait_s(NAME) == before


def test_a_provider_that_fails_for_too_long_is_given_up_and_tried_again_later(pacing, time):
    fail(pacing, time)
    time.at += 11
    probe(pacing, lambda: pacing.ill("still down", time.at))
    with pytest.raises(StoppedError, match="still down") as stopped:
        pacing._wait_s(NAME)
    assert stopped.value.reason == "breaker"
    time.at += 60
    assert pacing._wait_s(NAME) <= 0
    pacing._in_flight += 1
    with pytest.raises(StoppedError, match="still down"):
        pacing._wait_s(NAME)
    pacing.well()
    assert pacing._wait_s(NAME) <= 0


def test_failures_that_took_long_give_it_up_at_once(pacing, time):
    for _ in range(IN_A_ROW):
        pacing.ill("no answer", time.at - 30)
    with pytest.raises(StoppedError, match="no answer"):
        pacing._wait_s(NAME)


def test_failures_after_a_long_silence_do_not_give_it_up_at_once(pacing, time):
    pacing.well()
    time.at += 1000
    fail(pacing, time)
    assert pacing._wait_s(NAME) > 0


def test_without_a_key_it_is_given_up_for_good(pacing, time):
    pacing.give_up("key: 401")
    pacing.give_up("key: 401")
    time.at += 1000
    pacing.well()
    fail(pacing, time)
    with pytest.raises(StoppedError, match="key: 401"):
        pacing._wait_s(NAME)


def in_turn(pacing, ending, n=3):
    """Fill all places, let n more wait, end the waiting; what became of them, and the order in which they passed."""

    async def wait():
        order = []
        while pacing._wait_s(NAME) <= 0:
            await pacing.enter(ask())

        async def enter(i):
            await pacing.enter(ask())
            order.append(i)
            pacing.leave()

        waiting = [asyncio.create_task(enter(i)) for i in range(n)]
        await asyncio.sleep(0.01)
        ending(waiting)
        return await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 60), order

    return asyncio.run(wait())


def test_few_are_in_flight_until_answers_come_and_half_as_many_after_trouble():
    new, known, troubled = (pacing_of(concurrency=20) for _ in range(3))
    for _ in range(100):
        known.well()
        troubled.well()
    troubled.ill("500", 0.0)
    for pacing, most in ((new, START), (known, 20), (troubled, 10)):
        assert in_turn(pacing, lambda _, pacing=pacing: pacing.leave()) == ([None] * 3, [0, 1, 2])
        assert pacing._figures.most_at_once == most


def test_waiting_for_a_place_is_in_order_and_who_leaves_takes_none():
    pacing = pacing_of()
    ended, order = in_turn(pacing, lambda waiting: [waiting[1].cancel(), pacing.leave()])
    assert [type(one) for one in ended] == [type(None), asyncio.CancelledError, type(None)]
    assert order == [0, 2]
    assert pacing._in_flight == START - 1


@pytest.mark.parametrize("model", [MODEL, SLOW], ids=["places", "rate"])
@pytest.mark.parametrize("reason", ["late", "canceled", "breaker", "model"])
def test_who_waits_is_sent_away_when_there_is_nothing_to_wait_for(time, model, reason):
    pacing = pacing_of(model, time, deadline_s=0.3 if reason == "late" else 60)

    def end(_):
        if reason == "late":
            time.at += 1
        elif reason == "canceled":
            pacing.stop(StoppedError(reason, "closed"))
        else:
            if reason == "breaker":
                pacing.give_up("quota: 402")
            else:
                pacing.unknown_models[NAME] = StoppedError(reason, "404")
            pacing.leave()

    ended, order = in_turn(pacing, end)
    assert [one.reason for one in ended] == [reason] * 3
    assert order == []


@pytest.mark.parametrize("answered", [True, False])
def test_those_who_wait_for_a_probe_go_on_when_it_succeeds_and_one_of_them_asks_when_it_is_called_off(answered):
    pacing = pacing_of()

    async def wait():
        for _ in range(IN_A_ROW):
            pacing.ill("overloaded", pacing._clock())
        await pacing.enter(ask())
        waiting = [asyncio.create_task(pacing.enter(ask())) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert not any(one.done() for one in waiting)
        if answered:
            pacing.well()
        pacing.leave()
        await asyncio.wait(
            waiting, timeout=60, return_when=asyncio.ALL_COMPLETED if answered else asyncio.FIRST_COMPLETED
        )
        await asyncio.sleep(0.05)  # in which another might pass
        left = [one for one in waiting if not one.done()]
        for one in left:
            one.cancel()
        return len(left)

    assert asyncio.run(wait()) == (0 if answered else 1)
