"""Asking language models about nominees: one question each, and once more when the answer does not hold."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from configs.app import App
from configs.prompt import fill
from models.language.calls import Reply, Request, Written
from pipelines.badges.judged.evidence import Item
from pipelines.badges.judged.verdicts import VERDICT_SCHEMA, Opinion, read_verdict
from pipelines.words.checks.cleaning import as_json, clean
from pipelines.words.writers.choose import Judge
from pipelines.words.writers.prompts import effort_tokens, system_part

AskAll = Callable[[Sequence[Request]], list[Reply]]

ANSWER_TOKENS = 700
# Paid for and final, but of no use: asked once more. Any other failure is no answer at all.
_USELESS = {
    "refused": "the model declined to answer",
    "truncated": "the answer was cut off; be brief",
    "malformed": "the answer could not be read",
}


@dataclass(frozen=True)
class Panel:
    """Who is asked for verdicts.

    Attributes:
        ask_all: Asks many requests, through the ledger; replies in their order.
        judges: The first is asked; the second, of another provider, where the first gives no answer and for second
            opinions.
    """

    ask_all: AskAll
    judges: tuple[Judge, ...]


@dataclass(frozen=True)
class Nominee:
    """One player's case for one badge.

    Attributes:
        case: Tells it from every other case, whatever the warehouse: app, user, badge and version of the rule.
    """

    case: str
    badge_id: str
    evidence: tuple[Item, ...]


@dataclass(frozen=True)
class Heard:
    """What one judge said of one nominee: an opinion, faults of an answer that did not hold, or why there is none."""

    judge: Judge
    call_key: str
    opinion: Opinion | None = None
    faults: tuple[str, ...] = ()
    silence: str = ""


def hear(app: App, nominees: Sequence[Nominee], judge: Judge, ask_all: AskAll) -> list[Heard]:
    """Ask one judge about nominees, and once more where the answer does not hold; in the nominees' order."""
    heard = _ask(app, [(nominee, ()) for nominee in nominees], judge, ask_all)
    again = [i for i, one in enumerate(heard) if one.faults]
    for i, one in zip(again, _ask(app, [(nominees[i], heard[i].faults) for i in again], judge, ask_all), strict=True):
        heard[i] = one
    return heard


def verdict_request(app: App, nominee: Nominee, judge: Judge, again: Sequence[str] = ()) -> Request:
    """Ask a judge about one nominee.

    Args:
        app: Its badges and voice.
        nominee: Of whom nothing but the evidence is told.
        judge: Who is asked, with the verdict prompt.
        again: What was wrong with the last answer.
    """
    badge = app.badges[nominee.badge_id]
    about = {
        "title": clean(badge.title),
        "tier": badge.tier,
        "criteria": clean(badge.judged.criteria if badge.judged else "", 2000),
        "description": clean(badge.description, 300),
    }
    data: dict[str, object] = {"badge": about, "evidence": [dict(item) for item in nominee.evidence]}
    if again:
        data["again"] = {"reasons": [clean(reason, 200) for reason in again]}
    return Request(
        provider=judge.provider,
        model=judge.model,
        system=system_part(app, judge.prompt),
        user=fill(judge.prompt.user, {"nomination": as_json(data)}),
        schema=VERDICT_SCHEMA,
        schema_name="verdict",
        max_tokens=ANSWER_TOKENS + effort_tokens(judge.pricing),
        effort=judge.pricing.effort,
        purpose="verdict",
        prompt_version=judge.prompt.version,
    )


def is_drawn(nominee: Nominee, seed: int, share: float) -> bool:
    """Whether a nominee is in the sample of that share: by hash, so that a night run again draws the same."""
    digest = hashlib.sha256(f"{seed}/{nominee.case}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def _ask(app: App, cases: Sequence[tuple[Nominee, Sequence[str]]], judge: Judge, ask_all: AskAll) -> list[Heard]:
    requests = [verdict_request(app, nominee, judge, again) for nominee, again in cases]
    replies = ask_all(requests) if requests else []
    return [
        _heard(app, nominee, judge, request, reply)
        for (nominee, _), request, reply in zip(cases, requests, replies, strict=True)
    ]


def _heard(app: App, nominee: Nominee, judge: Judge, request: Request, reply: Reply) -> Heard:
    if not isinstance(reply, Written):
        useless: Mapping[str, str] = _USELESS
        if reply.reason in useless:
            return Heard(judge, request.key, faults=(useless[reply.reason],))
        return Heard(judge, request.key, silence=f"{judge.provider} gave no answer ({reply.reason})")
    opinion, faults = read_verdict(app, nominee.badge_id, nominee.evidence, reply.text)
    return Heard(judge, request.key, opinion, faults)
