"""One allowance of a provider, so many in a minute: what its headers say of it, a smooth pace, and what is left."""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

MARGIN = 0.98  # of the refill that is used while others may use the account too
BURST = 1 / 60  # of an allowance that may go at once
BRAKE = 0.04  # below this share of an allowance left the pace falls with what is left
SLACK = 0.01  # of an allowance, that is left alone
SLOWEST = 0.02  # of the pace, so that news of more keeps coming
BOOST = 1.25  # of the pace at most while the provider says that there is plenty
NEWS = 1 / 30  # of a period without news from the provider, after which what it said is old
MOST_SINCE = 20_000  # requests remembered since the provider's last word

Kind = Literal["requests", "tokens", "input", "output"]
_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|d|h|m|s)")


@dataclass(frozen=True, slots=True)
class Told:
    """One allowance as the headers tell it.

    Attributes:
        limit: In a minute.
        remaining: What was left when the answer was made.
        reset_s: Seconds until it is whole again; None when they do not say.
    """

    limit: float
    remaining: float | None = None
    reset_s: float | None = None


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


class Allowance:
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
        left = self.left(now, cut)
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

    def left(self, now: float, cut: float = 1.0) -> float | None:
        """What the provider has left by its last word and what was taken since; None before its first."""
        if self._told is None:
            return None
        remaining, at, _ = self._told
        # After a 429 others are taken to use what has come in since.
        age = now - at if cut == 1 else max(0.0, now - at - self._period_s * NEWS)
        return min(self.limit, remaining + age * self.limit / self._period_s - self._charged)

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
        left = self.left(now, cut)
        if left is None or not self._most_left:
            return even * MARGIN * cut
        # A provider that lets little go at once never says that much is left.
        brake = min(BRAKE * self.limit, self._most_left / 4)
        slowed = min(1.0, max(SLOWEST, left / brake))
        return even * (self._plenty if self._plenty > 1 and cut == 1 else MARGIN * cut) * slowed


def read_limits(headers: Mapping[str, str], names: Mapping[Kind, str], now: datetime) -> dict[Kind, Told]:
    """The allowances that the headers name; what cannot be read is left out.

    Args:
        headers: Of an answer.
        names: Of the headers that tell an allowance, with `{}` where `limit`, `remaining` and `reset` stand.
        now: What times in them are measured from.
    """
    given = {name.lower(): value for name, value in headers.items()}
    found: dict[Kind, Told] = {}
    for kind, name in names.items():
        limit, left, reset = (given.get(name.format(field), "") for field in ("limit", "remaining", "reset"))
        if (most := _number(limit)) is not None and most >= 1:
            found[kind] = Told(most, _number(left), duration_s(reset, now))
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
        return _seconds_until(parsedate_to_datetime(text), now)
    except (ValueError, OverflowError, TypeError):
        return None


def duration_s(text: str, now: datetime) -> float | None:
    """Seconds of a duration (`6m0s`, `120ms`, `7.66s`, `3`) or until an RFC 3339 time; None when it is neither."""
    if (seconds := _number(text)) is not None:
        return seconds
    parts = _PART.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text:
        return _number(str(sum(float(number) * _UNITS[unit] for number, unit in parts)))
    try:
        return _seconds_until(datetime.fromisoformat(text), now)
    except (ValueError, OverflowError):
        return None


def _seconds_until(when: datetime, now: datetime) -> float:
    return max(0.0, ((when if when.tzinfo else when.replace(tzinfo=UTC)) - now).total_seconds())


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
