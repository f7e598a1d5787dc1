"""How many requests a provider has at one time, and a breaker that leaves it alone while it fails."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Literal

from models.language.calls import Reason

IN_A_ROW = 5
LATEST, SHARE = 20, 0.5  # of the latest answers that failed
FIRST_PROBE_S, LONGEST_PROBE_S = 0.5, 30.0

START = 8
GROW_FROM = 0.5  # of the slots in use, below which more slots would prove nothing
CUT_OVERLOADED, CUT_SLOW = 0.7, 0.9
CUT_EVERY_S = 1.0
WINDOW = 24  # answers in one look at the latency
SLOW = 3.0  # times the usual seconds per token
USUAL_RISES = 1.05  # for every window, so that a new usual is found
TOKENS_FREE = 50  # an answer takes a while before its first token: about as long as so many more


class StoppedError(Exception):
    """Whoever waited need wait no longer: what was waited for will not come."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def send_away(waiting: deque[asyncio.Future[Any]], why: StoppedError) -> None:
    """Tell everybody who waits that it was in vain."""
    while waiting:
        if not (one := waiting.popleft()).done():
            one.set_exception(why)


def was_served(waiting: asyncio.Future[Any]) -> bool:
    """Whether somebody who was canceled while waiting had been given what it waited for: it must give it back."""
    return waiting.done() and not waiting.cancelled() and waiting.exception() is None


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
        self.openings = 0
        self.why = ""
        self._for_good = False
        self._failures_in_a_row = 0
        self._latest: deque[bool] = deque(maxlen=LATEST)
        self._ill_since: float | None = None  # when the first request was sent that failed since the last answer
        self._pause_s, self._probe_at, self._probing = FIRST_PROBE_S, 0.0, False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> bool:
        """Pass when the provider may be asked; True when this request is the probe.

        Raises:
            StoppedError: It is given up on for now.
        """
        while self.state != "closed":
            if not self._for_good and not self._probing and self._clock() >= self._probe_at:
                self._probing = True
                return True
            if self.state == "dead":
                raise StoppedError("breaker", self.why)
            await self._wait()
        return False

    def succeeded(self) -> None:
        """An answer came, of whatever kind: the provider works."""
        self._ill_since = None
        self._failures_in_a_row = 0
        if self.state == "closed":
            self._latest.append(True)
        elif not self._for_good:
            self.state, self._probing, self._pause_s = "closed", False, FIRST_PROBE_S
            self._latest.clear()
            self._wake()

    def failed(self, why: str, sent_at: float) -> None:
        """It did not answer, or not well, a request sent then."""
        self._ill_since = sent_at if self._ill_since is None else min(sent_at, self._ill_since)
        self._failures_in_a_row += 1
        self._latest.append(False)
        self.why = why
        many = len(self._latest) == LATEST and self._latest.count(False) >= SHARE * LATEST
        if self.state != "closed":
            if self._probing:
                self._probing = False
                self._later()
        elif self._failures_in_a_row >= IN_A_ROW or many:
            self.state = "open"
            self.openings += 1
            self._later()

    def give_up(self, why: str) -> None:
        """It will not answer, however often it is asked: no key, no credit."""
        if not self._for_good:
            self.openings += self.state == "closed"
            self.state, self._for_good, self.why = "dead", True, why
            self._wake()

    def passed(self) -> None:
        """A probe ended without a word about the provider (it was canceled)."""
        self._probing = False
        self._wake()

    def stop(self, why: StoppedError) -> None:
        """Send everybody away who waits."""
        send_away(self._waiting, why)

    def _later(self) -> None:
        now = self._clock()
        if self._ill_since is not None and now - self._ill_since >= self._hold_s:
            self.state = "dead"
        self._probe_at = now + self._pause_s * (0.75 + 0.5 * self._random.random())
        self._pause_s = min(LONGEST_PROBE_S, self._pause_s * 2)
        self._wake()

    async def _wait(self) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        # One of those who wait is to be the next probe.
        delay = max(0.0, self._probe_at - self._clock()) if not self._probing else self._hold_s
        timer = asyncio.get_running_loop().call_later(delay + 0.001, _done, waiting)
        try:
            await waiting
        finally:
            timer.cancel()

    def _wake(self) -> None:
        while self._waiting:
            _done(self._waiting.popleft())


def _done(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


class Slots:
    """Requests at one time: one more for each answer at first, for each round after trouble; fewer by a share.

    Args:
        most: Never more.
        clock: Monotonic seconds.
    """

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self._clock = most, clock
        self.limit = float(min(START, most))
        self.used, self.highest = 0, 0
        self._trouble, self._cut_at = False, -CUT_EVERY_S
        self._window: list[float] = []
        self._usual: float | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Take a slot, first come first served; StoppedError when `stop` was called meanwhile."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._serve()
        try:
            await waiting
        except asyncio.CancelledError:
            if was_served(waiting):
                self.leave()
            raise

    def leave(self) -> None:
        """Give a slot back."""
        self.used -= 1
        self._serve()

    def stop(self, why: StoppedError) -> None:
        """Send everybody away who waits."""
        send_away(self._waiting, why)

    def answered(self, seconds: float, tokens: int) -> None:
        """An answer came: grow, unless answers have become slow for their length."""
        if self.used >= self.limit * GROW_FROM and self.limit < self.most:
            self.limit = min(self.most, self.limit + (1 / self.limit if self._trouble else 1))
        self._window.append(seconds / (tokens + TOKENS_FREE))
        if len(self._window) >= WINDOW:
            mean = sum(self._window) / len(self._window)
            self._window.clear()
            if self._usual is not None and mean > SLOW * self._usual:
                self._cut(CUT_SLOW, least=max(1.0, self.most / 8))
            self._usual = mean if self._usual is None else min(mean, self._usual * USUAL_RISES)

    def overloaded(self) -> None:
        """A 429, a 5xx or no answer."""
        self._cut(CUT_OVERLOADED, least=1.0)

    def _cut(self, share: float, least: float) -> None:
        now = self._clock()
        self._trouble = True
        # Requests that were together in flight fail together: once is enough.
        if now - self._cut_at >= CUT_EVERY_S:
            self._cut_at = now
            self.limit = min(self.limit, max(least, self.limit * share))

    def _serve(self) -> None:
        while self._waiting and self.used < int(self.limit):
            if not (waiting := self._waiting.popleft()).done():
                self.used += 1
                self.highest = max(self.highest, self.used)
                waiting.set_result(None)
