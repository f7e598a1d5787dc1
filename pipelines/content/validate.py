"""What a text must be before a player reads it, whoever wrote it: slots, lengths, and nothing that was not decided."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from configs.app import Voice
from pipelines.content.briefs import Brief

TITLE_LENGTH = 60
TEXT_LENGTH = 280


@dataclass(frozen=True)
class Form:
    """The texts of a content type.

    Attributes:
        text: The column beside `title`: description, body or citation.
        title: Whether it has a title.
        needs: Slots that the text carries exactly once.
        may: Slots that the text may carry, once.
    """

    text: str
    title: bool = True
    needs: tuple[str, ...] = ()
    may: tuple[str, ...] = ()


FORMS: Mapping[str, Form] = {
    "daily_challenge": Form("description", needs=("goal_1", "window"), may=("label_1",)),
    "motivational_message": Form("body", may=("goal_1", "window", "percentile", "label_1")),
    "come_back_message": Form("body", may=("days_away",)),
    "badge_citation": Form("citation", title=False, may=("evidence",)),
}
# Of the slots above, those that these occasions cannot fill.
_WITHOUT = {"none": frozenset({"goal_1", "window", "percentile", "label_1", "evidence"})}
# The longest that a slot is likely to become; the goal's unit comes on top.
_WIDTHS = {"goal_1": 14, "window": 22, "percentile": 4, "days_away": 10, "evidence": 120, "label_1": 40}

_STAND_IN = "§"  # neither a word nor a space
SLOT = re.compile(r"\{([a-z_0-9]+)\}")
_STARTS_WITH_WINDOW = re.compile(r"(?:^|[.!?]\s+)\{(?:window|label_1|evidence)\}")
_MARKUP = re.compile(
    r"<|>|`|\*\*|__|~~|\]\(|&[a-z]+;|https?:|www\.|\b[\w-]+\.(?:com|org|net|io|app|dev|info|ru|xyz)\b|@\w+\.",
    re.IGNORECASE,
)
_DOUBLED = re.compile(r"[,;:.!?]\s*[,;:.]|\(\s*\)|\s[,.;:!?]|\s\s|\b(\w+) \1\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"\d|%|\b(?:zero|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
    r"|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|[mb]illions?|dozens?|twice|thrice"
    r"|halves|half|doubled?|tripled?|percent|couple|pair"
    r"|(?<!\bno )(?<!\bthis )(?<!\bthat )(?<!\beach )(?<!\bevery )one(?!['’ ]s\b))\b",  # noqa: RUF001 (people type both)
    re.IGNORECASE,
)
_MOMENT = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|midnight|(?:this|next|within an?|in an?|all|whole) "
    r"(?:hour|day|morning|afternoon|evening|night|week|weekend|month|year)|weekend|deadline|by (?:noon|evening|morning))\b",
    re.IGNORECASE,
)
_PLAYER_NEVER_TYPED = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "So", "Zl", "Zp"})


def check_texts(
    texts: Mapping[str, str], brief: Brief, voice: Voice, *, own: Sequence[str] = (), unit_length: int = 20
) -> list[str]:
    """Everything that is wrong with the texts of one variant, slots not yet filled.

    Args:
        texts: By column: `title` and the content type's text, such as `description`.
        brief: What was asked for.
        voice: Whose forbidden words count.
        own: Words of the app file that stand in the texts (a task, a badge's title); numbers in them are the app's own.
        unit_length: Characters of the longest unit behind a goal.

    Returns:
        One sentence per fault; none means that the texts may go out.

    Raises:
        KeyError: The content type is unknown.
    """
    form = FORMS[brief.content_type]
    wanted = {"title", form.text} if form.title else {form.text}
    if texts.keys() != wanted:
        return [f"has {', '.join(sorted(texts)) or 'no text'} instead of {', '.join(sorted(wanted))}"]
    faults = [
        f"{name} {fault}"
        for name, text in texts.items()
        for fault in _text_faults(name, text, brief, voice, own, unit_length)
    ]
    faults += [f"title has the slot {{{slot}}}" for slot in SLOT.findall(texts.get("title", ""))]
    return faults + list(_slot_faults(form.text, texts[form.text], form, brief))


def _text_faults(
    name: str, text: str, brief: Brief, voice: Voice, own: Sequence[str], unit_length: int
) -> Iterator[str]:
    if not text.strip():
        yield "is empty"
        return
    limit = TITLE_LENGTH if name == "title" else TEXT_LENGTH
    if (length := longest(text, unit_length)) > limit:
        yield f"is up to {length} characters long, at most {limit}"
    if not text.isascii() and (odd := {c for c in text if unicodedata.category(c) in _PLAYER_NEVER_TYPED}):
        yield f"carries {', '.join(sorted(unicodedata.name(c, hex(ord(c))) for c in odd))}"
    if text.isascii() and not text.isprintable():
        yield "carries control characters"
    words = SLOT.sub(_STAND_IN, text)
    if "{" in words or "}" in words:
        yield "has a brace that is no slot"
    if found := _MARKUP.search(words):
        yield f"carries markup or a link: '{found[0]}'"
    if found := _DOUBLED.search(words):
        yield f"is not clean: '{found[0]}'"
    if (forbidden := _forbidden(tuple(voice.forbidden))) and (found := forbidden.search(_folded(words))):
        yield f"says '{found[0]}', which the voice forbids"
    for phrase in own:
        words = words.replace(phrase, _STAND_IN) if phrase else words
    if found := _NUMBER.search(words):
        yield f"carries a number of its own: '{found[0]}'"
    if brief.window and (found := _MOMENT.search(words)):
        yield f"names a time of its own: '{found[0]}'"


def _slot_faults(name: str, text: str, form: Form, brief: Brief) -> Iterator[str]:
    slots = SLOT.findall(text)
    allowed = set(form.needs + form.may) - _WITHOUT.get(brief.occasion, frozenset())
    for slot in form.needs:
        if slots.count(slot) != 1:
            yield f"{name} has {{{slot}}} {slots.count(slot)} times instead of once"
    for slot in sorted(set(slots)):
        if slot not in allowed:
            yield f"{name} has the slot {{{slot}}}, which nothing fills"
        elif slot not in form.needs and slots.count(slot) > 1:
            yield f"{name} has {{{slot}}} more than once"
    if _STARTS_WITH_WINDOW.search(text):
        yield f"{name} starts a sentence with a slot that is not capitalised"


def longest(text: str, unit_length: int) -> int:
    """How many characters a text may have once its slots are filled."""
    slots = SLOT.findall(text)
    filled = sum(_WIDTHS.get(slot, 0) + (unit_length if slot == "goal_1" else 0) for slot in slots)
    return len(SLOT.sub("", text)) + filled


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("’", "'").casefold()  # noqa: RUF001 (people type both)


@cache
def _forbidden(phrases: tuple[str, ...]) -> re.Pattern[str] | None:
    """One pattern for all forbidden phrases: any case, whole words, any space between them."""
    spaced = [r"\s+".join(map(re.escape, _folded(p).split())) for p in phrases if p.strip()]
    return re.compile(rf"(?<!\w)(?:{'|'.join(sorted(spaced, key=len, reverse=True))})(?!\w)") if spaced else None
