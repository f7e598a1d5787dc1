"""How fast a model may be asked: requests and tokens a minute, smooth, learnt from the provider's headers.

Every allowance is paced at a little less than it refills by, so that no window of the provider's, sliding, fixed or a
bucket, sees more than it allows. Where little is left by the headers, as when others use the same account, the pace
falls with what is left. A 429 stops everybody for as long as the provider says, and then slows them for a while.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

MARGIN = 0.98  # of the refill that is used
BURST = 1 / 60  # of an allowance that may go at once
BRAKE = 0.03  # below this share of an allowance left the pace falls with what is left
SLACK = 0.01  # of an allowance, that is left alone: providers round what they say
SLOWEST = 0.02  # of the pace, so that news of more keeps coming
CUT, LEAST_CUT = 0.85, 0.2  # of the pace after a 429, and in all
RECOVERY = 0.4  # of the pace, in a period
LEARNING = 0.1  # weight of the newest answer in how much of an estimate is used

Kind = Literal["requests", "tokens", "input", "output"]


@dataclass(frozen=True, slots=True)
class Told:
    """One allowance as the headers tell it: in a minute, and what was left of it when the answer was made."""

    limit: float
    remaining: float | None = None


@dataclass(slots=True)
class Ticket:
    """The right to send one request now.

    Attributes:
        sent_at: Monotonic seconds.
        charged: What the provider may count for it so far, by allowance.
        paced: What it took of the pace.
        marks: What had been taken of each allowance by then, this request included.
    """

    sent_at: float
    charged: dict[Kind, float]
    paced: dict[Kind, float]
    marks: dict[Kind, float]


class Allowance:
    """One allowance of `limit` in every `period_s` seconds; moments are of the caller's monotonic clock."""

    def __init__(self, limit: float, period_s: float, now: float) -> None:
        self.limit, self._period_s = limit, period_s
        self.level, self._at = limit * BURST, now  # what may go at once
        self.taken = 0.0  # in all, as the provider may count it
        self._told: tuple[float, float, float] | None = None  # what was left, when, and what had been taken by then
        self._most_left = 0.0

    def wait_s(self, need: float, now: float, cut: float) -> float:
        """Let time pass; seconds until so much may be taken."""
        even, left = self.limit / self._period_s, self._left(now)
        # A provider that lets little go at once never says that much is left.
        brake = min(BRAKE * self.limit, self._most_left / 4)
        pace = even * MARGIN * cut * (min(1.0, max(SLOWEST, left / brake)) if brake else 1.0)
        self.level = min(self.limit * BURST, self.level + (now - self._at) * pace)
        self._at = now
        short = min(need + SLACK * self.limit, self._most_left) - left
        return max(0.0, -self.level / pace, short / even)

    def learn(self, told: Told, mark: float, sent_at: float) -> None:
        """Believe the provider, as of the moment when the request was sent whose answer this is."""
        self.limit = told.limit
        if told.remaining is not None and (self._told is None or mark >= self._told[2]):
            self._told = (told.remaining, sent_at, mark)
            self._most_left = max(self._most_left, told.remaining)

    def _left(self, now: float) -> float:
        """What the provider has left by its last word and what was taken since; others use what has just come in."""
        if self._told is None:
            return self.limit
        remaining, at, mark = self._told
        return min(
            self.limit,
            remaining + max(0.0, now - at - self._period_s * BURST) * self.limit / self._period_s - (self.taken - mark),
        )


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
        self._cut, self._cut_at, self._recovered_at = 1.0, now - period_s, now
        self._paused_until, self._learnt_at = now, now - period_s

    def wait_s(self, input_tokens: int, output_tokens: int) -> float:
        """Seconds until a request of at most so many tokens may be sent."""
        now, need = self._clock(), _counted(input_tokens, output_tokens)
        self._cut = min(1.0, self._cut + (now - self._recovered_at) * RECOVERY / self._period_s)
        self._recovered_at = now
        waits = (one.wait_s(need[kind], now, self._cut) for kind, one in self._allowances.items())
        return max(self._paused_until - now, *waits)

    def take(self, input_tokens: int, output_tokens: int) -> Ticket:
        """Send one request now, of at most so many tokens."""
        charged = _counted(input_tokens, output_tokens)
        paced = {kind: n if kind == "requests" else n * self._used_share for kind, n in charged.items()}
        for kind, allowance in self._allowances.items():
            allowance.level -= paced[kind]
            allowance.taken += charged[kind]
        return Ticket(self._clock(), charged, paced, {kind: one.taken for kind, one in self._allowances.items()})

    def answered(self, ticket: Ticket, headers: Mapping[str, str], input_tokens: int, output_tokens: int) -> None:
        """Learn from the headers, and correct the estimate by what was used."""
        if input_tokens or output_tokens:
            share = (input_tokens + output_tokens) / max(1.0, ticket.charged["tokens"])
            self._used_share += LEARNING * (min(share, 1.5) - self._used_share)
        self._learn(ticket, headers)
        self._correct(ticket, _counted(input_tokens, output_tokens))

    def refused(self, ticket: Ticket, headers: Mapping[str, str], pause_s: float) -> None:
        """A 429: no token was used; nobody sends for so long, and then everybody more slowly for a while."""
        self._learn(ticket, headers, always=True)
        moment = self._clock()
        # Requests that were together in flight are refused together: once is enough.
        if moment - self._cut_at >= self._period_s * BURST:
            self._cut, self._cut_at = max(LEAST_CUT, self._cut * CUT), moment
        self._paused_until = max(self._paused_until, moment + pause_s)
        self._correct(ticket, _counted(0, 0))

    def unused(self, ticket: Ticket) -> None:
        """It was not sent, or was refused for another reason than the rate."""
        self._correct(ticket, dict.fromkeys(ticket.charged, 0.0))

    def _correct(self, ticket: Ticket, used: Mapping[Kind, float]) -> None:
        for kind in ticket.marks.keys() & self._allowances.keys():
            self._allowances[kind].level += ticket.paced[kind] - used[kind]
            self._allowances[kind].taken += used[kind] - ticket.charged[kind]
        ticket.charged, ticket.paced = dict(used), dict(used)

    def _learn(self, ticket: Ticket, headers: Mapping[str, str], *, always: bool = False) -> None:
        # Ten times a second is often enough, and reading headers is not free.
        if not always and self._clock() - self._learnt_at < self._period_s / 600:
            return
        self._learnt_at = self._clock()
        told = read_limits(headers, self._headers)
        for kind, said in told.items():
            allowance = self._allowances.setdefault(kind, Allowance(said.limit, self._period_s, self._clock()))
            allowance.learn(said, ticket.marks.get(kind, 0.0), ticket.sent_at)
        if "input" in told and "tokens" not in told:
            self._allowances.pop("tokens", None)  # only guessed at, and not what this provider counts


def _counted(input_tokens: float, output_tokens: float) -> dict[Kind, float]:
    """What a request takes of each allowance."""
    tokens = input_tokens + output_tokens
    return {"requests": 1.0, "tokens": tokens, "input": input_tokens, "output": output_tokens}


def read_limits(headers: Mapping[str, str], names: Mapping[Kind, str]) -> dict[Kind, Told]:
    """The allowances that the headers name; what cannot be read is left out.

    Args:
        headers: Of an answer.
        names: Of the headers that tell an allowance, with `{}` where `limit` and `remaining` stand.
    """
    given = {name.lower(): value for name, value in headers.items()}
    found: dict[Kind, Told] = {}
    for kind, name in names.items():
        limit, left = (_number(given.get(name.format(field), "")) for field in ("limit", "remaining"))
        if limit is not None and limit >= 1:
            found[kind] = Told(limit, left)
    return found


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
