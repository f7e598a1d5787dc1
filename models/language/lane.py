"""One provider's lane at the desk: breaker, slots and pace, and a request's way through them."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random

from configs.language import LanguageModels
from configs.settings import Settings
from models.language.breaker import Breaker
from models.language.calls import Failed, Reply, Request, Usage
from models.language.concurrency import Slots
from models.language.rate import Need, Pace, StoppedError, Ticket
from models.language.rate_headers import retry_after_s
from models.language.vendor import NoAnswerError, NotSentError, Sent, Vendor

LOOKAHEAD = 24  # asks claimed before they have a slot, so that no slot waits for the disk
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0
NO_HEADERS: Mapping[str, str] = {}


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
        most_at_once: Requests in flight to one provider.
    """

    sent: int = 0
    from_ledger: int = 0
    retries: int = 0
    rate_limited: int = 0
    overloaded: int = 0
    unreachable: int = 0
    unknown: int = 0
    most_at_once: int = 0
    seconds: float = 0.0


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

    def passage(self, request: Request) -> "Passage":
        """The way of one request."""
        return Passage(self, request)

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


class Passage:
    """One request on its way: sent again while nothing was billed and patience lasts.

    Attributes:
        sending: It is out, and no answer has come.
    """

    def __init__(self, lane: Lane, request: Request) -> None:
        self._lane, self._request = lane, request
        self._need = Need(request.input_tokens, request.max_tokens)
        self._tries = 0
        self.sending = False

    async def pass_through(self) -> tuple[Reply, str]:
        """The reply and the provider's answer as it came.

        Raises:
            StoppedError: It was not sent, and will not be.
        """
        lane, pace = self._lane, self._lane.pace(self._request.model)
        while True:
            self._check()
            probe = await lane.breaker.enter()
            try:
                await lane.slots.enter()
                try:
                    ticket = await pace.enter(self._need)
                    if lane.breaker.state != "closed" and not probe:
                        pace.unused(ticket)
                        continue
                    reply, raw, wait_s = await self._send(pace, ticket)
                    probe = False  # it has told
                finally:
                    lane.slots.leave()
            finally:
                if probe:
                    lane.breaker.passed()
            self._tries += 1
            if wait_s is None or self._tries >= lane.limits.tries:
                return reply, raw
            lane.figures.retries += 1
            if wait_s:
                await asyncio.sleep(min(wait_s, max(0.0, lane.ends_at - time.monotonic())))

    def _check(self) -> None:
        if time.monotonic() >= self._lane.ends_at:
            raise StoppedError("late", "the deadline for words has passed")
        unknown = self._lane.unknown_models.get(self._request.model)
        if unknown is not None:
            raise StoppedError("model", unknown)

    async def _send(self, pace: Pace, ticket: Ticket) -> tuple[Reply, str, float | None]:
        """The reply, the raw answer, and how long to wait before the next try; None when there is to be none."""
        lane, key, sent_at = self._lane, self._request.key, time.monotonic()
        lane.figures.sent += 1
        self.sending = True
        try:
            sent = await lane.vendor.send(self._request)
        except NotSentError as error:
            self.sending = False
            pace.unused(ticket)
            lane.figures.unreachable += 1
            self._ill(f"unreachable: {error}", sent_at)
            return Failed(key, "unreachable", str(error)), "", lane.wait_s(self._tries)
        except NoAnswerError as error:
            self.sending = False
            lane.figures.unknown += 1
            self._ill(f"no answer: {error}", sent_at)
            return Failed(key, "unknown", str(error), seconds=time.monotonic() - sent_at), "", None
        self.sending = False
        reply = lane.vendor.read(self._request, sent.status, sent.headers, sent.body, seconds=sent.seconds)
        return self._told(pace, ticket, sent, reply, sent_at)

    def _told(
        self, pace: Pace, ticket: Ticket, sent: Sent, reply: Reply, sent_at: float
    ) -> tuple[Reply, str, float | None]:
        lane = self._lane
        if sent.status < 300:
            lane.breaker.succeeded()
            lane.slots.answered(sent.seconds, reply.usage.output)
            pace.answered(ticket, sent.headers, lane.counted(reply.usage), lane.now)
            return reply, sent.body.decode("utf-8", "replace"), None
        return reply, "", self._refused(pace, ticket, sent, reply, sent_at)

    def _refused(self, pace: Pace, ticket: Ticket, sent: Sent, reply: Reply, sent_at: float) -> float | None:
        lane, reason = self._lane, reply.reason if isinstance(reply, Failed) else "rejected"
        detail = f"{reason}: {reply.detail}" if isinstance(reply, Failed) else ""
        asked_for = retry_after_s(sent.headers, lane.now())
        patient = asked_for is None or asked_for <= lane.limits.longest_retry_after_s
        if reason == "rate":
            lane.figures.rate_limited += 1
            lane.breaker.succeeded()
            lane.slots.overloaded()
            wait_s = lane.wait_s(self._tries) if asked_for is None else asked_for
            pace.refused(ticket, sent.headers, lane.now, min(wait_s, lane.limits.longest_retry_after_s))
            return 0.0 if patient else None
        pace.unused(ticket)
        if reason == "overloaded":
            lane.figures.overloaded += 1
            self._ill(detail, sent_at)
            return max(asked_for or 0.0, lane.wait_s(self._tries)) if patient else None
        if reason in {"key", "quota"}:
            lane.breaker.give_up(detail)
            lane.stop(StoppedError("breaker", detail))
            return None
        lane.breaker.succeeded()
        if reason == "model":
            lane.unknown_models[self._request.model] = detail
        return None

    def _ill(self, why: str, sent_at: float) -> None:
        lane = self._lane
        lane.slots.overloaded()
        lane.breaker.failed(why, sent_at)
        if lane.breaker.state == "dead":
            lane.stop(StoppedError("breaker", why))
