"""How the lines of a batch are worked off, for both providers: over time, billed one by one, with its faults."""

import asyncio
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.language_server.answers import Answer
from tests.language_server.asked import ApiError, Asked
from tests.language_server.faults import Rule, Trouble
from tests.language_server.live import refuse, server_error
from tests.language_server.state import State

_LOOK_S = 0.05  # how soon a canceled batch does no more lines
_WINDING_UP_S = 1.5  # how long it then is on its way to its end
_AT_ONCE = 25  # lines between two looks at the clock, so that other requests are not held up


@dataclass
class Line:
    """One request of a batch.

    Attributes:
        asked: Or the error that the provider answers to it.
        result: Of what `Work` did: an answer, an error, or 'expired' or 'canceled'; None while it waits.
    """

    custom_id: str
    asked: Asked | ApiError
    result: Answer | ApiError | str | None = None
    trouble: Trouble = field(default_factory=Trouble)


class Work:
    """The work on one batch.

    Args:
        rules: Those that hit its creation.
        canceled: Whether someone has asked to stop.
    """

    def __init__(
        self,
        state: State,
        provider: str,
        ident: str,
        lines: list[Line],
        rules: list[Rule],
        canceled: Callable[[], bool],
    ) -> None:
        self._state, self._provider, self._ident = state, provider, ident
        self._lines, self._canceled = lines, canceled
        self._rules = {rule.what: rule for rule in rules}
        draw = random.Random(f"{state.options.seed}/{rules[0].seed if rules else 0}/{len(lines)}")  # noqa: S311
        self._expiring = self._some(draw, "batch_expire")
        self._failing = self._some(draw, "batch_partial")
        self._draw = draw

    @property
    def seconds(self) -> float:
        """How long it takes."""
        rule = self._rules.get("batch_slow")
        return rule.seconds if rule else self._state.options.batch_s

    @property
    def expires(self) -> bool:
        """Whether its window ends before its work."""
        return bool(self._expiring)

    async def do(self, seconds: float) -> None:
        """Work off the lines evenly over so many seconds; billed when done. Stops soon when canceled."""
        start = time.monotonic()
        for i, line in enumerate(self._lines):
            if i % _AT_ONCE == 0:
                await self._reach(start + seconds * (i + 1) / len(self._lines))
            if self._canceled():
                break
            line.result = "expired" if i in self._expiring else self._one(i, line)
        await self._reach(start + seconds)
        await asyncio.sleep(max(0, min(start + seconds - time.monotonic(), _WINDING_UP_S)))
        for line in self._lines:
            line.result = line.result or "canceled"

    async def _reach(self, moment: float) -> None:
        """Wait for a moment, or until canceled."""
        await wait(moment - time.monotonic(), self._canceled)

    def order(self) -> list[Line]:
        """The lines as the results list them: as they came, or shuffled."""
        if "batch_shuffle" in self._rules:
            return self._draw.sample(self._lines, len(self._lines))
        return self._lines

    def _one(self, i: int, line: Line) -> Answer | ApiError:
        if isinstance(line.asked, ApiError):
            return line.asked
        if i in self._failing:
            return server_error(self._provider)
        line.trouble = self._state.faults.pick("line", self._provider, line.asked, line.asked.sha)
        try:
            refuse(line.trouble, self._provider)
        except ApiError as error:
            return error
        answer = self._state.answers.answer(line.asked, line.trouble)
        self._state.bills.charge(line.asked, answer.billed, custom_id=line.custom_id, batch=self._ident)
        return answer

    def _some(self, draw: random.Random, what: str) -> frozenset[int]:
        """The numbers of the lines that a fault takes; at least one."""
        rule = self._rules.get(what)
        if rule is None or not self._lines:
            return frozenset()
        many = max(1, round(rule.share * len(self._lines)))
        return frozenset(draw.sample(range(len(self._lines)), min(many, len(self._lines))))


async def wait(seconds: float, canceled: Callable[[], bool]) -> None:
    """Wait so long, or until canceled."""
    end = time.monotonic() + seconds
    for _ in range(math.ceil(max(0, seconds) / _LOOK_S)):
        if canceled():
            break
        await asyncio.sleep(min(_LOOK_S, max(0, end - time.monotonic())))


def fails(rules: list[Rule]) -> str:
    """The code with which the validation of a batch fails, or an empty text."""
    return next((rule.kind or "invalid_request" for rule in rules if rule.what == "batch_fail"), "")
