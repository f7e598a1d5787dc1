"""What no text may say or carry, whoever wrote it: claims in other words, contacts, talk of prompts, odd letters."""

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache

from configs.claims import Topic, claims
from configs.content import Voice
from configs.voice import primary
from pipelines.words.checks.languages import other_language
from pipelines.words.checks.validate import SLOT

# Letters that look like Latin ones, and digits and signs that people write for letters.
_LOOKALIKES = str.maketrans(
    "аеорсухіјѕԁһкмнтвгзӏԛԝүαβεηικνορτυχѡɑɡıⅼ",
    "aeopcyxijsdhkmhtbr3lqwyabenikvoptuxwagil",
)
_LEET = str.maketrans(
    {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i", "|": "l"}
)
_SIGNS = re.compile(r"[0-9@$|]|!\w")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ`´", "'"))  # noqa: RUF001 (people type all of these)
_SPELT_OUT = re.compile(r"(?<!\w)(?:\w[ .\-_*·]){3,}\w(?!\w)")
_ENDINGS = "(?:s|es|d|ed|ing|ly|r|er|ers|es|n|en)?"

_SCRIPTS = {
    **dict.fromkeys(("ru", "uk", "bg", "sr", "be", "mk"), ("CYRILLIC",)),
    **dict.fromkeys(("ar", "fa", "ur"), ("ARABIC",)),
    "el": ("GREEK",),
    "he": ("HEBREW",),
    "hi": ("DEVANAGARI",),
    "ja": ("HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "CJK"),
    "ko": ("HANGUL",),
    "th": ("THAI",),
    "zh": ("CJK",),
}
_LATIN = "A-Za-zªºÀ-ÖØ-öø-ſƠơƯưȘ-țẞẠ-ỹ"
_PUNCTUATION = " \u00a0\u202f!\"'(),-./:;?¡¿«»…‘’‚“”„–—&%+°§"  # noqa: RUF001 (typographers' marks)
_LATIN_TEXT = re.compile(f"[{_LATIN}0-9{re.escape(_PUNCTUATION)}]*")
_SHOUT = re.compile(r"[!?]{2,}|\b[A-Z]{4,}(?:[^\w.]+[A-Z]{2,})+\b")
_EMOTICON = re.compile(r"(?:^|\s)(?:[:;=8xX]['’]?-?[)(DPpOo3|/\\]+|<3|\^\^|\(:)(?=\s|$|[.!?])")  # noqa: RUF001


def text_faults(text: str, language: str, voice: Voice, *, own: Sequence[str] = (), canary: str = "") -> list[str]:
    """What is wrong with a text beyond its form.

    Args:
        text: With its slots.
        language: Tag of the language that it should be in.
        voice: What it forbids, in these words, inflected, spelt out or with lookalike letters.
        own: Words of the app file that stand in the text; they are the app's to answer for.
        canary: The word that marks the system part, from `canary_of`.

    Returns:
        The ends of sentences such as 'carries a way to contact …'; none means that nothing was found.
    """
    bare = SLOT.sub(" ", text)
    if pattern := _theirs(tuple(own)):
        bare = pattern.sub(" ", bare)
    return list(_faults(bare, primary(language), voice, canary))


@cache
def canary_of(app: str) -> str:
    """A made-up word that stands in an app's system parts and nowhere else: a text with it has told on its prompt."""
    digits = hashlib.sha256(f"canary/{app}".encode()).hexdigest()[:10]
    return "quill" + digits.translate(str.maketrans("0123456789abcdef", "bcdfghjklmnpqrst"))


def skeleton(text: str) -> str:
    """A text as patterns read it: small plain letters, lookalikes undone, spelt-out words joined, single spaces."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
        text = text.casefold().translate(_LOOKALIKES).translate(_APOSTROPHES)
    joined = _SPELT_OUT.sub(lambda found: re.sub(r"[ .\-_*·]", "", found[0]), text.casefold())
    return " ".join(joined.split())


def _faults(text: str, language: str, voice: Voice, canary: str) -> Iterator[str]:
    yield from odd_characters(text, language)
    forms = _forms(text)
    for topic in claims().topics.values():
        if found := _found(topic, forms, language, tuple(voice.forbidden)):
            yield f"{topic.says}: '{found}'"
    for form in forms:
        if (pattern := _inflected(tuple(voice.forbidden))) and (match := pattern.search(form)):
            yield f"says '{match[0].strip()}', which the voice forbids"
            break
    if shout := _SHOUT.search(text):
        yield f"shouts: '{shout[0]}'"
    if canary and canary in re.sub(r"[^a-z]", "", forms[0]):
        yield "repeats the word that marks the prompt"
    if number := _own_number(text, language):
        yield f"carries a number of its own: '{number}'"
    if other := other_language(text, language):
        yield f"is written in '{other}'"


def odd_characters(text: str, language: str) -> Iterator[str]:
    """Letters of other scripts, lookalikes, invisible characters and emoji."""
    if found := _EMOTICON.search(text):
        yield f"carries an emoticon: '{found[0].strip()}'"
    if _LATIN_TEXT.fullmatch(text) and language not in _SCRIPTS:
        return
    scripts = _SCRIPTS.get(language, ())
    if odd := [c for c in dict.fromkeys(text) if not _typed(c, scripts)]:
        names = ", ".join(unicodedata.name(c, f"U+{ord(c):04X}") for c in odd[:3])
        yield f"carries characters that do not belong: {names}"
    for word in re.findall(r"[^\W\d_]+", text):
        if len(kinds := {_script(c) for c in word} & {"LATIN", "CYRILLIC", "GREEK"}) > 1:
            yield f"mixes the letters of {' and '.join(sorted(kinds))} in '{word[:20]}'"
            return


def other_moment(text: str, language: str) -> str:
    """A time that a text names in a language other than English, or an empty text."""
    pattern = _said_in(primary(language), "moments")
    found = pattern.search(SLOT.sub(" ", text)) if pattern else None
    return found[0] if found else ""


def _own_number(text: str, language: str) -> str:
    pattern = _said_in(language, "numbers")
    found = pattern.search(text) if pattern else None
    return found[0] if found else ""


@cache
def _said_in(language: str, kind: str) -> re.Pattern[str] | None:
    words = getattr(claims(), kind).get(language, "")
    return re.compile(rf"\b(?:{re.sub(r' *[|] *', '|', words)})\b", re.IGNORECASE) if words else None


@lru_cache(maxsize=1000)
def _theirs(own: tuple[str, ...]) -> re.Pattern[str] | None:
    found = "|".join(re.escape(words) for words in sorted(own, key=len, reverse=True) if words)
    return re.compile(found, re.IGNORECASE) if found else None


def _forms(text: str) -> tuple[str, ...]:
    """The skeleton; and, where digits or signs stand between letters, the same with them read as letters."""
    plain = skeleton(text)
    if not _SIGNS.search(plain):
        return (plain,)
    read = re.sub(r"\w*[a-z@$!|][\w@$!|]*", lambda word: word[0].translate(_LEET) if _leet(word[0]) else word[0], plain)
    return (plain,) if read == plain else (plain, read)


def _leet(word: str) -> bool:
    return bool(re.search(r"[a-z][0-9@$!|]+[a-z]|^[0-9@$]+[a-z]{2}", word))


def _found(topic: Topic, forms: Sequence[str], language: str, forbidden: tuple[str, ...]) -> str:
    if topic.where_forbidden and not _concerns(topic.where_forbidden, forbidden):
        return ""
    patterns = [topic.compiled[tag] for tag in dict.fromkeys(("en", language)) if tag in topic.compiled]
    for pattern in patterns:
        for form in forms:
            if match := pattern.search(form):
                return match[0].strip()
    return ""


@lru_cache(maxsize=1000)
def _concerns(pattern: str, forbidden: tuple[str, ...]) -> bool:
    return any(re.search(pattern, phrase.casefold()) for phrase in forbidden)


@lru_cache(maxsize=1000)
def _inflected(forbidden: tuple[str, ...]) -> re.Pattern[str] | None:
    """The forbidden phrases with any space or hyphen between their words and any English ending behind each."""
    phrases = []
    for phrase in forbidden:
        words = [
            re.escape(word) + (_ENDINGS if word[-1:].isalpha() and len(word) > 3 else "")
            for word in skeleton(phrase).split()
        ]
        phrases.append(r"[\s\-,]+".join(words))
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)") if any(phrases) else None


def _typed(c: str, scripts: Sequence[str]) -> bool:
    """Whether people type a character in a text of these scripts, or of the Latin one when there are none."""
    if _LATIN_TEXT.fullmatch(c):
        return True
    category = unicodedata.category(c)
    if not scripts:
        return False
    if category.startswith("L") or category in {"Mn", "Mc"}:
        return _script(c) in {*scripts, "COMBINING"} and c != "\u034f"
    return category in {"Po", "Ps", "Pe", "Pd", "Nd"} and unicodedata.normalize("NFC", c) == c


def _script(c: str) -> str:
    return unicodedata.name(c, "UNKNOWN").split(maxsplit=1)[0]
