"""What a text must be before a player reads it, whoever wrote it: slots, lengths, and nothing that was not decided."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from configs.content import Voice
from configs.wording import LONGEST_BESIDE, LONGEST_NUMBER
from pipelines.words.briefs import Brief
from pipelines.words.content_type import Form
from pipelines.words.types import content_type

TITLE_LENGTH = 60
EVIDENCE_LENGTH = 210

# What may be filled in, and how long it can become; the words of the metric come on top of goal and amount.
SLOTS: Mapping[str, int] = {
    "goal_1": LONGEST_NUMBER,
    "also": 2 * LONGEST_BESIDE + 5,
    "window": 36,
    "period": 48,
    "until": 36,
    "amount": 40,
    "done": 40,
    "span": 24,
    "percentile": 5,
    "evidence": EVIDENCE_LENGTH,
}

SLOT = re.compile(r"\{([a-z_0-9]+)\}")
STAND_IN = "§"  # neither a word nor a space
_SENTENCE_END = re.compile(r"(?<=[.!?]) ")
_MARKUP = re.compile(
    r"<|>|`|\*\*|__|~~|\]\(|&[a-z]+;|https?:|www\.|\b[\w-]+\.(?:com|org|net|io|app|dev|info|ru|xyz)\b|@\w+\.",
    re.IGNORECASE,
)
_UNCLEAN = re.compile(r"[{}]|^\s|\s$|[,;:.!?]\s*[,;:.]|\(\s*\)|\s[,.]|\s\s")
# What is wrong in English and well written elsewhere: French has a space before a colon and says "vous vous".
_UNCLEAN_ENGLISH = re.compile(r"\s[;:!?]|\b(\w+) \1\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"\d|%|\b(?:zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|[mb]illions?|dozens?|twice|thrice"
    r"|halves|half|doubled?|tripled?|percent|couple|pair"
    r"|(?<!\bno )(?<!\bthis )(?<!\bthat )(?<!\beach )(?<!\bevery )one(?!['’ ]s\b))\b",  # noqa: RUF001 (people type both)
    re.IGNORECASE,
)
_MOMENT = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|midnight|weekend|deadline|by (?:noon|evening|morning)"
    r"|(?:by|until|till|before|on|this|next) (?:mon|tues|wednes|thurs|fri|satur|sun)day"
    r"|(?:this|next|within an?|in an?|all|whole) (?:hour|day|morning|afternoon|evening|night|week|month|year))\b",
    re.IGNORECASE,
)
_NEVER_TYPED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "So", "Zl", "Zp"})


def check_texts(
    texts: Mapping[str, str], brief: Brief, voice: Voice, *, own: Sequence[str] = (), words_length: int = 40
) -> list[str]:
    """Everything that is wrong with the texts of one variant, slots not yet filled.

    Args:
        texts: By column: `title` and the content type's text, such as `description`.
        brief: What was asked for.
        voice: Whose forbidden words count.
        own: Words of the app file that stand in the texts (a task, a badge's title); numbers in them are the app's own.
        words_length: Characters of the longest words behind a filled number.

    Returns:
        One sentence per fault; none means that the texts may go out.

    Raises:
        KeyError: The content type is unknown.
    """
    form = content_type(brief.content_type).form
    wanted = {"title", form.text} if form.title else {form.text}
    if texts.keys() != wanted:
        return [f"has {', '.join(sorted(texts)) or 'no text'} instead of {', '.join(sorted(wanted))}"]
    faults: list[str] = []
    english = brief.language.lower().startswith("en")
    for name, text in texts.items():
        limit = TITLE_LENGTH if name == "title" else form.length
        if not text.strip():
            faults.append(f"{name} is empty")
        if (length := longest(text, words_length)) > limit:
            faults.append(f"{name} is up to {length} characters long, at most {limit}")
        found = _sentence_faults(text, own, tuple(voice.forbidden), english=english, timed=form.timed)
        faults.extend(f"{name} {fault}" for fault in found)
    faults += [f"title has the slot {{{slot}}}" for slot in SLOT.findall(texts.get("title", ""))]
    return faults + [f"{form.text} {fault}" for fault in _slot_faults(texts[form.text], form, brief)]


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    return _SENTENCE_END.split(text)


def longest(text: str, words_length: int) -> int:
    """How many characters a text may have once its slots are filled."""
    if not (slots := SLOT.findall(text)):
        return len(text)
    filled = sum(SLOTS.get(slot, 0) + (words_length if slot in {"goal_1", "amount", "done"} else 0) for slot in slots)
    return len(SLOT.sub("", text)) + filled


def _sentence_faults(
    text: str, own: Sequence[str], forbidden: tuple[str, ...], *, english: bool, timed: bool
) -> Iterator[str]:
    """Sentences come back in many texts, so that what is wrong with one is remembered."""
    text = SLOT.sub(STAND_IN, text)
    for sentence in sentences(text):
        yield from _said(sentence, forbidden, english=english)
    if pattern := _words(tuple(own)):
        text = pattern.sub(STAND_IN, text)
    for sentence in sentences(text):
        yield from _counted(sentence, timed=timed)


@lru_cache(maxsize=50_000)
def _said(sentence: str, forbidden: tuple[str, ...], *, english: bool = True) -> tuple[str, ...]:
    faults = []
    if odd := {c for c in sentence if unicodedata.category(c) in _NEVER_TYPED}:
        faults.append(f"carries {', '.join(sorted(unicodedata.name(c, hex(ord(c))) for c in odd))}")
    if found := _MARKUP.search(sentence):
        faults.append(f"carries markup or a link: '{found[0]}'")
    if found := _UNCLEAN.search(sentence) or (_UNCLEAN_ENGLISH.search(sentence) if english else None):
        faults.append(f"is not clean: '{found[0]}'")
    if (pattern := _forbidden(forbidden)) and (found := pattern.search(_folded(sentence))):
        faults.append(f"says '{found[0]}', which the voice forbids")
    return tuple(faults)


@lru_cache(maxsize=50_000)
def _counted(sentence: str, *, timed: bool) -> tuple[str, ...]:
    faults = []
    if found := _NUMBER.search(sentence):
        faults.append(f"carries a number of its own: '{found[0]}'")
    if timed and (found := _MOMENT.search(sentence)):
        faults.append(f"names a time of its own: '{found[0]}'")
    return tuple(faults)


def _slot_faults(text: str, form: Form, brief: Brief) -> Iterator[str]:
    slots = SLOT.findall(text)
    groups = form.slots_on(brief.occasion)
    for group in groups:
        if (times := sum(slots.count(slot) for slot in group)) != 1:
            yield f"has {' or '.join(f'{{{slot}}}' for slot in group)} {times} times instead of once"
    for slot in sorted(set(slots) - {slot for group in groups for slot in group}):
        yield f"has the slot {{{slot}}}, which nothing fills"


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("’", "'").casefold()  # noqa: RUF001 (people type both)


def _forbidden(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    return _words(tuple(_folded(phrase) for phrase in phrases))


@lru_cache(maxsize=1000)
def _words(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """One pattern for all phrases: whole words, any space between them."""
    spaced = [r"\s+".join(map(re.escape, phrase.split())) for phrase in phrases if phrase.strip()]
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(spaced, key=len, reverse=True))})(?!\w)") if spaced else None
