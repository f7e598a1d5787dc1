"""English nouns as app files write them: plural, singular, and whether a phrase names one thing or several."""

import re

# Written the same behind any number.
_SYMBOLS = frozenset(
    """
    km m cm mm mi ft yd kg g mg lb oz l ml s ms min h hr bpm rpm fps bps mbps kcal kj w kw kwh hz mb gb kb px mph kph xp
    usd eur gbp chf jpy cad aud inr cny sek nok dkk pln brl mxn
    """.split()  # noqa: SIM905 (so many words read better without quotes)
)
_IRREGULAR = {
    "person": "people",
    "child": "children",
    "man": "men",
    "woman": "women",
    "foot": "feet",
    "half": "halves",
    "life": "lives",
    "shelf": "shelves",
    "leaf": "leaves",
    "hero": "heroes",
    "tomato": "tomatoes",
    "potato": "potatoes",
    "movie": "movies",
    "cookie": "cookies",
    "calorie": "calories",
    "quiz": "quizzes",
    "bonus": "bonuses",
    "bus": "buses",
    "mouse": "mice",
    "goose": "geese",
    "analysis": "analyses",
    "crisis": "crises",
    "series": "series",
    "species": "species",
    "fish": "fish",
    "kudos": "kudos",
}
_SINGULARS = {plural: one for one, plural in _IRREGULAR.items()}
_SMALL = re.compile(
    r"\b(?:of|in|on|at|with|without|for|from|to|by|per|over|under|within|between|into|that|which|who|where|when|as"
    r"|after|before|during|through|than|against|across|about|and|or)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")  # noqa: RUF001 (people type both)
_ONE_THING = re.compile(r"(?:ss|us|is|'s|’s)$|^(?:gas|lens|atlas|canvas|bias|alias|chaos)$", re.IGNORECASE)  # noqa: RUF001
# Of these one has so much rather than so many.
_MEASURES = frozenset(
    """
    second minute hour metre meter kilometre kilometer centimetre centimeter mile foot inch yard
    gram kilogram tonne ton pound ounce litre liter degree percent calorie kilocalorie watt dollar euro franc krone cent
    """.split()  # noqa: SIM905 (so many words read better without quotes)
)
# The words that a sign stands for, in the plural.
_SPELLED = {
    "km": ("kilometres", "kilometers"),
    "m": ("metres", "meters"),
    "mi": ("miles",),
    "kg": ("kilograms", "kilos"),
    "g": ("grams",),
    "l": ("litres", "liters"),
    "s": ("seconds",),
    "sec": ("seconds",),
    "min": ("minutes",),
    "h": ("hours",),
    "hr": ("hours",),
    "kcal": ("kilocalories", "calories"),
    "$": ("dollars",),
    "usd": ("dollars",),
    "€": ("euros",),
    "eur": ("euros",),
    "£": ("pounds",),
    "gbp": ("pounds",),
}
# Of these one has so much in things rather than so much of them.
_CURRENCIES = frozenset(
    [
        "$",
        "£",
        "€",
        "¥",
        "usd",
        "eur",
        "gbp",
        "chf",
        "jpy",
        "cad",
        "aud",
        "inr",
        "cny",
        "sek",
        "nok",
        "dkk",
        "pln",
        "brl",
        "mxn",
    ]
)
# How many minutes one of it is, in the languages that apps are mostly written in.
_MINUTES = {
    **dict.fromkeys(("ms", "msec", "millisecond"), 1 / 60_000),
    **dict.fromkeys(("s", "sec", "second", "sekunde", "seconde", "segundo", "secondo"), 1 / 60),
    **dict.fromkeys(("min", "minute", "minuto"), 1.0),
    **dict.fromkeys(("h", "hr", "hour", "std", "stunde", "heure", "hora", "ora"), 60.0),
}


def plural_of(noun: str) -> str:
    """The plural of a noun or a phrase around one: 'entry' 'entries', 'answer with a score of 10' 'answers with …'.

    Symbols such as km, bpm or EUR, and what does not end in a letter, stay as they are.
    """
    head, rest = _head(noun)
    if is_symbol(head):
        return noun
    before, last = head[: len(head) - len(head.split(" ")[-1])], head.split(" ")[-1]
    return before + _plural_word(last) + rest


