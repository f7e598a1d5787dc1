"""Choosing between two providers' texts of a brief: by rules where they are clear, else by a model asked both ways."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from configs.app import App
from configs.language import LanguageModel
from configs.prompt import Prompt, fill
from models.language.calls import Reply, Request, Written
from pipelines.words.briefs import Brief
from pipelines.words.checks.cleaning import as_json, clean
from pipelines.words.writers.answers import json_schema
from pipelines.words.writers.offline import Variant
from pipelines.words.writers.prompts import effort_tokens, system_part
from pipelines.words.writers.scoring import Scored, rank_texts

Ask = Callable[[Request], Awaitable[Reply]]
Decision = Literal["judge", "rules", "margin", "lot", "alone"]

MARGIN = 0.25  # so far apart by rules that no model is asked
LOT = 0.01  # so near each other by rules that a hash decides
_LONGEST_WHY = 120
_TOKENS_PER_PAIR = 60


@dataclass(frozen=True)
class Judge:
    """A model that may be asked, with the judge's prompt."""

    provider: str
    model: str
    pricing: LanguageModel
    prompt: Prompt


@dataclass(frozen=True)
class Contest:
    """How two sides compare.

    Attributes:
        first: By variant: won, score, the `rules` behind it, `by` (who decided), `against` (a variant) and, where a
            model decided, `judge` and its `why`.
        second: The same of the other side.
        decided: How many pairs were decided how: by the `judge` (both orders agree), by `rules` (they do not, or it
            gave no answer), by their `margin` without asking, by `lot`; `alone` had no opponent.
        calls: Requests to the judge.
        cost_usd: What was paid for them now.
        failed: Requests without a usable answer, by provider and reason.
    """

    first: Mapping[str, Mapping[str, object]]
    second: Mapping[str, Mapping[str, object]]
    decided: Counter[str]
    calls: int = 0
    cost_usd: float = 0.0
    failed: Counter[str] = field(default_factory=Counter)


