"""One provider's lane at the desk: its breaker, its slots, and the pace of each of its models."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from random import Random

from configs.language import LanguageModels
from configs.settings import Settings
from models.language.breaker import Breaker
from models.language.calls import Usage
from models.language.concurrency import Slots
from models.language.rate import Need, Pace, StoppedError
from models.language.vendor import Vendor

LOOKAHEAD = 24  # asks claimed before they have a slot, so that no slot waits for the disk
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0


@dataclass(frozen=True)
class Limits:
    """How much at one time, and how much patience.

    Attributes:
        concurrency: Requests in flight to one provider.
        deadline_s: Seconds from the opening of the desk after which nothing is sent.
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
    """Counts of a desk's work.

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
        """Count what another desk has counted."""
        most = max(self.most_at_once, more.most_at_once)
        for name, value in asdict(more).items():
            setattr(self, name, getattr(self, name) + value)
        self.most_at_once = most


class Lane:
    """What stands between the desk and one provider.

    Args:
        vendor: The provider.
        models: First limits of its models.
        limits: Concurrency and patience.
        ends_at: Monotonic time of the deadline.
        figures: Counted in.
        now: For times in headers.
        random: For jitter.
    """

    def __init__(
        self,
        vendor: Vendor,
        models: LanguageModels,
        limits: Limits,
        ends_at: float,
        figures: Figures,
        now: Callable[[], datetime],
        random: Random,
    ) -> None:
        self.vendor, self.limits, self.ends_at, self.figures, self.now = vendor, limits, ends_at, figures, now
        self._models, self._random = models, random
        self.breaker = Breaker(limits.hold_s, random)
        self.slots = Slots(limits.concurrency)
        self.admitted = Slots(limits.concurrency + LOOKAHEAD, start=limits.concurrency + LOOKAHEAD)
        self.unknown_models: dict[str, str] = {}
        self._paces: dict[str, Pace] = {}

    def pace(self, name: str) -> Pace:
        """Of a model."""
        pace = self._paces.get(name)
        if pace is None:
            model = self._models.models[name]
            pace = Pace(model.requests_per_minute, model.tokens_per_minute, period_s=self.limits.period_s)
            self._paces[name] = pace
        return pace

    def stop(self, why: StoppedError) -> None:
        """Send everybody away who waits to send."""
        self.breaker.stop(why)
        self.slots.stop(why)
        for pace in self._paces.values():
            pace.stop(why)

    def wait_s(self, tries: int) -> float:
        """Before the next try: twice as long each time, with jitter."""
        return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**tries) * (0.5 + self._random.random())

    def counted(self, usage: Usage) -> Need:
        """What an answer took of the provider's allowances: Anthropic does not count what it read from its cache."""
        cached = 0 if self.vendor.name == "anthropic" else usage.cached
        return Need(usage.input + usage.cache_write + cached, usage.output)
