"""How many requests a provider has at one time: more while it answers well, fewer when it is overloaded or slow."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from models.language.rate import StoppedError

START = 8
GROW_FROM = 0.5  # of the slots in use, below which more slots would prove nothing
CUT_OVERLOADED, CUT_SLOW = 0.7, 0.9
CUT_EVERY_S = 1.0
WINDOW = 24  # answers in one look at the latency
SLOW = 3.0  # times the usual seconds per token
USUAL_RISES = 1.05  # for every window, so that a new usual is found
TOKENS_FREE = 50  # an answer takes a while before its first token: about as long as so many more


class Slots:
    """Slots that grow by one for each answer at first, by one for each round after trouble, and shrink by a share.

    Args:
        most: Never more.
        start: To begin with.
        clock: Monotonic seconds.
    """

    def __init__(self, most: int, start: int = START, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self._clock = most, clock
        self.limit = float(min(start, most))
        self.used, self.highest = 0, 0
        self._trouble = False
        self._cut_at = -CUT_EVERY_S
        self._window: list[float] = []
        self._usual: float | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        """Take a slot, first come first served.

        Raises:
            StoppedError: `stop` was called meanwhile.
        """
        if self.used < int(self.limit) and not self._waiting:
            self._take()
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and waiting.exception() is None:
                self.leave()
            raise

    def leave(self) -> None:
        """Give a slot back."""
        self.used -= 1
        self._serve()

    def stop(self, why: StoppedError) -> None:
        """Send everybody away who waits."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(why)

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

    def _take(self) -> None:
        self.used += 1
        self.highest = max(self.highest, self.used)

    def _serve(self) -> None:
        while self._waiting and self.used < int(self.limit):
            waiting = self._waiting.popleft()
            if not waiting.done():
                self._take()
                waiting.set_result(None)
