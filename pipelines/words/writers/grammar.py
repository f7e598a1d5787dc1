"""A small generative grammar: symbols, their phrases, and a random walk that turns a symbol into text.

A phrase is text with references to other symbols between hash marks: `#title_first# #title_second#`. Facts are symbols
whose text is given from outside; they are inserted as they are and never read as grammar.
"""

import random
import re
from bisect import bisect
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate

_REFERENCE = re.compile(r"#([A-Za-z][A-Za-z0-9_]*)#")
_BEFORE_POINT = re.compile(r"\s+([,.;:!?])")
_AFTER_CLOSE = re.compile(r"([.!?])[.,;]+")
# What begins with a set of letters is searched for a good deal faster than what begins with a look back.
_SMALL = re.compile(r"[a-zà-öø-ÿ]")
_START = re.compile(r"[.!?] [a-zà-öø-ÿ]")
_ARTICLE = re.compile(r"([Aa])(?<=\b[Aa])n? (?=([A-Za-z]+))")
_BEGINS = re.compile(r"(?:^|[.!?:] )\Z")
_SOUNDS_LIKE_VOWEL = re.compile(r"(?i)(?!uni[^mn]|use|usual|eu|one\b|once\b)[aeiou]|hour|honest|heir|honou?r")


def references(phrase: str) -> list[str]:
    """Names of the symbols that a phrase refers to, in order."""
    return _REFERENCE.findall(phrase)


class Grammar:
    """Symbols from which a walk comes to an end; a phrase that leads nowhere or round in a circle is left out.

    Args:
        symbols: Phrases by symbol.
        facts: Plain text by symbol.
    """

    def __init__(self, symbols: Mapping[str, Sequence[str]], facts: Mapping[str, str]) -> None:
        self.facts = dict(facts)
        self._symbols = symbols
        self._parts: dict[str, list[list[str]]] = {}
        self._sizes: dict[str, list[int]] = {}
        self._weights: dict[str, list[float]] = {}
        self._open: set[str] = set()

    def __contains__(self, symbol: str) -> bool:
        return symbol in self.facts or bool(self._read(symbol))

    def phrases(self, symbol: str) -> Sequence[str]:
        """What a symbol can become, references not followed."""
        return self._symbols.get(symbol, ())

    def size(self, symbol: str) -> int:
        """How many texts a symbol can become, an upper bound; 0 for one that cannot become any."""
        return 1 if symbol in self.facts else sum(self._read(symbol))

    def expand(self, symbol: str, draw: random.Random) -> str:
        """Turn a symbol into text; a phrase is drawn with the root of the number of texts it can become as weight.

        Raises:
            KeyError: The symbol has no phrase.
        """
        if symbol in self.facts:
            return self.facts[symbol]
        if not self._read(symbol):
            raise KeyError(symbol)
        said: list[str] = []
        self._walk(symbol, draw, said)
        return "".join(said)

    def _walk(self, symbol: str, draw: random.Random, said: list[str]) -> None:
        """Say a symbol that can become a text; so many are said that `draw.choices` would take most of the time."""
        options, weights = self._parts[symbol], self._weights[symbol]
        parts = (
            options[bisect(weights, draw.random() * weights[-1], 0, len(options) - 1)] if options[1:] else options[0]
        )
        for i, part in enumerate(parts):
            if i % 2 == 0:
                said.append(part)
            elif (fact := self.facts.get(part)) is not None:
                said.append(fact)
            else:
                self._walk(part, draw, said)

    def _read(self, symbol: str) -> list[int]:
        """The sizes of a symbol's usable phrases, read when first asked for."""
        if symbol not in self._sizes:
            if symbol in self._open:
                return []
            self._open.add(symbol)
            read = [(parts, self._size_of(parts)) for parts in map(_REFERENCE.split, self._symbols.get(symbol, ()))]
            self._open.remove(symbol)
            self._parts[symbol] = [parts for parts, size in read if size]
            self._sizes[symbol] = [size for _, size in read if size]
            self._weights[symbol] = list(accumulate(size**0.5 for size in self._sizes[symbol]))
        return self._sizes[symbol]

    def _size_of(self, parts: Sequence[str]) -> int:
        size = 1
        for symbol in parts[1::2]:
            size *= self.size(symbol)
        return size


def with_article(text: str) -> str:
    """The text with 'a' or 'an' as the sound of the next word wants it."""
    return _ARTICLE.sub(_article, text)


def _article(found: re.Match[str]) -> str:
    """An article before its word; a capital within a sentence is a name of its own."""
    if found[1] == "A" and not _BEGINS.search(found.string, max(0, found.start() - 2), found.start()):
        return found[0]
    return found[1] + ("n " if _SOUNDS_LIKE_VOWEL.match(found[2]) else " ")


@lru_cache(maxsize=10_000)
def tidy(text: str, *, english: bool = True) -> str:
    """Mend the seams of an expansion: spaces, doubled points, a or an, capitals at the start of sentences."""
    text = " ".join(text.split())
    text = _BEFORE_POINT.sub(r"\1", text)
    text = _AFTER_CLOSE.sub(r"\1", text)
    text = with_article(text) if english else text
    text = _START.sub(lambda found: found[0].upper(), text)
    return text[0].upper() + text[1:] if _SMALL.match(text) else text
