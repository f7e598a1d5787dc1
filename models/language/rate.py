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

from models.language.calls import Reason
from models.language.rate_headers import Kind, Told, read_limits

MARGIN = 0.985  # of the refill that is used while others may use the account too
BURST = 1 / 60  # of an allowance that may go at once
BRAKE = 0.04  # below this share of an allowance left the pace falls with what is left
SLACK = 0.01  # of an allowance, that is left alone
SLOWEST = 0.02  # of the pace, so that news of more keeps coming
BOOST = 1.25  # of the pace at most while the provider says that there is plenty
CUT, LEAST_CUT = 0.85, 0.3  # of the pace after a 429, and in all
MOST_SINCE = 20_000  # requests remembered since the provider's last word
LEARNING = 0.1  # weight of the newest answer in how much of an estimate is used


class StoppedError(Exception):
    """Whoever waited need wait no longer: what was waited for will not come."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


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
class Taken:
    """What a request took of one allowance.

    Attributes:
        paced: From the pace.
        charge: What the provider may have counted for it so far.
        known: Whether the provider's last word includes it.
    """

    number: int
    paced: float
    charge: float
    known: bool = False


@dataclass(slots=True)
class Ticket:
    """The right to send one request now; tickets are numbered in order."""

    number: int
    need: Need
    sent_at: float
    taken: dict[Kind, Taken]


class Gauge:
    """One allowance of `limit` in every `period_s` seconds.

    Args:
        limit: Until the provider says otherwise.
        period_s: A minute, for every provider.
        now: Of the caller's monotonic clock.
    """

    def __init__(self, limit: float, period_s: float, now: float) -> None:
        self.limit, self._period_s = limit, period_s
        self._level = limit * BURST
        self._at = now
        self._told: tuple[float, float, int] | None = None  # remaining, when, after which ticket
        self._since: deque[Taken] = deque()  # what was taken after that
        self._charged = 0.0  # by all of those
        self._most_left = 0.0
        self._plenty = 1.0

    def refill(self, now: float, cut: float) -> None:
        """Let time pass."""
        if self._level < self.limit * BURST:
            grown = self._level + (now - self._at) * self._pace(now, cut)
            self._level = min(self.limit * BURST, grown)
        self._at = now

    def wait_s(self, need: float, now: float, cut: float) -> float:
        """Seconds until so much may be taken; refilled up to now."""
        waits = -self._level / self._pace(now, cut) if self._level < 0 else 0.0
        left = self.left(now)
        # A little more than needed: providers round what they say.
        short = 0.0 if left is None else min(need + SLACK * self.limit, self._most_left) - left
        return max(waits, short * self._period_s / self.limit)

    def take(self, number: int, paced: float, need: float) -> Taken:
        """Take from the pace and, as the provider may count it, from what is left."""
        self._level -= paced
        taken = Taken(number, paced, need)
        if self._told is not None:
            self._since.append(taken)
            self._charged += need
            if len(self._since) > MOST_SINCE:
                self._charged -= self._since.popleft().charge
        return taken

    def correct(self, taken: Taken, paced: float, charge: float) -> None:
        """It was so much in the end."""
        self._level += taken.paced - paced
        taken.paced = paced
        if not taken.known:
            self._charged += charge - taken.charge
            taken.charge = charge

    def left(self, now: float) -> float | None:
        """What the provider has left by its last word and what was taken since; None before its first."""
        if self._told is None:
            return None
        remaining, at, _ = self._told
        return min(self.limit, remaining + (now - at) * self.limit / self._period_s - self._charged)

    def learn(self, told: Told, number: int, sent_at: float) -> None:
        """Believe the provider, as of the moment when the ticket was used whose answer this is."""
        self.limit = told.limit
        self._level = min(self._level, self.limit * BURST)
        if told.remaining is None or (self._told is not None and number < self._told[2]):
            return
        self._told = (told.remaining, sent_at, number)
        while self._since and self._since[0].number <= number:
            taken = self._since.popleft()
            taken.known = True
            self._charged -= taken.charge
        self._most_left = max(self._most_left, told.remaining)
        self._plenty = 1.0
        if told.reset_s is not None:
            even = self.limit / self._period_s
            self._plenty = min(BOOST, max(1.0, told.remaining / max(told.reset_s, self._period_s * BURST) / even))

    def _pace(self, now: float, cut: float) -> float:
        even = self.limit / self._period_s
        left = self.left(now)
        if left is None or not self._most_left:
            return even * MARGIN * cut
        # A provider that lets little go at once never says that much is left.
        brake = min(BRAKE * self.limit, self._most_left / 4)
        slowed = min(1.0, max(SLOWEST, left / brake))
        return even * (self._plenty if self._plenty > 1 and cut == 1 else MARGIN * cut) * slowed


class Pace:
    """The allowances of one model of one provider.

    Args:
        requests: A minute, until the headers say otherwise.
        tokens: A minute, until the headers say otherwise.
        period_s: What a minute is; another figure is for servers that run faster than life.
        clock: Monotonic seconds.
    """

    def __init__(
        self, requests: float, tokens: float, *, period_s: float = 60, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock, self._period_s = clock, period_s
        now = clock()
        self._gauges: dict[Kind, Gauge] = {
            "requests": Gauge(requests, period_s, now),
            "tokens": Gauge(tokens, period_s, now),
        }
        self._used_share = 1.0  # of the estimates
        self._numbers = itertools.count(1)
        self._cut, self._cut_at = 1.0, now
        self._paused_until = 0.0
        self._learnt_at = -1.0
        self._waiting: deque[tuple[Need, asyncio.Future[Ticket]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, need: Need) -> Ticket:
        """Wait for the right to send, first come first served.

        Raises:
            StoppedError: `stop` was called meanwhile.
        """
        if not self._waiting:
            now = self._clock()
            if self._wait_s(need, now) <= 0:
                return self._grant(need, now)
        waiting: asyncio.Future[Ticket] = asyncio.get_running_loop().create_future()
        self._waiting.append((need, waiting))
        if len(self._waiting) == 1:
            self._serve()
        try:
            return await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self.unused(waiting.result())
            raise

    def stop(self, why: StoppedError) -> None:
        """Send everybody away who waits."""
        while self._waiting:
            _, waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_exception(why)

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
        if moment - self._cut_at >= self._period_s * BURST or self._cut == 1:
            self._cut, self._cut_at = max(LEAST_CUT, self._cut * CUT), moment
        self._paused_until = max(self._paused_until, moment + pause_s)
        self._correct(ticket, Need(0, 0), 1)

    def unused(self, ticket: Ticket) -> None:
        """The request was not sent, or was refused for another reason than the rate."""
        self._correct(ticket, Need(0, 0), 0)

    def _correct(self, ticket: Ticket, used: Need, requests: int) -> None:
        for kind, taken in ticket.taken.items():
            gauge = self._gauges.get(kind)
            if gauge is not None:
                spent = requests if kind == "requests" else used.of(kind)
                gauge.correct(taken, spent, spent)
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
        told = read_limits(headers, now())
        for kind, said in told.items():
            gauge = self._gauges.get(kind)
            if gauge is None:
                gauge = self._gauges[kind] = Gauge(said.limit, self._period_s, moment)
            gauge.learn(said, ticket.number, ticket.sent_at)
        if "input" in told and "tokens" not in told:
            self._gauges.pop("tokens", None)  # only guessed at, and not what this provider counts

    def _recover(self, now: float) -> None:
        if self._cut < 1:
            self._cut = min(1.0, self._cut + (now - self._cut_at) * 0.6 / self._period_s)
            self._cut_at = now

    def _wait_s(self, need: Need, now: float) -> float:
        self._recover(now)
        waits = self._paused_until - now
        for kind, gauge in self._gauges.items():
            gauge.refill(now, self._cut)
            waits = max(waits, gauge.wait_s(need.of(kind), now, self._cut))
        return waits

    def _grant(self, need: Need, now: float) -> Ticket:
        number = next(self._numbers)
        taken = {}
        for kind, gauge in self._gauges.items():
            wanted = need.of(kind)
            taken[kind] = gauge.take(number, wanted if kind == "requests" else wanted * self._used_share, wanted)
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
