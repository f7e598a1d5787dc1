"""How patiently a provider is asked: who may send now, how many at one time, and when it is left alone."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Literal

from configs.language import LanguageModel
from configs.settings import Settings
from models.language.calls import Reason, Request
from models.language.rate import Kind, Pace, Ticket

START = 8  # requests at one time, until answers come
IN_A_ROW = 5  # failures, after which a provider is left alone
FIRST_PROBE_S, LONGEST_PROBE_S = 0.5, 30.0
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

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """As the settings say."""
        return cls(concurrency=settings.writing_concurrency, deadline_s=settings.writing_deadline_s)


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


class StoppedError(Exception):
    """A request was not sent, and will not be."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Breaker:
    """Whether a provider is asked.

    Closed: yes. Open: one probe at a time, ever more seldom, while the others wait. Dead: it has not answered for
    `hold_s`; a probe every now and then, and the others are sent away at once.

    Args:
        hold_s: How long others wait for a provider that fails.
        random: For the jitter of probes.
        clock: Monotonic seconds.
    """

    def __init__(self, hold_s: float, random: Random, clock: Callable[[], float] = time.monotonic) -> None:
        self._hold_s, self._random, self._clock = hold_s, random, clock
        self.state: Literal["closed", "open", "dead"] = "closed"
        self.is_probing = False
        self._failures = 0  # in a row
        self._ill_since = 0.0  # when the first of them was sent
        self._why, self._for_good = "", False
        self._pause_s, self._probe_at = FIRST_PROBE_S, 0.0

    def wait_s(self) -> float:
        """Seconds until somebody may ask, or it may be known whether.

        Raises:
            StoppedError: It is given up on for now.
        """
        if self.state == "closed":
            return 0.0
        wait_s = self._hold_s if self.is_probing else self._probe_at - self._clock()
        if self.state == "dead" and (self._for_good or wait_s > 0):
            raise StoppedError("breaker", self._why)
        return wait_s

    def succeeded(self) -> None:
        """An answer came, of whatever kind: the provider works."""
        self._failures = 0
        if not self._for_good:
            self.state, self._pause_s = "closed", FIRST_PROBE_S

    def failed(self, why: str, sent_at: float) -> None:
        """It did not answer, or not well, a request sent then."""
        self._ill_since = min(sent_at, self._ill_since) if self._failures else sent_at
        self._failures += 1
        self._why = self._why if self._for_good else why
        if self.is_probing or (self.state == "closed" and self._failures >= IN_A_ROW):
            now = self._clock()
            is_over = self._for_good or now - self._ill_since >= self._hold_s
            self.state = "dead" if is_over else "open"
            self._probe_at = now + self._pause_s * (0.75 + 0.5 * self._random.random())
            self._pause_s = min(LONGEST_PROBE_S, self._pause_s * 2)

    def give_up(self, why: str) -> None:
        """It will not answer, however often it is asked: no key, no credit."""
        self.state, self._for_good, self._why = "dead", True, why


class Pacing:
    """What stands between a client and one provider.

    Few requests are in flight at first, one more with each answer, half as many after each failure.

    Args:
        limits: Concurrency and patience.
        models: Where the limits of its models start, by name.
        headers: Which headers tell those limits; see `read_limits`.
        figures: Counts.
        random: For jitter.
    """

    def __init__(
        self,
        limits: Limits,
        models: Mapping[str, LanguageModel],
        headers: Mapping[Kind, str],
        figures: Figures,
        random: Random,
    ) -> None:
        self.limits, self._models, self._headers, self._figures, self._random = limits, models, headers, figures, random
        self.breaker = Breaker(limits.hold_s, random)
        self.stopped: StoppedError | None = None
        self.unknown_models: dict[str, StoppedError] = {}
        self._ends_at = time.monotonic() + limits.deadline_s
        self._most, self._in_flight = min(START, limits.concurrency), 0
        self._paces: dict[str, Pace] = {}
        self._turns: dict[str, asyncio.Lock] = {}  # who waits longest for a model is next
        self._news = asyncio.Event()

    def pace(self, name: str) -> Pace:
        """Of a model."""
        if name not in self._paces:
            model, period_s = self._models[name], self.limits.period_s
            pace = Pace(model.requests_per_minute, model.tokens_per_minute, self._headers, period_s=period_s)
            self._paces[name], self._turns[name] = pace, asyncio.Lock()
        return self._paces[name]

    async def enter(self, request: Request) -> tuple[Ticket, bool]:
        """Wait for the right to send a request now; whether it is a probe. `leave` gives the right back.

        Raises:
            StoppedError: It is too late, or there is no answer to be had.
        """
        pace = self.pace(request.model)
        async with self._turns[request.model]:
            while (wait_s := self._wait_s(request, pace)) > 0:
                self._news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(wait_s, self.left_s)):
                        await self._news.wait()
            self._in_flight += 1
            self._figures.most_at_once = max(self._figures.most_at_once, self._in_flight)
            probe = self.breaker.is_probing = self.breaker.state != "closed"
            return pace.take(request.input_tokens, request.max_tokens), probe

    def _wait_s(self, request: Request, pace: Pace) -> float:
        late = None if self.left_s else StoppedError("late", "the deadline for words has passed")
        if stopped := self.stopped or late or self.unknown_models.get(request.model):
            raise stopped
        if (wait_s := self.breaker.wait_s()) > 0:
            return wait_s
        if self._in_flight >= self._most:
            return self.limits.period_s
        return pace.wait_s(request.input_tokens, request.max_tokens)

    def leave(self, *, probe: bool) -> None:
        """It is answered, or lost; whoever waits looks again."""
        self._in_flight -= 1
        if probe:
            self.breaker.is_probing = False
        self._news.set()

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self._ends_at - time.monotonic())

    def stop(self, why: StoppedError) -> None:
        """Send everybody away who waits to send."""
        self.stopped = why
        self._news.set()

    def well(self) -> None:
        """The provider answered, so that one more may be in flight."""
        self.breaker.succeeded()
        self._most = min(self.limits.concurrency, self._most + 1)

    def ill(self, why: str, sent_at: float) -> None:
        """The provider did not answer, or not well, a request sent then (monotonic seconds)."""
        before = self.breaker.state
        self.breaker.failed(why, sent_at)
        self._figures.breaker_openings += before == "closed" != self.breaker.state
        self._most = max(1, self._most // 2)

    def give_up(self, why: str) -> None:
        """The provider will not answer, however often it is asked."""
        self._figures.breaker_openings += self.breaker.state == "closed"
        self.breaker.give_up(why)

    def wait_s(self, tries: int) -> float:
        """Seconds before the next try: twice as long each time, with jitter."""
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**tries) * (0.5 + self._random.random())
