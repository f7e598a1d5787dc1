"""From a question to an answer with its tokens: what the writer says, what a fault makes of it, what it costs."""

import random
from collections import OrderedDict
from dataclasses import dataclass

import orjson

from tests.language_server import spoil
from tests.language_server.asked import Asked, tokens
from tests.language_server.bills import Billed
from tests.language_server.faults import NONE, TEXT_FAULTS, Trouble
from tests.language_server.options import Options
from tests.language_server.writer import Writer

CACHE_FROM = 1_024  # tokens; shorter prefixes are not cached
_CACHE_FROM = {"claude-haiku-4-5": 4_096}
_KEPT = 20_000  # answers remembered, so that the same question costs no time again
REFUSAL = "I'm sorry, but I can't help with that request."


@dataclass(frozen=True)
class Answer:
    """Attributes:
    stop: 'end', 'truncated' or 'refused'.
    """

    text: str
    stop: str
    billed: Billed


class Answers:
    """Makes answers; equal questions get equal texts."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._writer = Writer(options)
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._cached: set[tuple[str, str]] = set()

    def clear(self) -> None:
        """Empty the prompt caches and forget what was written."""
        self._cached.clear()
        self._texts.clear()

    def warm(self) -> None:
        """Load what the writer needs, so that the first request does not wait for it."""
        self._writer.warm()

    def answer(self, asked: Asked, trouble: Trouble = NONE) -> Answer:
        """Answer one question."""
        what = trouble.what
        if what == "refusal":
            return Answer(REFUSAL, "refused", self._bill(asked, tokens(REFUSAL), 0))
        text = self._text(asked)
        if what in TEXT_FAULTS:
            text = orjson.dumps(spoil.spoil(what, orjson.loads(text), asked)).decode()
        elif what == "malformed" and trouble.rule and trouble.rule.kind == "text":
            text = "Here are the variants you asked for:\n" + text[: len(text) // 2]
        length = tokens(text)
        if what == "truncation":
            return self._cut(asked, text, min(asked.max_tokens, max(1, length // 2)))
        if length > asked.max_tokens:
            return self._cut(asked, text, asked.max_tokens)
        return Answer(text, "end", self._bill(asked, length, self._reasoning(asked, asked.max_tokens - length)))

    def _text(self, asked: Asked) -> str:
        found = self._texts.get(asked.question)
        if found is None:
            found = orjson.dumps(self._writer.write(asked)).decode()
            self._texts[asked.question] = found
            if len(self._texts) > _KEPT:
                self._texts.popitem(last=False)
        return found

    def _cut(self, asked: Asked, text: str, length: int) -> Answer:
        return Answer(text[: length * 4], "truncated", self._bill(asked, length, 0))

    def _reasoning(self, asked: Asked, room: int) -> int:
        if asked.effort in {None, "none"}:
            return 0
        draw = random.Random(f"{self._options.seed}/{asked.sha}")  # noqa: S311 (no secret)
        return min(room, draw.randint(16, 192)) if draw.random() < self._options.reasoning_share else 0

    def _bill(self, asked: Asked, length: int, reasoning: int) -> Billed:
        """Tokens of an answer; a long system part is written to the prompt cache once and read from it after."""
        sent, prefix = asked.input_tokens, asked.system_tokens
        cached = written = 0
        if asked.caches and prefix >= _CACHE_FROM.get(asked.model, CACHE_FROM):
            key = (asked.model, asked.system)
            if asked.provider == "openai":
                prefix -= prefix % 128
            if key in self._cached:
                cached = prefix
            else:
                self._cached.add(key)
                written = prefix
        return Billed(sent - cached - written, cached, written, length + reasoning, reasoning)
