"""From what judges said to what is decided: award, hold for a person, or refuse."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from configs.app import App
from configs.badges import Judged
from models.language.calls import Request
from pipelines.badges.judged.panel import Heard, Nominee, Panel, hear, is_drawn, verdict_request
from pipelines.badges.judged.verdicts import Decision
from pipelines.words.writers.choose import Judge

HIGHEST = 0.99  # a model's award is never certain


@dataclass(frozen=True)
class Verdict:
    """What is decided of one nominee.

    Attributes:
        decision: 'lapse' when nobody decided for too long.
        decided_by: 'model', or 'nobody' when no model could be asked.
        confidence: 0 to 0.99; None when nobody decided.
        citation: Of an award; else empty.
        call_key: Of the paid answer.
        second_opinion: provider, model, decision, confidence, reasons and call_key of the other provider; without
            decision when its answer did not hold.
    """

    decision: Decision | Literal["lapse"]
    decided_by: str
    reasons: str
    citation: str = ""
    evidence_ids: tuple[str, ...] = ()
    confidence: float | None = None
    provider: str | None = None
    model: str | None = None
    prompt_version: str | None = None
    call_key: str | None = None
    second_opinion: dict[str, Any] | None = None


def adjudicate(app: App, nominees: Sequence[Nominee], panel: Panel | None, *, seed: int) -> list[Verdict]:
    """Decide on nominees, in their order.

    The panel's first judge is asked; where it gives no answer, the second. A sample is put to both. Whatever is not
    clear is held for a person: no answer, two answers that do not hold, too little confidence, judges that differ.

    Args:
        app: Its badges say what is judged and how sure a judge must be.
        nominees: With their evidence.
        panel: Who is asked; None holds everybody.
        seed: Of the night; draws the sample.
    """
    if panel is None or not panel.judges:
        return [_held_by_nobody("there is no key for one") for _ in nominees]
    first = hear(app, nominees, panel.judges[0], panel.ask_all)
    other: dict[int, Heard] = {}
    if len(panel.judges) > 1:
        wanted = [
            i
            for i, nominee in enumerate(nominees)
            if first[i].silence or (first[i].opinion is not None and _drawn(app, nominee, seed))
        ]
        second = hear(app, [nominees[i] for i in wanted], panel.judges[1], panel.ask_all)
        other = dict(zip(wanted, second, strict=True))
    return [_verdict(_judged(app, nominee), first[i], other.get(i)) for i, nominee in enumerate(nominees)]


def first_questions(app: App, nominees: Sequence[Nominee], judges: Sequence[Judge], *, seed: int) -> list[Request]:
    """What `adjudicate` asks when every answer holds: the first judge about all, the second about the sample."""
    first = [verdict_request(app, nominee, judges[0]) for nominee in nominees]
    drawn = [nominee for nominee in nominees if _drawn(app, nominee, seed)]
    return first + [verdict_request(app, nominee, judge) for judge in judges[1:2] for nominee in drawn]


def _drawn(app: App, nominee: Nominee, seed: int) -> bool:
    return is_drawn(nominee, seed, _judged(app, nominee).second_opinion)


def _judged(app: App, nominee: Nominee) -> Judged:
    judged = app.badges[nominee.badge_id].judged
    if judged is None:
        raise ValueError(f"{nominee.badge_id} is earned by rule and not judged")
    return judged


def _verdict(judged: Judged, first: Heard, other: Heard | None) -> Verdict:
    if first.silence and other is None:
        return _held_by_nobody(first.silence)
    if first.silence and other is not None:
        return _held_by_nobody(f"{first.silence}; {other.silence}") if other.silence else _alone(judged, other)
    verdict = _alone(judged, first)
    if other is None:
        return verdict
    return _with_second(verdict, first, other)


def _alone(judged: Judged, heard: Heard) -> Verdict:
    """What one judge's answer comes to."""
    opinion, said = heard.opinion, _said_by(heard)
    if opinion is None:
        return Verdict("hold", "model", f"No answer held: {'; '.join(heard.faults)}.", **said)
    told = {**said, "evidence_ids": opinion.evidence_ids, "confidence": min(opinion.confidence, HIGHEST)}
    if opinion.decision != "hold" and opinion.confidence < judged.min_confidence:
        unsure = f"Too unsure to {opinion.decision} ({opinion.confidence:.2f}): {opinion.reasons}"
        return Verdict("hold", "model", unsure, **told)
    return Verdict(opinion.decision, "model", opinion.reasons, citation=opinion.citation, **told)


def _with_second(verdict: Verdict, first: Heard, other: Heard) -> Verdict:
    """A verdict beside a second opinion; where the two differ a person decides."""
    said = _said_by(other)
    second: dict[str, Any] = {name: said[name] for name in ("provider", "model", "call_key")}
    opinion = other.opinion
    if opinion is None or first.opinion is None:
        second["reasons"] = other.silence or "; ".join(other.faults)
        return replace(verdict, second_opinion=second)
    second |= {"decision": opinion.decision, "confidence": opinion.confidence, "reasons": opinion.reasons}
    second["first"] = first.opinion.decision
    if opinion.decision == first.opinion.decision:
        return replace(verdict, second_opinion=second)
    differ = (
        f"Opinions differ. {first.judge.provider} would {first.opinion.decision}: {first.opinion.reasons} "
        f"{other.judge.provider} would {opinion.decision}: {opinion.reasons}"
    )
    return replace(verdict, decision="hold", citation="", reasons=differ, second_opinion=second)


def _said_by(heard: Heard) -> dict[str, Any]:
    judge = heard.judge
    return {
        "provider": judge.provider,
        "model": judge.model,
        "prompt_version": judge.prompt.version,
        "call_key": heard.call_key,
    }


def _held_by_nobody(why: str) -> Verdict:
    return Verdict("hold", "nobody", f"No language model could be asked: {why}.")
