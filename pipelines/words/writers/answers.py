"""What a language model answers to a brief: its form, and the texts that may go out."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from configs.app import App
from configs.voice import primary
from configs.wording import plain
from pipelines.words.briefs import Brief
from pipelines.words.checks.languages import language_fault
from pipelines.words.checks.safety import canary_of, other_moment, text_faults
from pipelines.words.checks.validate import check_texts
from pipelines.words.types import content_type
from pipelines.words.writers.answer_forms import Taught, answer_model, answer_schema, entry_model, json_schema
from pipelines.words.writers.lexicon import own_words
from pipelines.words.writers.offline import Variant
from pipelines.words.writers.telling import brief_task, longest_words

__all__ = [
    "Checked",
    "Draft",
    "answer_model",
    "answer_schema",
    "check",
    "checker",
    "json_schema",
    "read_answer",
    "read_drafts",
]

_LONGEST_ANSWER = 200_000  # characters; more is not read
_MOST_ENTRIES = 64
_FENCE = re.compile(r"^\s*```(?:json)?\s*(.*?)\s*```\s*$", re.DOTALL)


@dataclass(frozen=True)
class Draft:
    """A text as it was answered; the title is empty where the content type has none."""

    title: str
    text: str


@dataclass(frozen=True)
class Checked:
    """An answer after its checks.

    Attributes:
        good: Texts that may go out, in the order of the answer.
        faults: What was wrong with the others, a sentence for each fault of each text.
        refused: How many texts had a fault.
    """

    good: tuple[Variant, ...]
    faults: tuple[str, ...]
    refused: int = 0


def read_answer(
    app: App,
    brief: Brief,
    text: str,
    *,
    avoid: Sequence[Variant | str] = (),
) -> Checked:
    """Take the good texts out of an answer.

    Args:
        app: Its voice and words.
        brief: What was asked for.
        text: The answer's JSON text.
        avoid: Texts that the brief has already, or titles; none of them may come again.

    Returns:
        Good texts and the faults of the others. An answer that cannot be read, or that is in another language, has no
        good text and one fault.
    """
    drafts, faults = read_drafts(text, brief)
    if wrong := language_fault([f"{draft.title}. {draft.text}" for draft in drafts], brief.language):
        return Checked((), (f"the answer {wrong}",), len(drafts))
    metadata = json.dumps({"language": brief.language, "written": "model"})
    faults_of = checker(app, brief)
    taken = {_key(words) for one in avoid for words in ([one] if isinstance(one, str) else [one.title, one.text])} - {
        ""
    }
    good: list[Variant] = []
    for draft in drafts:
        found = faults_of(draft)
        again = [f"'{words[:40]}' stands there already" for words in (draft.title, draft.text) if _key(words) in taken]
        if found or again:
            faults += [*found, *again]
            continue
        taken |= {_key(draft.title), _key(draft.text)} - {""}
        good.append(Variant(_digest(draft.text), draft.title, draft.text, metadata))
    return Checked(tuple(good), tuple(faults), len(drafts) - len(good))


def read_drafts(text: str, brief: Brief) -> tuple[list[Draft], list[str]]:
    """The texts of an answer as they are, and what could not be read of it."""
    entries, fault = _entries(text)
    if fault:
        return [], [fault]
    model = entry_model(brief.content_type)
    drafts, faults = [], []
    for entry in entries[:_MOST_ENTRIES]:
        try:
            drafts.append(_draft(model.model_validate(entry)))
        except ValidationError as error:
            first = error.errors()[0]
            faults.append(
                f"an entry is not as the schema says: {'.'.join(map(str, first['loc']))} {first['msg'].lower()}"
            )
    return drafts, faults


def check(app: App, brief: Brief, draft: Draft) -> list[str]:
    """Everything that is wrong with one text; nothing means that it may go out."""
    return checker(app, brief)(draft)


def checker(app: App, brief: Brief) -> Callable[[Draft], list[str]]:
    """As `check`, for many texts of a brief."""
    form, own, words_length = content_type(brief.content_type).form, own_words(app, brief), longest_words(app, brief)
    canary, wanted = canary_of(app.app), _wanted(app, brief)

    def faults_of(draft: Draft) -> list[str]:
        texts = {"title": draft.title, form.text: draft.text} if form.title else {form.text: draft.text}
        faults = check_texts(texts, brief, app.voice, own=own, words_length=words_length)
        for name, text in texts.items():
            found = text_faults(text, brief.language, app.voice, own=own, canary=canary)
            if form.timed and (moment := other_moment(text, brief.language)):
                found.append(f"names a time of its own: '{moment}'")
            faults += [f"{name} {fault}" for fault in found]
        folded = draft.text.casefold()
        for words in wanted:
            if (times := folded.count(words.casefold())) != 1:
                faults.append(f"{form.text} has '{words}' {times} times instead of once")
        return list(dict.fromkeys(faults))

    return faults_of


def _wanted(app: App, brief: Brief) -> list[str]:
    """What must stand word for word in a text: the task, in the app's own language, or the badge's title."""
    if content_type(brief.content_type).about == "badge":
        return [plain(app.badges[brief.metric].title)]
    task = brief_task(app, brief)
    return [task] if task and primary(brief.language) == primary(app.voice.languages[0]) else []


def _entries(text: str) -> tuple[list[Any], str]:
    if len(text) > _LONGEST_ANSWER:
        return [], "the answer is far too long"
    fenced = _FENCE.match(text)
    try:
        answer = from_json(fenced[1] if fenced else text)
    except ValueError:
        return [], "the answer is not JSON"
    entries = answer.get("variants") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return [], "the answer has no list 'variants'"
    return entries, "" if entries else "the answer has no texts"


def _draft(entry: BaseModel) -> Draft:
    if isinstance(entry, Taught):
        return Draft(entry.title.strip(), " ".join(_sentence(step) for step in entry.steps if step.strip()))
    fields = {name: str(text).strip() for name, text in entry.model_dump().items()}
    return Draft(fields.pop("title", ""), next(iter(fields.values())))


def _sentence(step: str) -> str:
    step = step.strip()
    return step if step[-1:] in {".", "!", "?"} else f"{step}."


def _key(words: str) -> str:
    """What two texts have in common when they differ in capitals, spaces and points only."""
    return re.sub(r"[\W_]+", " ", words.casefold()).strip()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
