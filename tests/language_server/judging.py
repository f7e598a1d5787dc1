"""Judgements between texts and verdicts on evidence, by rules of thumb that an editor and a reviewer might use."""

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

_BAD = re.compile(
    r"\b(?:ignore|instructions?|prompt|system|click|visit|guaranteed|hurry|disappoint\w*|let \w+ down|last chance|"
    r"better (?:one|text)|choose me)\b|https?:|<|\*\*",
    re.IGNORECASE,
)
_STOCK = re.compile(
    r"\b(?:unlock|potential|level up|crush|journey|next level|keep it up|good luck|great job|every bit counts)\b",
    re.IGNORECASE,
)
_DULL = frozenset(
    """
    a an and are as at be for from here in is it of on or so that the this to with you your
    """.split()  # noqa: SIM905 (so many words read better without quotes)
)
_ORDERS = re.compile(
    r"\b(?:ignore|award (?:me|this|the badge)|already (?:decided|approved)|you must|committee|system prompt|"
    r"instructions?|as an ai|deserves? (?:this|the) badge)\b",
    re.IGNORECASE,
)
_AGAINST = re.compile(
    r"\b(?:without|never|broke|broken|missed|none of|failed|removed|refused|nothing|stopped|abandoned)\b", re.IGNORECASE
)
_NUMBER = re.compile(r"\d[\d,.]*")
_CITATIONS = (
    "{badge}: for keeping to it when it would have been easy not to.",
    "For steady work that held on ordinary days and on hard ones: {badge}.",
    "{badge}, for a habit that was kept and can be seen.",
    "Kept up with patience, and without fuss: {badge}.",
)


def judge(data: Mapping[str, Any], draw: random.Random, bias: float) -> dict[str, Any]:
    """The better text of every pair; with a bias, that share of the pairs goes to the first whatever it says."""
    choices = []
    for pair in data["pairs"]:
        lead = quality(pair["first"]) - quality(pair["second"]) + draw.uniform(-0.15, 0.15)
        better = "tie" if abs(lead) < 0.2 else "first" if lead > 0 else "second"
        if draw.random() < bias:
            better = "first"
        why = {"tie": "equally clear", "first": "more concrete image", "second": "says it in fewer words"}[better]
        choices.append({"id": pair["id"], "better": better, "why": why})
    return {"choices": choices}


def quality(text: Mapping[str, Any]) -> float:
    """How much an editor would like a text: concrete, varied and short; nothing that manipulates."""
    title, body = str(text.get("title", "")), str(text.get("text", ""))
    words = re.findall(r"[a-z']+", f"{title} {body}".lower())
    telling = {word for word in words if word not in _DULL}
    score = len(telling) / max(1, len(words)) * 4
    score += sum(map(len, telling)) / max(1, len(telling)) / 4
    score -= abs(len(body) - 150) / 150
    score -= 0.6 * len(_STOCK.findall(f"{title} {body}"))
    return score - 5 * len(_BAD.findall(f"{title} {body}"))


def verdict(data: Mapping[str, Any], draw: random.Random, *, strict: bool) -> dict[str, Any]:
    """Award on plenty of measured evidence, hold when it is thin or talks, refuse when it speaks against.

    Args:
        data: badge and evidence.
        draw: For the wording.
        strict: Ask for one supporting entry more.
    """
    evidence = [item for item in data["evidence"] if isinstance(item, dict) and "id" in item]
    events = [item for item in evidence if item.get("kind") == "event"]
    measured = [item for item in evidence if item.get("kind") != "event"]
    support = [item for item in measured if _supports(item)]
    against = [item for item in measured if not _supports(item)]
    badge = str((data.get("badge") or {}).get("title", "The badge"))
    talking = [item for item in events if _ORDERS.search(str(item.get("text", "")))]
    if talking:
        return _said("hold", "", talking, "An entry tries to direct the decision; a person should look.", 0.5)
    if len(measured) >= 2 and len(against) > len(support):
        return _said("refuse", "", against, "They show that a part of the criteria is not met.", 0.8)
    if len(support) < (3 if strict else 2):
        return _said("hold", "", support, "There is too little that was measured to decide on.", 0.6)
    citation = draw.choice(_CITATIONS).format(badge=badge)
    confidence = min(0.95, 0.6 + 0.05 * len(support))
    return _said("award", citation, support, "They carry the criteria, measured over time.", confidence)


def _said(
    decision: str, citation: str, cited: Sequence[Mapping[str, Any]], why: str, confidence: float
) -> dict[str, Any]:
    ids = [str(item["id"]) for item in cited][:6]
    return {
        "decision": decision,
        "citation": citation,
        "evidence_ids": ids,
        "reasons": f"{', '.join(ids)}: {why}" if ids else why,
        "confidence": round(confidence, 2),
    }


def _supports(item: Mapping[str, Any]) -> bool:
    """Whether a measured entry shows something done, of late too where it says so."""
    text = str(item.get("text", ""))
    if _AGAINST.search(text):
        return False
    told = text.rsplit(":", 1)[-1]
    if item.get("kind") == "trend" and told.count(",") >= 3:
        weeks = [part.strip() for part in told.split(", ")]
        return sum(week not in {"0", "none"} for week in weeks) * 2 >= len(weeks)
    if lately := [part.split()[0] for part in told.split(", ") if " in the last " in part]:
        return lately[0] not in {"0", "none", "0%"}
    return any(float(number.strip(",.").replace(",", "") or 0) > 0 for number in _NUMBER.findall(told))
