import asyncio
from random import Random

import pytest

from models.language.pacing.breaker import IN_A_ROW, Breaker, StoppedError


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


def enter(breaker):
    return asyncio.run(asyncio.wait_for(breaker.enter(), 0.05))


def test_a_closed_breaker_lets_everybody_pass(breaker):
    assert not any(enter(breaker) for _ in range(5))


def test_it_opens_after_failures_in_a_row_and_others_wait(breaker, time):
    fail(breaker, time, IN_A_ROW - 1)
    assert breaker.state == "closed"
    fail(breaker, time, 1)
    assert (breaker.state, breaker.openings) == ("open", 1)
    with pytest.raises(TimeoutError):
        enter(breaker)


def test_it_opens_when_half_of_the_latest_failed(breaker, time):
    for _ in range(10):
        breaker.failed("overloaded", time.at)
        assert breaker.state == "closed"
        breaker.succeeded()
    breaker.failed("overloaded", time.at)
    assert breaker.state == "open"


def test_a_few_failures_among_answers_do_not_open_it(breaker, time):
    for _ in range(100):
        breaker.failed("overloaded", time.at)
        for _ in range(3):
            breaker.succeeded()
    assert breaker.state == "closed"


def test_an_open_one_lets_one_probe_pass_and_closes_when_it_succeeds(breaker, time):
    fail(breaker, time)
    time.at += 1
    assert enter(breaker)
    with pytest.raises(TimeoutError):
        enter(breaker)
    breaker.succeeded()
    assert breaker.state == "closed"
    assert not enter(breaker)


def test_probes_come_ever_more_seldom(breaker, time):
    fail(breaker, time, why="down")
    pauses = []
    while breaker.state == "open":
        since = time.at
        while breaker._probe_at > time.at:
            time.at += 0.05
        pauses.append(time.at - since)
        assert enter(breaker)
        breaker.failed("down", time.at)
    assert len(pauses) <= 6
    assert pauses[-1] > 3 * pauses[0]


def test_a_provider_that_fails_for_too_long_is_given_up_and_tried_again_later(breaker, time):
    fail(breaker, time)
    time.at += 11
    assert enter(breaker)
    breaker.failed("still down", time.at)
    assert breaker.state == "dead"
    with pytest.raises(StoppedError, match="still down") as stopped:
        enter(breaker)
    assert stopped.value.reason == "breaker"
    time.at += 60
    assert enter(breaker)
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
    with pytest.raises(StoppedError, match="key: 401"):
        enter(breaker)
    assert breaker.openings == 1


def test_a_probe_that_is_called_off_leaves_the_next_one_to_another(breaker, time):
    fail(breaker, time)
    time.at += 1
    assert enter(breaker)
    breaker.passed()
    assert enter(breaker)


def test_those_who_wait_go_on_when_it_closes_and_away_when_it_dies(time):
    async def wait(ending):
        breaker = Breaker(10, Random(1), time)  # noqa: S311
        fail(breaker, time)
        waiting = [asyncio.create_task(breaker.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        ending(breaker)
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert asyncio.run(wait(Breaker.succeeded)) == [False] * 3
    died = asyncio.run(wait(lambda breaker: breaker.give_up("quota: 402")))
    assert [type(one) for one in died] == [StoppedError] * 3
    stopped = asyncio.run(wait(lambda breaker: breaker.stop(StoppedError("late", "over"))))
    assert [one.reason for one in stopped] == ["late"] * 3
