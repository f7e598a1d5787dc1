"""How fast, how much at one time and how patiently a provider is asked: its breaker, its slots, its models' paces."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from random import Random

from configs.language import LanguageModel
from configs.settings import Settings
from models.language.pacing.allowance import Kind
from models.language.pacing.breaker import Breaker, Slots, StoppedError
from models.language.pacing.rate import Pace

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
    """Counts of a client's work.

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

    def add(self, more: "Figures") -> None:
        """Count what another client has counted."""
        most = max(self.most_at_once, more.most_at_once)
        for name, value in asdict(more).items():
            setattr(self, name, getattr(self, name) + value)
        self.most_at_once = most


class Pacing:
    """What stands between a client and one provider.

    Args:
        limits: Concurrency and patience.
        models: Where the limits of its models start, by name.
        headers: Which headers tell those limits; see `read_limits`.
        ends_at: Monotonic time of the deadline.
        random: For jitter.
    """

    def __init__(
        self,
        limits: Limits,
        models: Mapping[str, LanguageModel],
        headers: Mapping[Kind, str],
        ends_at: float,
        random: Random,
    ) -> None:
        self.limits, self._models, self._headers, self._ends_at, self._random = limits, models, headers, ends_at, random
        self.breaker = Breaker(limits.hold_s, random)
        self.slots = Slots(limits.concurrency)
        self.unknown_models: dict[str, str] = {}
        self._paces: dict[str, Pace] = {}

    def pace(self, name: str) -> Pace:
        """Of a model."""
        if name not in self._paces:
            model, period_s = self._models[name], self.limits.period_s
            pace = Pace(model.requests_per_minute, model.tokens_per_minute, self._headers, period_s=period_s)
            self._paces[name] = pace
        return self._paces[name]

    def check(self, name: str) -> None:
        """Whether it is still time to ask a model.

        Raises:
            StoppedError: It is too late, or the provider does not know the model.
        """
        if self.left_s <= 0:
            raise StoppedError("late", "the deadline for words has passed")
        if name in self.unknown_models:
            raise StoppedError("model", self.unknown_models[name])

    @property
    def left_s(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self._ends_at - time.monotonic())

    def stop(self, why: StoppedError) -> None:
        """Send everybody away who waits to send."""
        self.breaker.stop(why)
        self.slots.stop(why)
        for pace in self._paces.values():
            pace.stop(why)

    def ill(self, why: str, sent_at: float) -> None:
        """The provider did not answer, or not well, a request sent then (monotonic seconds)."""
        self.slots.overloaded()
        self.breaker.failed(why, sent_at)
        if self.breaker.state == "dead":
            self.stop(StoppedError("breaker", why))

    def give_up(self, why: str) -> None:
        """The provider will not answer, however often it is asked."""
        self.breaker.give_up(why)
        self.stop(StoppedError("breaker", why))

    def wait_s(self, tries: int) -> float:
        """Seconds before the next try: twice as long each time, with jitter."""
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**tries) * (0.5 + self._random.random())
