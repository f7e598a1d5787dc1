"""A small generative grammar: symbols, their phrases, and a random walk that turns a symbol into text.

A phrase is text with references to other symbols between hash marks: `#title_first# #title_second#`. Facts are symbols
whose text is given from outside; they are inserted as they are and never read as grammar.
"""

import random
import re
from collections.abc import Mapping, Sequence

_REFERENCE = re.compile(r"#([A-Za-z][A-Za-z0-9_]*)#")
_WEIGHT_CAP = 10_000
_SPACES = re.compile(r"\s+")
_BEFORE_POINT = re.compile(r"\s+([,.;:!?])")
_AFTER_CLOSE = re.compile(r"([.!?])[.,;]+")
_START = re.compile(r"(^|[.!?] )([a-z])")
_ARTICLE = re.compile(r"\b([Aa])n? (?=([A-Za-z]+))")
_SOUNDS_LIKE_VOWEL = re.compile(r"(?i)(?!uni[^mn]|use|usual|eu|one\b|once\b)[aeiou]|hour|honest|heir|honou?r")


def references(phrase: str) -> list[str]:
    """Names of the symbols that a phrase refers to, in order."""
    return _REFERENCE.findall(phrase)


class Grammar:
    """Symbols with at least one phrase that comes to an end.

    Args:
        symbols: Phrases by symbol. Those that lead nowhere or round in a circle are left out.
        facts: Plain text by symbol.
    """

    def __init__(self, symbols: Mapping[str, Sequence[str]], facts: Mapping[str, str]) -> None:
        self.facts = dict(facts)
        phrases = _grounded(_without_circles(symbols), facts)
        self._parts = {name: [_REFERENCE.split(p) for p in options] for name, options in phrases.items()}
        self._sizes: dict[str, int] = {}
        self._weights = {
            name: [min(self._size_of(parts), _WEIGHT_CAP) ** 0.5 for parts in options]
            for name, options in self._parts.items()
        }

    def __contains__(self, symbol: object) -> bool:
        return symbol in self.facts or symbol in self._parts

    def size(self, symbol: str) -> int:
        """How many texts a symbol can become, an upper bound."""
        if symbol in self.facts:
            return 1
        if symbol not in self._sizes:
            self._sizes[symbol] = sum(self._size_of(parts) for parts in self._parts[symbol])
        return self._sizes[symbol]

    def expand(self, symbol: str, draw: random.Random) -> str:
        """Turn a symbol into text; a phrase is drawn with the root of the number of texts it can become as weight.

        Raises:
            KeyError: The symbol has no phrase.
        """
        if symbol in self.facts:
            return self.facts[symbol]
        options = self._parts[symbol]
        parts = options[0] if len(options) == 1 else draw.choices(options, self._weights[symbol])[0]
        if len(parts) == 1:
            return parts[0]
        return "".join(self.expand(part, draw) if i % 2 else part for i, part in enumerate(parts))

    def _size_of(self, parts: Sequence[str]) -> int:
        size = 1
        for symbol in parts[1::2]:
            size *= self.size(symbol)
        return size


def tidy(text: str) -> str:
    """Mend the seams of an expansion: spaces, doubled points, a or an, capitals at the start of sentences."""
    text = _SPACES.sub(" ", text).strip()
    text = _BEFORE_POINT.sub(r"\1", text)
    text = _AFTER_CLOSE.sub(r"\1", text)
    text = _ARTICLE.sub(lambda found: found[1] + ("n " if _SOUNDS_LIKE_VOWEL.match(found[2]) else " "), text)
    return _START.sub(lambda found: found[1] + found[2].upper(), text)


def _without_circles(symbols: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Leave out phrases from which a walk could come back to their own symbol."""
    onward = {name: {r for p in phrases for r in references(p)} for name, phrases in symbols.items()}
    reach: dict[str, set[str]] = {}
    for name in onward:
        seen: set[str] = set()
        ahead = [name]
        while ahead:
            new = onward.get(ahead.pop(), set()) - seen
            seen |= new
            ahead.extend(new)
        reach[name] = seen
    return {
        name: [p for p in phrases if not any(r == name or name in reach.get(r, ()) for r in references(p))]
        for name, phrases in symbols.items()
    }


def _grounded(symbols: Mapping[str, Sequence[str]], facts: Mapping[str, str]) -> dict[str, list[str]]:
    """Leave out phrases that refer to a symbol without phrases, until all that stays comes to an end."""
    kept = {name: list(phrases) for name, phrases in symbols.items()}
    while True:
        known = facts.keys() | {name for name, phrases in kept.items() if phrases}
        fewer = {name: [p for p in phrases if known.issuperset(references(p))] for name, phrases in kept.items()}
        if fewer == kept:
            return {name: phrases for name, phrases in kept.items() if phrases}
        kept = fewer
