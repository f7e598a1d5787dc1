"""How an app sounds: titles and lines of its lexicon, for language models to write in the spirit of."""

import random
from collections.abc import Iterator, Sequence

from configs.app import App
from configs.voice import base_lexicon
from pipelines.words.briefs import Brief
from pipelines.words.checks.cleaning import clean
from pipelines.words.types import content_type, content_types
from pipelines.words.types.daily_challenge import NAME as DAILY
from pipelines.words.writers.grammar import references, tidy
from pipelines.words.writers.lexicon import brief_grammar

_MOST_TITLES, _MOST_LINES, _MOST_BY_PERSONA = 8, 18, 4
_LONGEST_LINE = 90


def style_lines(app: App, name: str) -> Iterator[str]:
    """Lines of a prompt that show titles and phrases of a content type, and phrases by persona; the same every time."""
    start = name if name in content_types() else DAILY
    if titles := _titles(app, start):
        yield ""
        yield f"Titles of the app's own, for their sound: {'; '.join(titles)}."
    symbols = _reachable(app, [symbol for symbol in content_type(start).starts if symbol])
    if lines := _spread([line for symbol in symbols for line in _lines(app, symbol)], _MOST_LINES):
        yield ""
        yield "Lines of the app's own, for their sound. Write in their spirit and use none of them again:"
        yield from (f"- {line}" for line in lines)
    by_persona = {
        persona: _spread([line for symbol in symbols for line in _own(app, f"{symbol}_{persona}")], _MOST_BY_PERSONA)
        for persona in app.personas
    }
    if any(by_persona.values()):
        yield ""
        yield "How it speaks to each kind of member:"
        yield from (f"- {name}: {' / '.join(spoken)}" for name, spoken in by_persona.items() if spoken)


def _titles(app: App, kind: str) -> list[str]:
    """Titles as the offline writer makes them, of several metrics."""
    symbol = content_type(kind).starts[0]
    titles = []
    for i in range(_MOST_TITLES if symbol else 0):
        metric = app.challenges.metrics[i % len(app.challenges.metrics)]
        grammar = brief_grammar(app, Brief("style", kind, "", metric, "", "en", "", 1))
        if str(symbol) in grammar:
            titles.append(clean(tidy(grammar.expand(str(symbol), random.Random(f"style/{i}")))))  # noqa: S311 (no secret)
    return list(dict.fromkeys(titles))


def _reachable(app: App, starts: Sequence[str]) -> list[str]:
    """Symbols that the starts lead to, in the order they are met."""
    found = list(starts)
    for symbol in found:  # grows while it is walked
        for phrase in app.voice.lexicon.get(symbol) or base_lexicon(app.voice.kind).get(symbol, []):
            found += [name for name in dict.fromkeys(references(phrase)) if name not in found]
    return found


def _lines(app: App, symbol: str) -> list[str]:
    """Whole phrases of a symbol, its own and those for a metric; its kind's where the app has none."""
    tagged = [line for metric in app.challenges.metrics for line in _own(app, f"{symbol}_{metric}")]
    return [*_own(app, symbol), *tagged] or _whole(base_lexicon(app.voice.kind).get(symbol, []))


def _own(app: App, symbol: str) -> list[str]:
    return _whole(app.voice.lexicon.get(symbol, []))


def _whole(phrases: Sequence[str]) -> list[str]:
    """Those that are sentences, refer to nothing and have no slot."""
    whole = [clean(phrase, 2 * _LONGEST_LINE) for phrase in phrases if "#" not in phrase and "{" not in phrase]
    return [line for line in whole if line[-1:] in {".", "?", "!"} and len(line) <= _LONGEST_LINE]


def _spread(lines: Sequence[str], most: int) -> list[str]:
    """At most so many of them, from the whole length of the list."""
    known = list(dict.fromkeys(lines))
    return [known[i * len(known) // most] for i in range(most)] if len(known) > most else known
