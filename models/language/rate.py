"""How fast a model may be asked: requests and tokens a minute, smooth, learnt from the provider's headers.

Every allowance is paced at a little less than it refills by, so that no window of the provider's, sliding, fixed or a
bucket, sees more than it allows. A 429 stops everybody for as long as the provider says, and then slows them for a
while: so those who share an account find their shares.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

MARGIN = 0.98  # of the refill that is used
BURST = 1 / 60  # of an allowance that may go at once
CUT, LEAST_CUT = 0.85, 0.2  # of the pace after a 429, and in all
RECOVERY = 0.4  # of the pace, in a period
LEARNING = 0.1  # weight of the newest answer in how much of an estimate is used

Kind = Literal["requests", "tokens", "input", "output"]


@dataclass(slots=True)
class Ticket:
    """The right to send one request now: the most that its tokens are, and what it took of each allowance."""

    tokens: int
    taken: dict[Kind, float]


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
        self._limits: dict[Kind, float] = {"requests": requests, "tokens": tokens}
        self._levels = {kind: limit * BURST for kind, limit in self._limits.items()}  # what may go at once
        self._at = now = clock()
        self._used_share = 1.0  # of the estimates
        self._cut, self._cut_at = 1.0, now - period_s
        self._paused_until, self._learnt_at = now, now - period_s

    def wait_s(self) -> float:
        """Seconds until a request may be sent."""
        now = self._clock()
        passed, self._at = (now - self._at) / self._period_s, now
        self._cut = min(1.0, self._cut + passed * RECOVERY)
        waits = [self._paused_until - now]
        for kind, limit in self._limits.items():
            pace = limit * MARGIN * self._cut
            self._levels[kind] = min(limit * BURST, self._levels[kind] + passed * pace)
            waits.append(-self._levels[kind] / pace * self._period_s)
        return max(waits)

    def take(self, input_tokens: int, output_tokens: int) -> Ticket:
        """Send one request now, of at most so many tokens."""
        share = self._used_share
        ticket = Ticket(input_tokens + output_tokens, _counted(1, input_tokens * share, output_tokens * share))
        self._correct(ticket.taken, -1)
        return ticket

    def answered(self, ticket: Ticket, headers: Mapping[str, str], input_tokens: int, output_tokens: int) -> None:
        """Learn from the headers, and correct the estimate by what was used."""
        if tokens := input_tokens + output_tokens:
            self._used_share += LEARNING * (min(tokens / max(1, ticket.tokens), 1.5) - self._used_share)
        # Ten times a second is often enough, and reading headers is not free.
        if self._clock() - self._learnt_at >= self._period_s / 600:
            self._learnt_at = self._clock()
            self._learn(read_limits(headers, self._headers))
        self._correct(ticket.taken, 1)
        self._correct(_counted(1, input_tokens, output_tokens), -1)

    def refused(self, ticket: Ticket, headers: Mapping[str, str], pause_s: float) -> None:
        """A 429: no token was used; nobody sends for so long, and then everybody more slowly for a while."""
        self._learn(read_limits(headers, self._headers))
        now = self._clock()
        # Requests that were together in flight are refused together: once is enough.
        if now - self._cut_at >= self._period_s * BURST:
            self._cut, self._cut_at = max(LEAST_CUT, self._cut * CUT), now
        self._paused_until = max(self._paused_until, now + pause_s)
        self._correct(ticket.taken | {"requests": 0.0}, 1)

    def unused(self, ticket: Ticket) -> None:
        """It was not sent, or was refused for another reason than the rate."""
        self._correct(ticket.taken, 1)

    def _correct(self, taken: Mapping[Kind, float], sign: int) -> None:
        for kind in self._levels:
            self._levels[kind] += sign * taken[kind]

    def _learn(self, told: Mapping[Kind, float]) -> None:
        self._limits |= told
        if "input" in told and "tokens" not in told:
            self._limits.pop("tokens", None)  # only guessed at, and not what this provider counts
        self._levels = {kind: self._levels.get(kind, limit * BURST) for kind, limit in self._limits.items()}


def _counted(requests: float, input_tokens: float, output_tokens: float) -> dict[Kind, float]:
    """What requests take of each allowance."""
    tokens = input_tokens + output_tokens
    return {"requests": requests, "tokens": tokens, "input": input_tokens, "output": output_tokens}


def read_limits(headers: Mapping[str, str], names: Mapping[Kind, str]) -> dict[Kind, float]:
    """The limits a minute that the headers tell; what cannot be read is left out.

    Args:
        headers: Of an answer.
        names: Of the headers that tell a limit.
    """
    given = {name.lower(): value for name, value in headers.items()}
    found = {kind: _number(given.get(name, "")) for kind, name in names.items()}
    return {kind: limit for kind, limit in found.items() if limit is not None and limit >= 1}


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the provider wants to be left alone, in seconds; None when it does not say."""
    given = {name.lower(): value for name, value in headers.items()}
    if (milliseconds := _number(given.get("retry-after-ms", ""))) is not None:
        return milliseconds / 1000
    text = given.get("retry-after", "")
    if (seconds := _number(text)) is not None:
        return seconds
    try:
        when = parsedate_to_datetime(text)
        return max(0.0, ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds())
    except (ValueError, OverflowError, TypeError):
        return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
