import asyncio

import pytest

from models.language.pacing.breaker import CUT_EVERY_S, START, WINDOW, Slots, StoppedError


class Time:
    def __init__(self):
        self.at = 0.0

    def __call__(self):
        return self.at


@pytest.fixture
def time():
    return Time()


def fill(slots):
    async def enter():
        while slots.used < int(slots.limit):
            await slots.enter()

    asyncio.run(enter())


def answer(slots, n, seconds=0.1, tokens=100):
    for _ in range(n):
        slots.answered(seconds, tokens)
        fill(slots)


def test_slots_begin_few_and_double_while_all_goes_well(time):
    slots = Slots(64, clock=time)
    fill(slots)
    assert slots.used == START
    answer(slots, START)
    assert slots.limit == 2 * START
    answer(slots, 1000)
    assert slots.limit == 64


def test_slots_that_nobody_needs_do_not_grow(time):
    slots = Slots(64, clock=time)
    for _ in range(100):
        slots.answered(0.1, 100)
    assert slots.limit == START


def test_trouble_takes_a_share_once_a_second_and_growth_is_slow_after_it(time):
    slots = Slots(64, clock=time)
    fill(slots)
    answer(slots, 100)
    for _ in range(10):
        slots.overloaded()
    assert slots.limit == pytest.approx(64 * 0.7)
    time.at += CUT_EVERY_S
    slots.overloaded()
    assert slots.limit == pytest.approx(64 * 0.7**2)
    before = slots.limit
    answer(slots, int(before))
    assert slots.limit == pytest.approx(before + 1, abs=0.1)


def test_there_is_always_one_slot(time):
    slots = Slots(8, clock=time)
    for _ in range(100):
        time.at += CUT_EVERY_S
        slots.overloaded()
    assert slots.limit == 1


def test_answers_that_became_slow_for_their_length_take_slots_away_and_long_ones_do_not(time):
    slots = Slots(64, clock=time)
    fill(slots)
    answer(slots, 100)
    answer(slots, 4 * WINDOW, seconds=1.0, tokens=1450)
    assert slots.limit == 64
    for _ in range(20):
        time.at += CUT_EVERY_S
        answer(slots, WINDOW, seconds=1.0, tokens=100)
    assert 8 <= slots.limit < 40


def test_waiting_is_in_order_and_ends_when_it_is_stopped(time):
    async def wait():
        slots, order = Slots(1, clock=time), []

        async def work(i):
            await slots.enter()
            order.append(i)
            await asyncio.sleep(0)
            slots.leave()

        await asyncio.gather(*(work(i) for i in range(5)))
        await slots.enter()
        waiting = [asyncio.create_task(slots.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        slots.stop(StoppedError("late", "over"))
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        slots.leave()
        return order, ended, slots.used

    order, ended, used = asyncio.run(wait())
    assert order == list(range(5))
    assert [type(one) for one in ended] == [asyncio.CancelledError, StoppedError, StoppedError]
    assert used == 0


def test_a_slot_given_to_somebody_who_left_is_given_on(time):
    async def wait():
        slots = Slots(1, clock=time)
        await slots.enter()
        first, second = (asyncio.create_task(slots.enter()) for _ in range(2))
        await asyncio.sleep(0)
        slots.leave()
        first.cancel()
        await asyncio.wait_for(second, 1)
        return slots.used

    assert asyncio.run(wait()) == 1
