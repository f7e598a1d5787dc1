"""A breaker for each provider: after too many failures it is left alone, tried again now and then, and given up on."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Literal

from models.language.rate import StoppedError

IN_A_ROW = 5
WINDOW, SHARE = 20, 0.5  # of the latest answers that failed
FIRST_PROBE_S = 0.5
LONGEST_PROBE_S = 30.0
State = Literal["closed", "open", "dead"]


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
        self.state: State = "closed"
        self.openings = 0
        self.why = ""
        self._for_good = False
        self._failures_in_a_row = 0
        self._latest: deque[bool] = deque(maxlen=WINDOW)
        self._ill_since: float | None = None  # when the first request was sent that failed since the last answer
        self._pause_s = FIRST_PROBE_S
        self._probe_at = 0.0
        self._probing = False
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
        if self.state != "closed":
            if self._probing:
                self._probing = False
                self._later()
        elif self._failures_in_a_row >= IN_A_ROW or (
            len(self._latest) == WINDOW and self._latest.count(False) >= SHARE * WINDOW
        ):
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
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(why)

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