class _Choice(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: int
    better: Literal["first", "second", "tie"]
    why: str


class _Choices(BaseModel):
    """The judge's whole answer, as the schema has it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    choices: list[_Choice]


@dataclass(frozen=True)
class _Pair:
    """Two texts of the same rank; `id` numbers them for the judge."""

    id: int
    first: Scored
    second: Scored

    @property
    def lead(self) -> float:
        """By how much the first is ahead by rules."""
        return self.first.score - self.second.score


@dataclass(frozen=True)
class _Opinion:
    """What one judge said, both times: by pair, `first` or `second` where both agree, else nothing."""

    better: Mapping[int, Literal["first", "second"]] = field(default_factory=dict)
    why: Mapping[int, str] = field(default_factory=dict)
    told: str = ""
    calls: int = 0
    cost_usd: float = 0.0
    failed: Counter[str] = field(default_factory=Counter)


async def judge_variants(
    app: App, brief: Brief, first: Sequence[Variant], second: Sequence[Variant], ask: Ask, judges: Sequence[Judge] = ()
) -> Contest:
    """Pair the texts of two providers by rank and pick one of each pair; what has no opponent is picked too.

    All pairs that the rules leave open go to one judge in two requests, the second with every pair turned round. A text
    wins by the judge only when both answers name it; a judge that always takes the first place decides nothing.

    Args:
        app: Its voice and words.
        brief: What was asked for.
        first: Checked texts of one provider.
        second: Checked texts of the other.
        ask: Asks one request, through the ledger.
        judges: Which of them is asked is drawn by hash of brief and texts, so that none always judges its own
            provider's texts; without any, rules decide.
    """
    twins = {one.variant for one in first} & {one.variant for one in second}
    sides = [
        rank_texts(app, brief, first, second),
        rank_texts(app, brief, [v for v in second if v.variant not in twins], first),
    ]
    pairs = [_Pair(i + 1, a, b) for i, (a, b) in enumerate(zip(*sides, strict=False))]
    open_ = [pair for pair in pairs if abs(pair.lead) < MARGIN]
    opinion = (
        await _ask_both_ways(app, brief, open_, ask, _drawn(judges, brief, open_)) if judges and open_ else _Opinion()
    )
    told: tuple[dict[str, Mapping[str, object]], ...] = ({}, {})
    decided: Counter[str] = Counter()
    for pair in pairs:
        better, by = _decide(pair, opinion, brief)
        decided[by] += 1
        for place, (own, other) in enumerate(((pair.first, pair.second), (pair.second, pair.first))):
            more: dict[str, object] = {"against": other.variant.variant}
            if by == "judge":
                more |= {"judge": opinion.told, "why": opinion.why[pair.id]}
            told[place][own.variant.variant] = _record(own, won=better == ("first", "second")[place], by=by, **more)
    for place, side in enumerate(sides):
        for alone in side[len(pairs) :]:
            decided["alone"] += 1
            told[place][alone.variant.variant] = _record(alone, won=True, by="alone")
    for twin in twins:
        told[1][twin] = {"won": False, "by": "twin", "against": twin}
    return Contest(told[0], told[1], decided, opinion.calls, opinion.cost_usd, opinion.failed)


def judge_request(app: App, brief: Brief, pairs: Sequence[Mapping[str, object]], judge: Judge) -> Request:
    """Ask a judge for its choice in each pair; `pairs` have id, first and second, each with title and text."""
    data: dict[str, Any] = {"content_type": brief.content_type, "language": brief.language, "pairs": list(pairs)}
    return Request(
        provider=judge.provider,
        model=judge.model,
        system=system_part(app, judge.prompt),
        user=fill(judge.prompt.user, {"pairs": as_json(data)}),
        schema=_schema(),
        schema_name="choices",
        max_tokens=_TOKENS_PER_PAIR * (len(pairs) + 1) + effort_tokens(judge.pricing),
        effort=judge.pricing.effort,
        purpose=f"judge {brief.content_type}",
        prompt_version=judge.prompt.version,
    )


async def _ask_both_ways(app: App, brief: Brief, pairs: Sequence[_Pair], ask: Ask, judge: Judge) -> _Opinion:
    requests = [
        judge_request(app, brief, [_shown(pair, turned=turned) for pair in pairs], judge) for turned in (False, True)
    ]
    replies = await asyncio.gather(*(ask(request) for request in requests))
    straight, turned = (_choices(reply) for reply in replies)
    better: dict[int, Literal["first", "second"]] = {}
    for pair in pairs:
        one, other = (side.get(pair.id) for side in (straight, turned))
        if one and other and {one.better, other.better} == {"first", "second"}:
            better[pair.id] = "first" if one.better == "first" else "second"
    failed = Counter(f"{judge.provider}: {_failure(reply)}" for reply in replies if not _choices(reply))
    why = {id_: clean(straight[id_].why, _LONGEST_WHY) for id_ in better}
    cost = sum(reply.cost_usd for reply in replies if reply.paid_now)
    return _Opinion(better, why, f"{judge.provider}/{judge.model}", len(requests), cost, failed)


def _decide(pair: _Pair, opinion: _Opinion, brief: Brief) -> tuple[Literal["first", "second"], Decision]:
    if found := opinion.better.get(pair.id):
        return found, "judge"
    ahead: Literal["first", "second"] = "first" if pair.lead > 0 else "second"
    if abs(pair.lead) >= MARGIN:
        return ahead, "margin"
    if abs(pair.lead) >= LOT:
        return ahead, "rules"
    lots = [_hash(brief.brief_id, one.variant.text) for one in (pair.first, pair.second)]
    return "first" if lots[0] > lots[1] else "second", "lot"


def _drawn(judges: Sequence[Judge], brief: Brief, pairs: Sequence[_Pair]) -> Judge:
    texts = [one.variant.variant for pair in pairs for one in (pair.first, pair.second)]
    return judges[_hash("judge", brief.brief_id, *sorted(texts)) % len(judges)]


def _shown(pair: _Pair, *, turned: bool) -> dict[str, object]:
    sides = (pair.second, pair.first) if turned else (pair.first, pair.second)
    first, second = ({"title": one.variant.title, "text": one.variant.text} for one in sides)
    return {"id": pair.id, "first": first, "second": second}


def _choices(reply: Reply) -> dict[int, _Choice]:
    """The choices of an answer by pair; none when it cannot be read, and of a pair told twice none."""
    if not isinstance(reply, Written):
        return {}
    try:
        found = _Choices.model_validate_json(reply.text).choices
    except ValidationError:
        return {}
    times = Counter(choice.id for choice in found)
    return {choice.id: choice for choice in found if times[choice.id] == 1}


def _failure(reply: Reply) -> str:
    return "not as the schema says" if isinstance(reply, Written) else reply.reason


def _record(scored: Scored, *, won: bool, by: Decision, **more: object) -> dict[str, object]:
    rules = {name: round(value, 3) for name, value in scored.rules.items()}
    return {"won": won, "score": round(scored.score, 3), "rules": rules, "by": by, **more}


def _hash(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps(parts).encode()).digest()[:8])


@cache
def _schema() -> dict[str, Any]:
    return json_schema(_Choices)
