"""Faults on demand: rules that say which requests go wrong, how often, and in which way."""

import random
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from tests.language_server.asked import Asked

LIVE = frozenset({"live"})
WRITTEN = frozenset({"live", "line"})  # a line is one request inside a batch
CREATE = frozenset({"create"})
# What may go wrong, and where unless the rule says so: live answers, lines of a batch, creation of a batch.
FAULTS: dict[str, frozenset[str]] = {
    "429": LIVE,
    "529": LIVE,
    "500": LIVE,
    "timeout": LIVE,
    "cut_before": LIVE,
    "cut_after": LIVE,
    "slow": LIVE,
    "wrong_key": LIVE,
    "quota": LIVE,
    "malformed": WRITTEN,
    "refusal": WRITTEN,
    "truncation": WRITTEN,
    "wrong_slots": WRITTEN,
    "invented_numbers": WRITTEN,
    "injected": WRITTEN,
    "wrong_language": WRITTEN,
    "batch_partial": CREATE,
    "batch_expire": CREATE,
    "batch_shuffle": CREATE,
    "batch_orphan": CREATE,
    "batch_fail": CREATE,
    "batch_slow": CREATE,
}
# Where a rule may be put with `on`.
PLACES = frozenset({"live", "line", "create", "retrieve", "list", "results", "cancel", "delete", "files", "models"})
TEXT_FAULTS = frozenset({"wrong_slots", "invented_numbers", "injected", "wrong_language"})
_PARTS = frozenset({"batch_partial", "batch_expire"})


@dataclass
class Rule:
    """One rule. A request it fits goes wrong; of several rules the first decides, and `slow` adds to any.

    Attributes:
        what: One of FAULTS.
        share: The share of requests that it hits, drawn by seed, body and how often this body came, so that neither
            the order of requests nor their number matters. For batch_partial and batch_expire: the share of lines.
        every: Hit every so many of those it fits.
        after: Let the first so many go.
        times: Hit no more often than that.
        sticky: Draw by seed and body alone: who is hit once is hit each time.
        contains: Text that the prompt holds.
        content_type: Of the brief; 'judge' and 'verdict' count too.
        on: Places instead of the usual ones.
        seconds: For slow and batch_slow.
        retry_after: Seconds, for 429; None sends no such header.
        billed: For timeout and 500: the answer is charged for, or the batch begun, all the same.
        kind: Of malformed: 'body' is no JSON, 'text' an answer that is none, 'empty' no bytes, 'shape' JSON of
            another form. Of quota with Anthropic: '402' or '400'. Of batch_fail: the error's code, such as
            'token_limit_exceeded'.

    Rules for places other than live answers and lines cannot look into a prompt: contains, content_type and model
    never fit there. `cut_after` in the place 'results' cuts midway through the lines.
    """

    what: str
    share: float = 1
    every: int = 1
    after: int = 0
    times: int | None = None
    seed: int = 0
    sticky: bool = False
    contains: str | None = None
    content_type: str | None = None
    provider: str | None = None
    model: str | None = None
    on: frozenset[str] = frozenset()
    seconds: float = 1
    retry_after: float | None = 1
    billed: bool = False
    kind: str = ""
    fitted: int = 0
    hits: int = 0
    _seen: Counter[str] = field(default_factory=Counter, repr=False)

    @property
    def places(self) -> frozenset[str]:
        """Where it may hit."""
        return self.on or FAULTS[self.what]

    def hit(self, place: str, provider: str, asked: Asked | None, sha: str) -> bool:
        """Decide about one request, and count it."""
        if place not in self.places or not self._fits(provider, asked):
            return False
        self.fitted += 1
        if self.fitted <= self.after or (self.times is not None and self.hits >= self.times):
            return False
        if (self.fitted - self.after) % self.every:
            return False
        if self.share < 1 and self.what not in _PARTS and not self._drawn(sha):
            return False
        self.hits += 1
        return True

    def _fits(self, provider: str, asked: Asked | None) -> bool:
        if self.provider not in {None, provider}:
            return False
        if asked is None:
            return not (self.model or self.contains or self.content_type)
        return (
            self.model in {None, asked.model}
            and (self.contains is None or self.contains in asked.system or self.contains in asked.user)
            and (self.content_type is None or self.content_type == asked.task.content_type)
        )

    def _drawn(self, sha: str) -> bool:
        self._seen[sha] += 1
        attempt = 0 if self.sticky else self._seen[sha]
        return random.Random(f"{self.seed}/{self.what}/{sha}/{attempt}").random() < self.share  # noqa: S311 (no secret)


def read_rule(values: dict[str, Any]) -> Rule:
    """A rule from JSON.

    Raises:
        ValueError: It names something unknown.
    """
    known = {one.name for one in fields(Rule)} - {"fitted", "hits", "_seen"}
    if unknown := values.keys() - known:
        raise ValueError(f"a rule has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(known))}")
    if values.get("what") not in FAULTS:
        raise ValueError(f"no fault is called {values.get('what')!r}; there are {', '.join(FAULTS)}")
    on = values.get("on", ())
    places = frozenset([on] if isinstance(on, str) else on)
    if wrong := places - PLACES:
        raise ValueError(f"no place is called {', '.join(sorted(wrong))}; there are {', '.join(sorted(PLACES))}")
    return Rule(**{**values, "on": places})


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with one request: at most one rule, and seconds to wait before."""

    rule: Rule | None = None
    slow_s: float = 0

    @property
    def what(self) -> str:
        """The rule's fault; empty without one."""
        return self.rule.what if self.rule else ""


NONE = Trouble()


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def pick(self, place: str, provider: str, asked: Asked | None = None, sha: str = "") -> Trouble:
        """What goes wrong here, if anything. For the lines of a batch `sha` is the line's."""
        if not self.rules:
            return NONE
        slow_s, first = 0.0, None
        for rule in self.rules:
            if rule.what == "slow":
                slow_s += rule.seconds if rule.hit(place, provider, asked, sha) else 0
            elif first is None and rule.hit(place, provider, asked, sha):
                first = rule
        return Trouble(first, slow_s)

    def all(self, place: str, provider: str, sha: str) -> list[Rule]:
        """Every rule that hits: several may shape one batch."""
        return [rule for rule in self.rules if rule.hit(place, provider, None, sha)]

    def report(self) -> list[dict[str, Any]]:
        """The rules with how many requests they fitted and hit."""
        kept = {one.name for one in fields(Rule)} - {"_seen"}
        return [
            {name: sorted(value) if name == "on" else value for name, value in asdict(rule).items() if name in kept}
            for rule in self.rules
        ]
