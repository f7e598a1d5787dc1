"""A request's way through its provider's lane: breaker, slot, pace, and again while nothing was billed."""

import asyncio
import time

from models.language.calls import Failed, Reply, Request
from models.language.lane import Lane
from models.language.rate import Need, Pace, StoppedError, Ticket
from models.language.rate_headers import retry_after_s
from models.language.vendor import NoAnswerError, NotSentError, Sent


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
                    if not self._still_wanted(pace, ticket, probe=probe):
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

    def _still_wanted(self, pace: Pace, ticket: Ticket, *, probe: bool) -> bool:
        """Whether what was so when the wait began is so at its end; False sends it back to the breaker."""
        try:
            self._check()
        except StoppedError:
            pace.unused(ticket)
            raise
        if self._lane.breaker.state == "closed" or probe:
            return True
        pace.unused(ticket)
        return False

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
