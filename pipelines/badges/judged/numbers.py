"""Numbers of a citation held against the evidence it cites."""

import re
from collections.abc import Iterable, Iterator

from pipelines.badges.judged.evidence import Item
from pipelines.words.checks.validate import STAND_IN

_NUMBER = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?%?(?!\w)|(?<![\w.])\d+(?:\.\d+)?%?(?!\w)")
_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_SMALL_WORD = re.compile(rf"\b(?:{'|'.join(_SMALL[2:])})\b", re.IGNORECASE)
_TYPED = re.compile(r'"[^"]*"')
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
    *("november", "december"),
)
_MONTH = "|".join(_MONTHS)
_DATE = re.compile(
    rf"\b(?P<iso>\d{{4}}-\d\d-\d\d)\b"
    rf"|\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?:of )?(?P<month>{_MONTH})(?:,? (?P<year>\d{{4}}))?\b"
    rf"|\b(?P<month2>{_MONTH}) (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?:,? (?P<year2>\d{{4}}))?\b",
    re.IGNORECASE,
)


def mask_known(text: str, cited: Iterable[Item]) -> str:
    """A text with a stand-in for every number and day that the cited evidence has; what is left over was invented.

    What somebody typed proves no number. Numbers count in figures and, up to twenty, in words; a day counts when a
    cited event is of it.
    """
    cited = list(cited)
    facts = [_TYPED.sub(" ", item["text"]) for item in cited]
    words = {word.casefold() for fact in facts for word in _SMALL_WORD.findall(fact)}
    known = {value for fact in facts for value in _values(fact)} | {float(_SMALL.index(word)) for word in words}
    days = {item["when"][:10] for item in cited if "when" in item}

    def in_figures(found: re.Match[str]) -> str:
        return STAND_IN if _value(found[0]) in known else found[0]

    def in_words(found: re.Match[str]) -> str:
        return STAND_IN if float(_SMALL.index(found[0].casefold())) in known else found[0]

    pieces, start = [], 0
    for date in _DATE.finditer(text):  # a day is known as a whole or not at all
        between = _SMALL_WORD.sub(in_words, _NUMBER.sub(in_figures, text[start : date.start()]))
        pieces += [between, STAND_IN if _is_known_day(date, days) else date[0]]
        start = date.end()
    return "".join([*pieces, _SMALL_WORD.sub(in_words, _NUMBER.sub(in_figures, text[start:]))])


def first_number(text: str) -> str:
    """The first number in figures, or empty."""
    found = _NUMBER.search(text)
    return found[0] if found else ""


def _values(text: str) -> Iterator[float]:
    yield from (_value(found) for found in _NUMBER.findall(text))


def _value(number: str) -> float:
    """Of '1,250', '93.3%': the percent sign only says how a share is written."""
    return float(number.rstrip("%").replace(",", ""))


def _is_known_day(found: re.Match[str], days: set[str]) -> bool:
    if found["iso"]:
        return found["iso"] in days
    month = _MONTHS.index((found["month"] or found["month2"]).casefold()) + 1
    year, day = found["year"] or found["year2"], int(found["day"] or found["day2"])
    return any(known[5:] == f"{month:02}-{day:02}" and (not year or known[:4] == year) for known in days)
