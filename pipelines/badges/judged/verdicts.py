"""What a language model answers about a nominee: its form, and whether it holds against the evidence."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from configs.app import App
from configs.speaking import ENGLISH as LANGUAGE
from configs.wording import plain
from pipelines.badges.judged.evidence import Item
from pipelines.badges.judged.numbers import first_number, mask_known
from pipelines.words.briefs import Brief
from pipelines.words.checks.cleaning import clean
from pipelines.words.checks.safety import canary_of, text_faults
from pipelines.words.checks.validate import check_texts
from pipelines.words.writers.answers import json_schema

Decision = Literal["award", "hold", "refuse"]

REASONS_LENGTH = 1000
_LONGEST_ANSWER = 20_000


class VerdictAnswer(BaseModel):
    """The whole answer, as the schema has it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    decision: Decision
    citation: str
    evidence_ids: list[str]
    reasons: str
    confidence: float


VERDICT_SCHEMA: Mapping[str, Any] = json_schema(VerdictAnswer)


@dataclass(frozen=True)
class Opinion:
    """An answer that holds.

    Attributes:
        citation: Of an award; else empty.
        reasons: One line, cleaned and cut.
        confidence: 0 to 1.
    """

    decision: Decision
    citation: str
    evidence_ids: tuple[str, ...]
    reasons: str
    confidence: float


def read_verdict(
    app: App, badge_id: str, evidence: Sequence[Item], text: str
) -> tuple[Opinion | None, tuple[str, ...]]:
    """Read an answer and hold it against what was given.

    Args:
        app: Its badges and what its voice forbids.
        badge_id: The badge in question.
        evidence: The list that the model was given.
        text: The answer's JSON text.

    Returns:
        The opinion, or None and a sentence for each fault.
    """
    answer, fault = _parse(text)
    if answer is None:
        return None, (fault,)
    faults = tuple(dict.fromkeys(_faults(app, badge_id, {item["id"]: item for item in evidence}, answer)))
    if faults:
        return None, faults
    citation = answer.citation.strip() if answer.decision == "award" else ""
    reasons = clean(answer.reasons, REASONS_LENGTH)
    return Opinion(answer.decision, citation, tuple(answer.evidence_ids), reasons, float(answer.confidence)), ()


def _parse(text: str) -> tuple[VerdictAnswer | None, str]:
    if len(text) > _LONGEST_ANSWER:
        return None, "the answer is far too long"
    try:
        return VerdictAnswer.model_validate(_numbers_as_floats(from_json(text))), ""
    except ValidationError as error:
        first = error.errors()[0]
        return None, f"the answer is not as the schema says: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}"
    except ValueError:
        return None, "the answer is not JSON"


def _numbers_as_floats(answer: Any) -> Any:
    """A confidence of 1 is as good as one of 1.0."""
    if isinstance(answer, dict) and type(answer.get("confidence")) is int and answer["confidence"] in {0, 1}:
        return answer | {"confidence": float(answer["confidence"])}
    return answer


def _faults(app: App, badge_id: str, given: Mapping[str, Item], answer: VerdictAnswer) -> Iterator[str]:
    if not (math.isfinite(answer.confidence) and 0 <= answer.confidence <= 1):
        yield "confidence is not between 0 and 1"
    if not clean(answer.reasons):
        yield "reasons are empty"
    if unknown := [clean(name, 20) for name in answer.evidence_ids if name not in given]:
        yield f"evidence_ids has {', '.join(unknown[:5])}, which is not in the evidence"
    if answer.decision != "award" or unknown:
        return
    cited = [given[name] for name in dict.fromkeys(answer.evidence_ids)]
    if not cited:
        yield "an award cites no evidence"
    elif all(item["kind"] == "event" for item in cited):
        yield "an award rests on events alone; cite a metric or a trend that carries it"
    yield from _citation_faults(app, badge_id, cited, answer.citation.strip())


def _citation_faults(app: App, badge_id: str, cited: Sequence[Item], text: str) -> Iterator[str]:
    if not text:
        yield "an award has no citation"
        return
    title = plain(app.badges[badge_id].title)
    own = re.compile(re.escape(title), re.IGNORECASE)
    if not own.search(text):
        yield f"citation does not name the badge '{title}'"
    masked = mask_known(text, cited)
    if number := first_number(own.sub(" ", masked)):
        yield f"citation has the number {number}, which is not in the evidence that it cites"
        return
    yield from check_texts({"citation": masked}, _brief(badge_id), app.voice, own=(title,))
    found = text_faults(masked, LANGUAGE, app.voice, own=(title,), canary=canary_of(app.app))
    yield from (f"citation {fault}" for fault in found)


def _brief(badge_id: str) -> Brief:
    """A citation without slots."""
    return Brief("verdict", "badge_citation", "", badge_id, "", LANGUAGE, "none", variants=1)
