"""What an editor strikes out: faults of English that generated sentences have when words do not fit together."""

import re
from collections.abc import Iterator

_VOWEL = r"(?!(?:uni[^mn]|use|user|usual|eu|one\b|once\b))[aeiou]|hour|honest|heir"
_SINGULAR = r"(?:\w*(?:ss|us|is)|series)"
_MANY = r"(?<![\d.,])(?:[2-9]|\d{2,}|\d{1,3},\d{3}|\d+\.\d+)"
_ONE = "puzzle|record|point|minute|answer|day|workout|purchase|activity|person|dollar|mode|question"
_RULES = {
    "an article before several things": rf"\ban? (?!{_SINGULAR}\b)\w+s\b(?= (?:in|of|on|per|at|with|from|for|to)\b)",
    "an article before a number": r"\ban? \d",
    "one of several": r"(?<![\d.,])[$£€]?1 (?!(?:%|bpm|km|kg|ms|xp|kcal)\b)(?!\w*(?:ss|us|is)\b)\w+s\b",
    "several of one": rf"{_MANY} (?:{_ONE})\b",
    "a digit for one thing": rf"(?<![\d.,/$£€])1 (?:new |perfect |\w+-hand )?(?:{_ONE})\b(?<!minute)(?<!dollar)",
    "one of what several have": r"\bone \w+ (?:\w+ )?(?:on|to|of|for) (?:other people|others|other \w+s)'",
    "a with within a with": r"\bWith [^.]*\bwith [^.]*\byou would\b",
    "one thing that is the longest of many": r"\ba (?:longest|largest|heaviest|thickest|biggest|deepest|shortest) ",
    "all days of some kind": r"\ball \d+ \w+ (?:days|evenings)\b",
    "a doubled word": r"\b(\w+) \1\b",
    "a word doubled across a comma": r"(?i)\b(in|of|for|to|on), \1\b",
    "a meeting that nobody spoke of": r"\bUntil then\b",
    "things that nobody named": r"\ba \w+ of them\b",
    "an open slot or symbol": r"[{}#]",
    "a needless zero": r"\d\.\d*0\b(?<!\$\d\.\d0)(?<!\.[1-9]0)",
    "a float's own digits": r"\d\.\d{3,}",
    "a number without its thousands": r"(?<![\d.,])\d{4,}",
    "a space before a point": r"\s[,.;:!?]",
    "doubled points": r"[,;:.!?]\s*[,;:.]",
    "a small letter after a full stop": r"[.!?] [a-z]",
    "the wrong article": rf"(?i)\b(?:a (?={_VOWEL})|an (?!{_VOWEL})(?=[a-z]))",
    "a parenthesis": r"[()]",
    "none left": r"\b(?:none|null|nan|inf)\b(?! left)",
    "a sign or a plural with another ending": r"\d ?(?:\w+/\w+s|kms|bpms|\w+ses|pointss)\b"
    r"(?<!courses)(?<!purchases)(?<!exercises)",
    "days within days": r"\bon (?:all )?\d+ (?:days?|evenings) within\b",
    "a day of one day": r"\bon 1 (?:day|evening) today\b|\bToday, [^.]* on 1 (?:day|evening)\b",
    "less than none": r"\bno more than 0 ",
    "within days within days": r"\bwithin \d+ \w+ within\b",
    "a bound behind its number": r"\d[^.]* or (?:less|fewer)\b",
    "a condition said twice": r"\b[Ii]f you (?:feel|like)\b[^.]*\. [^.]*\bif you like\b",
    "a verb that the task has": r"\b(\w{3,}) this: \1\b",
    "any time, but today": r"\b[Ww]henever [^.]*\. [^.]*\btoday\b",
    "a capital within a sentence": r"\b(?:an?|of|for|with) (?:Longest|Best|Most|Average|Total|Avg)\b",
    "a hyphen for a dash": r"\w - \w",
    "a participle that nobody does": r"(?:^|[.!?] )\w+ing\b[^.,]*, it (?:helps|is)\b",
    "an order with a wish": r"\b(?:Make|Take|Do|Reach) [^.]*, and you would\b",
    "a thing or so": r"\ba (?!week|day|month|year|minute|hour)(?:\w+ )?\w+ or so\b",
    "beside for besides": r"\b[Bb]eside (?:that,|everything|a (?:job|busy|full))",
    "an amount that somebody comes to or makes": r"\b(?:[Yy]ou have come to|made it|came to) (?:an? |one |\d)",
    "somebody who says I": r"\b(?:I|me|my)\b",
    "pieces of what may be one": r"\b(?:a little at a time|bit by bit|spread it)\b",
}
_PATTERNS = {name: re.compile(rule) for name, rule in _RULES.items()}
# Worlds that other apps know nothing of.
_FOREIGN = re.compile(
    r"\b(?:clumsy|graded?|forum|classroom|recruit|trader?s?|trading|squad|barracks|orchard|ferry|lamps?|beacon|library"
    r"|answers somebody|laughed|practice makes)\b",
    re.IGNORECASE,
)


def faults(text: str, *, sentence: bool = True) -> list[str]:
    """What is wrong with a text, with the words that show it; a title is no sentence."""
    return list(_faults(text, sentence=sentence))


def strange_words(text: str) -> list[str]:
    """Words that belong to the world of some app and to no other."""
    return [found[0] for found in _FOREIGN.finditer(text)]


def _faults(text: str, *, sentence: bool) -> Iterator[str]:
    for name, pattern in _PATTERNS.items():
        if found := pattern.search(text):
            yield f"{name}: '{found[0]}' in '{text}'"
    if sentence and not re.search(r"[.!?]$", text):
        yield f"no full stop: '{text}'"
    if text[:1].islower():
        yield f"no capital: '{text}'"