def singular_of(phrase: str) -> str:
    """The phrase with the noun that makes it several things in the singular: 'puzzles solved' 'puzzle solved'."""
    found = _plural_head(phrase)
    return phrase if found is None else phrase[: found.start()] + _singular_word(found[0]) + phrase[found.end() :]


def singular_unit(unit: str) -> str:
    """A unit with its noun, the last word before the first small one, in the singular: 'records' becomes 'record'."""
    head, rest = _head(unit)
    before, space, noun = head.rpartition(" ")
    return f"{before}{space}{_singular_word(noun)}{rest}" if looks_plural(noun) and not is_symbol(noun) else unit


def names_several(phrase: str) -> bool:
    """Whether a phrase speaks of several things: 'puzzles solved', 'people helped'; not 'best score of all games'."""
    return _plural_head(phrase) is not None


def counted(number: int, thing: str) -> str:
    """A number of things: '1 event', '1,250 events'."""
    return f"{number:,} {thing if number == 1 else plural_of(thing)}"


def is_symbol(unit: str) -> bool:
    """Whether a unit is a sign or an abbreviation, written the same behind any number: km, %, km/h."""
    return not unit[-1:].isalpha() or "/" in unit or unit.lower() in _SYMBOLS


def is_counted(noun: str) -> bool:
    """Whether there can be so many of it rather than so much: mistakes and days, not minutes, bpm or km ridden."""
    words = head_of(noun).split(" ")
    return bool(noun) and not any(is_symbol(word) or {word, _singular_word(word)} & _MEASURES for word in words)


def is_currency(unit: str) -> bool:
    """Whether a unit is money: €, USD."""
    return unit.lower() in _CURRENCIES


def spelled(unit: str) -> tuple[str, ...]:
    """The words that a unit's sign stands for: 'kilometres' and 'kilometers' of 'km'."""
    return _SPELLED.get(unit.lower(), ())


def head_of(phrase: str) -> str:
    """A phrase up to its first small word: 'points' of 'points in the best workout'."""
    return _head(phrase)[0]


def minutes_of(unit: str) -> float | None:
    """How many minutes one of a unit of time is, up to hours: 60.0 of 'hour', 'hours', 'h' or 'hour of practice'."""
    word = _head(unit)[0].rstrip(".").rpartition(" ")[2].lower()
    shorter = (word, _singular_word(word) if looks_plural(word) else word, word.removesuffix("n"))
    return next((_MINUTES[one] for one in shorter if one in _MINUTES), None)


def looks_plural(word: str) -> bool:
    """Whether a word has the form of a plural."""
    return word.lower() in _SINGULARS or (len(word) > 2 and word.lower().endswith("s") and not _ONE_THING.search(word))


def _head(phrase: str) -> tuple[str, str]:
    """What stands before the first small word, and the rest with the space before it."""
    found = _SMALL.search(phrase)
    if found is None or found.start() == 0:
        return phrase, ""
    head = phrase[: found.start()].rstrip()
    return head, phrase[len(head) :]


def _plural_head(phrase: str) -> re.Match[str] | None:
    head, _ = _head(phrase)
    words = [found for found in _WORD.finditer(head) if looks_plural(found[0])]
    return words[0] if words else None


def _plural_word(word: str) -> str:
    low = word.lower()
    if low in _IRREGULAR:
        return word[0] + _IRREGULAR[low][1:] if _IRREGULAR[low][0] == low[0] else _IRREGULAR[low]
    if re.search(r"[^aeiou]y$", low):
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search(r"(?:s|x|z|ch|sh)$", low) else f"{word}s"


def _singular_word(word: str) -> str:
    low = word.lower()
    if low in _SINGULARS:
        return _SINGULARS[low]
    if low.endswith("ies") and len(low) > 4:
        return f"{word[:-3]}y"
    return word[:-2] if re.search(r"(?:ss|x|zz|ch|sh)es$", low) else word[:-1]
