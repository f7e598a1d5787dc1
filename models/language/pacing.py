"""When a request may be sent to a provider: how many at one time, how fast, and when its breaker is open."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from configs.language import LanguageModel
from models.language.calls import Request
from models.language.providers.provider import DeclinedError
from models.language.rate import Kind, Pace, Ticket

START = 8  # requests at one time, until answers come
IN_A_ROW = 5  # failures, after which a provider is left alone
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0


@dataclass(frozen=True)
class Limits:
    """How much at one time, and how much patience.

    Attributes:
        concurrency: Requests in flight to one provider.
        deadline_s: Seconds from the opening of the client after which nothing is sent.
        longest_retry_after_s: What a provider may want us to wait; more is a failure.
        tries: Of one request, while nothing is billed.
        hold_s: How long a provider may fail before nobody waits for it any more.
        period_s: A minute, for all but servers that run faster than life.
    """

    concurrency: int = 64
    deadline_s: float = 1800
    longest_retry_after_s: float = 60
    tries: int = 8
    hold_s: float = 10
    period_s: float = 60


@dataclass
class Figures:
    """Counts of what clients did.

    Attributes:
        sent: Requests that went out, retries among them.
        rate_limited: 429s seen.
        breaker_openings: How often a provider failed so much that nothing was sent to it for a while.
        most_at_once: Requests in flight to one provider.
    """

    sent: int = 0
    from_ledger: int = 0
    retries: int = 0
    rate_limited: int = 0
    overloaded: int = 0
    unreachable: int = 0
    unknown: int = 0
    breaker_openings: int = 0
    most_at_once: int = 0
    seconds: float = 0.0


class StoppedError(DeclinedError):
    """A request was not sent, and will not be."""


class Pacing:
    """What stands between a client and one provider: its breaker, places in flight, and the pace of its models.

    Few requests are in flight at first, one more with each answer, half as many after each failure. After some failures
    in a row the provider is left alone, ever longer; then one request asks whether it works again, while the others
    wait, or are sent away once it has not answered for `hold_s`.

    Args:
        limits: Concurrency and patience.
        models: Where the limits of its models start, by name.
        headers: Which headers tell those limits; see `read_limits`.
        figures: Counts.
        random: For jitter.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        limits: Limits,
        models: Mapping[str, LanguageModel],
        headers: Mapping[Kind, str],
        figures: Figures,
        random: Random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits, self._models, self._headers, self._figures = limits, models, headers, figures
        self._random, self._clock = random, clock
        self.stopped: StoppedError | None = None
        self.unknown_models: dict[str, StoppedError] = {}
        self._ends_at = clock() + limits.deadline_s
        self._most, self._in_flight = min(START, limits.concurrency), 0
        self._failures, self._why = 0, ""  # in a row, and the last one
        self._ill_since = 0.0  # when the first of them was sent
        self._is_dead = False
        self._pause_s, self._alone_until = FIRST_PAUSE_S, clock()
        self._paces: dict[str, Pace] = {}
        self._turns: dict[str, asyncio.Lock] = {}  # who waits longest for a model is next
        self._news = asyncio.Event()

    def pace(self, name: str) -> Pace:
        """Of a model."""
        if name not in self._paces:
            model, period_s = self._models[name], self.limits.period_s
            a_minute = model.requests_per_minute, model.tokens_per_minute
            self._paces[name] = Pace(*a_minute, self._headers, period_s=period_s, clock=self._clock)
            self._turns[name] = asyncio.Lock()
        return self._paces[name]

    async def enter(self, request: Request) -> Ticket:
        """Wait for the right to send a request now; `leave` gives it back.

        Raises:
            StoppedError: It is too late, or there is no answer to be had.
        """
        pace = self.pace(request.model)
        async with self._turns[request.model]:
            while (wait_s := self._wait_s(request.model)) > 0:
                self._news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(wait_s, self.left_s)):
                        await self._news.wait()
            self._in_flight += 1
            self._figures.most_at_once = max(self._figures.most_at_once, self._in_flight)
            return pace.take(request.input_tokens, request.max_tokens)

    def _wait_s(self, model: str) -> float:
        late = None if self.left_s else StoppedError("late", "the deadline for words has passed")
        if stopped := self.stopped or late or self.unknown_models.get(model):
            raise stopped
        alone_s, most = 0.0, self._most
        if self._failures >= IN_A_ROW:  # it is left alone
            alone_s, most = self._alone_until - self._clock(), 1
            if self._is_dead and (alone_s > 0 or self._in_flight):
                raise StoppedError("breaker", self._why)
        return max(alone_s, self.pace(model).wait_s() if self._in_flight < most else self.limits.period_s)

    def leave(self) -> None:
        """It is answered, or lost; whoever waits looks again."""
        self._in_flight -= 1
        self._news.set()

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self._ends_at - self._clock())

    def stop(self, why: StoppedError) -> None:
        """Send everybody away who waits to send."""
        self.stopped = why
        self._news.set()

    def well(self, *, more: int = 1) -> None:
        """The provider answered: so many more may be in flight; none if it answered that it will not."""
        self._failures, self._is_dead, self._pause_s = 0, False, FIRST_PAUSE_S
        self._most = min(self.limits.concurrency, self._most + more)

    def ill(self, why: str, sent_at: float) -> None:
        """The provider did not answer, or not well, a request sent then (monotonic seconds)."""
        now = self._clock()
        self._ill_since = min(sent_at, self._ill_since) if self._failures else sent_at
        self._failures, self._why = self._failures + 1, why
        self._most = max(1, self._most // 2)
        self._figures.breaker_openings += self._failures == IN_A_ROW
        if self._failures >= IN_A_ROW and now >= self._alone_until:  # not of those in flight when it broke
            self._is_dead = now - self._ill_since >= self.limits.hold_s
            self._alone_until = now + self._pause_s * (0.75 + 0.5 * self._random.random())
            self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)

    def give_up(self, why: str) -> None:
        """The provider will not answer, however often it is asked: no key, no credit."""
        self._figures.breaker_openings += not (self.stopped or self._failures >= IN_A_ROW)
        self.stop(StoppedError("breaker", why))

    def wait_s(self, tries: int) -> float:
        """Seconds before the next try: twice as long each time, with jitter."""
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**tries) * (0.5 + self._random.random())
