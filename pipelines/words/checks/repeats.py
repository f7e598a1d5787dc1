"""Words that a text says more than once."""

import re
from collections import Counter
from functools import lru_cache

from pipelines.words.checks.validate import SLOT, sentences

_WORD = re.compile(r"[a-z'’-]+", re.IGNORECASE)  # noqa: RUF001 (people type both)
_ENDING = re.compile(r"(?:ing|edly|ed|ly|es|s|'s|er|ers)$")
_SMALL = frozenset(
    """
    a about after again all also always an and any are as at be before but by can do does done each every for from
    get give go good has have here how if in into is it its just keep know let like make may more most much no nor
    not nothing of off on once one only or other out over own so some take that the their them then there these they
    this those through to too under up us want was way we well what when where which while who will with without you
    your yours yourself
    """.split()  # noqa: SIM905 (so many words read better without quotes)
)


def repeated_word(title: str, text: str, words: str = "", recurring: str = "") -> str:
    """What two sentences of a card, or the two parts of its title, have in common: a word, or three; or an empty text.

    Args:
        title: Counts as a sentence, but may name what the task names.
        text: Slots not yet filled.
        words: What stands behind the number that will be filled in.
        recurring: Words that may stand in several sentences: the subject of a longer text.
    """
    lead, _, rest = title.partition(": ")
    if alike := _rooted_alike(lead) or _rooted_alike(rest):
        return alike
    if again := stems(lead) & stems(rest):
        return min(again)
    if (told := _phrases(lead)) and (again := told & frozenset().union(*map(_phrases, sentences(text)))):
        return min(again)
    named, seen, subject = stems(title), set[str](), stems(recurring)
    for sentence in sentences(text):
        asks = SLOT.search(sentence)
        said = stems(sentence) | stems(words) if asks else stems(sentence)
        said -= subject
        if again := (said & (seen if asks else seen | named)) or (stems(_lead_in(sentence)) & named):
            return min(again)
        seen |= said
    return ""


def _rooted_alike(title: str) -> str:
    """With which five letters two words of a title begin: 'A Thoughtful Thought', but not 'Light After Light'."""
    told = Counter(word[:5] for word in {word.lower() for word in _WORD.findall(title)} if len(word) >= 5)
    return min((root for root, n in told.items() if n > 1), default="")


def said_again(phrase: str) -> str:
    """The words that a phrase says in two of its sentences: whoever wrote them side by side meant it."""
    told = Counter(stem for sentence in sentences(phrase) for stem in stems(sentence))
    return " ".join(word for word in _WORD.findall(phrase) if any(told[stem] > 1 for stem in stems(word)))


def echoed_word(title: str, text: str, own: str = "") -> str:
    """A word of five letters or more that stands in two sentences of a card in whatever language, or an empty text.

    Args:
        title: Counts as a sentence.
        text: Slots not yet filled.
        own: Words of the app's own, which may come back.
    """
    ours, seen = _long_words(own), set[str]()
    for sentence in (*title.split(": "), *sentences(text)):
        said = _long_words(sentence) - ours
        if again := said & seen:
            return min(again)
        seen |= said
    return ""


def _long_words(text: str) -> set[str]:
    return {word.casefold() for word in re.findall(r"\w{5,}", SLOT.sub(" ", text))}


@lru_cache(maxsize=50_000)
def _phrases(text: str) -> frozenset[str]:
    """Every three words on end, of which each alone may come back: 'where you stand'."""
    words = _WORD.findall(SLOT.sub(".", text.lower()))
    return frozenset(" ".join(words[i : i + 3]) for i in range(len(words) - 2))


def _lead_in(sentence: str) -> str:
    """What stands before a task and its colon: 'As a first step' of 'As a first step: solve {goal_1}.'."""
    lead, _, task = sentence.partition(": ")
    return lead if "{goal_1}" in task else ""


@lru_cache(maxsize=50_000)
def stems(text: str) -> frozenset[str]:
    """The words of a text that carry meaning, without their endings."""
    words = (word.lower().strip("'-") for word in _WORD.findall(SLOT.sub(" ", text)))
    return frozenset(_ENDING.sub("", word) if len(word) > 4 else word for word in words if word not in _SMALL)
