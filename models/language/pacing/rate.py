"""How fast a model may be asked: requests and tokens a minute, smooth, learnt from the provider's headers.

Every allowance is paced at a little less than it refills by, so that no window of the provider's, sliding, fixed or a
bucket, sees more than it allows. What the headers say is left slows the pace when others use the same account, and
quickens it a little while there is plenty. A 429 stops everybody for as long as the provider says.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from models.language.pacing.allowance import BURST, Allowance, Kind, Taken, read_limits
from models.language.pacing.breaker import StoppedError, send_away, was_served

CUT, LEAST_CUT = 0.85, 0.2  # of the pace after a 429, and in all
RECOVERY = 0.4  # of the pace, in a period
LEARNING = 0.1  # weight of the newest answer in how much of an estimate is used


@dataclass(slots=True)
class Need:
    """What a request takes: its input tokens and the most that its answer may have."""

    input: int
    output: int

    def of(self, kind: Kind) -> float:
        """What it takes of an allowance."""
        if kind == "requests":
            return 1
        if kind == "tokens":
            return self.input + self.output
        return self.input if kind == "input" else self.output


@dataclass(slots=True)
class Ticket:
    """The right to send one request now; tickets are numbered in order."""

    number: int
    need: Need
    sent_at: float
    taken: dict[Kind, Taken]


class Pace:
    """The allowances of one model of one provider.

    Args:
        requests: A minute, until the headers say otherwise.
        tokens: A minute, until the headers say otherwise.
        headers: See `read_limits`.
        period_s: What a minute is; another figure is for servers that run faster than life.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        requests: float,
        tokens: float,
        headers: Mapping[Kind, str],
        *,
        period_s: float = 60,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._headers, self._clock, self._period_s = headers, clock, period_s
        now = clock()
        self._allowances: dict[Kind, Allowance] = {
            "requests": Allowance(requests, period_s, now),
            "tokens": Allowance(tokens, period_s, now),
        }
        self._used_share = 1.0  # of the estimates
        self._numbers = itertools.count(1)
        self._cut, self._cut_at, self._recovered_at = 1.0, now - period_s, now
        self._paused_until = 0.0
        self._learnt_at = -1.0
        self._waiting: deque[tuple[Need, asyncio.Future[Ticket]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, need: Need) -> Ticket:
        """Wait for the right to send, first come first served.

        Raises:
            StoppedError: `stop` was called meanwhile.
        """
        waiting: asyncio.Future[Ticket] = asyncio.get_running_loop().create_future()
        self._waiting.append((need, waiting))
        if len(self._waiting) == 1:
            self._serve()
        try:
            return await waiting
        except asyncio.CancelledError:
            if was_served(waiting):
                self.unused(waiting.result())
            raise

    def stop(self, why: StoppedError) -> None:
        """Send everybody away who waits."""
        send_away(deque(waiting for _, waiting in self._waiting), why)
        self._waiting.clear()

    def answered(self, ticket: Ticket, headers: Mapping[str, str], used: Need, now: Callable[[], datetime]) -> None:
        """Correct the estimate by what was used, and learn from the headers."""
        if used.input or used.output:
            share = (used.input + used.output) / max(1.0, ticket.need.input + ticket.need.output)
            self._used_share += LEARNING * (min(share, 1.5) - self._used_share)
        self._learn(ticket, headers, now)
        self._correct(ticket, used, 1)

    def refused(self, ticket: Ticket, headers: Mapping[str, str], now: Callable[[], datetime], pause_s: float) -> None:
        """A 429: nothing was used; nobody sends for so long, and then everybody more slowly for a while."""
        moment = self._clock()
        self._learn(ticket, headers, now, always=True)
        self._recover(moment)
        # Requests that were together in flight are refused together: once is enough.
        if moment - self._cut_at >= self._period_s * BURST:
            self._cut, self._cut_at = max(LEAST_CUT, self._cut * CUT), moment
        self._paused_until = max(self._paused_until, moment + pause_s)
        self._correct(ticket, Need(0, 0), 1)

    def unused(self, ticket: Ticket) -> None:
        """The request was not sent, or was refused for another reason than the rate."""
        self._correct(ticket, Need(0, 0), 0)

    def _correct(self, ticket: Ticket, used: Need, requests: int) -> None:
        for kind, taken in ticket.taken.items():
            allowance = self._allowances.get(kind)
            if allowance is not None:
                spent = requests if kind == "requests" else used.of(kind)
                allowance.correct(taken, spent, spent)
        if self._waiting:
            self._serve()

    def _learn(
        self, ticket: Ticket, headers: Mapping[str, str], now: Callable[[], datetime], *, always: bool = False
    ) -> None:
        moment = self._clock()
        # Ten times a second is often enough, and reading headers is not free.
        if not always and moment - self._learnt_at < self._period_s / 600:
            return
        self._learnt_at = moment
        told = read_limits(headers, self._headers, now())
        for kind, said in told.items():
            allowance = self._allowances.get(kind)
            if allowance is None:
                allowance = self._allowances[kind] = Allowance(said.limit, self._period_s, moment)
            allowance.learn(said, ticket.number, ticket.sent_at)
        if "input" in told and "tokens" not in told:
            self._allowances.pop("tokens", None)  # only guessed at, and not what this provider counts

    def _recover(self, now: float) -> None:
        self._cut = min(1.0, self._cut + (now - self._recovered_at) * RECOVERY / self._period_s)
        self._recovered_at = now

    def _wait_s(self, need: Need, now: float) -> float:
        self._recover(now)
        waits = self._paused_until - now
        for kind, allowance in self._allowances.items():
            allowance.refill(now, self._cut)
            waits = max(waits, allowance.wait_s(need.of(kind), now, self._cut))
        return waits

    def _grant(self, need: Need, now: float) -> Ticket:
        number = next(self._numbers)
        taken = {}
        for kind, allowance in self._allowances.items():
            wanted = need.of(kind)
            taken[kind] = allowance.take(number, wanted if kind == "requests" else wanted * self._used_share, wanted)
        return Ticket(number, need, now, taken)

    def _serve(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            need, waiting = self._waiting[0]
            if waiting.done():
                self._waiting.popleft()
                continue
            now = self._clock()
            wait = self._wait_s(need, now)
            if wait > 0:
                # Never long: what the provider says next may shorten it.
                wait = min(max(wait, 0.001), self._period_s / 60)
                self._timer = asyncio.get_running_loop().call_later(wait, self._serve)
                return
            self._waiting.popleft()
            waiting.set_result(self._grant(need, now))
