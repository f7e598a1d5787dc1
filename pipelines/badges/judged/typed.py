"""What players may have typed, made fit to be shown as evidence: one short line, no addresses, no user ids."""

import re
from collections.abc import Collection, Iterable, Iterator

from pipelines.words.checks.cleaning import clean

TYPED_LENGTH = 80
_SEEN = 400  # of a long text no more is looked at
_ADDRESS = re.compile(
    r"(?:https?:|www\.)\S*|\S+@\S+|@\w+|\b[\w-]+\.(?:com|org|net|io|app|dev|info|me|ru|xyz)\b\S*|\+?\d[\d ()./-]{6,}\d",
    re.IGNORECASE,
)
_EDGES = ".,;:!?()[]'\"@#-"


def clean_typed(text: str) -> str:
    """A text as one harmless line, not yet cut: no control or invisible characters, no quotes, markup or addresses."""
    return _ADDRESS.sub("(address)", clean(text, _SEEN).replace('"', "'"))


def names_in(texts: Iterable[str]) -> set[str]:
    """Everything in cleaned texts that could be somebody's user id: whole texts and their words."""
    return {name for text in texts for name in (text, *(_bare(word) for word in text.split(" "))) if name}


class Members:
    """Letters in place of user ids, in order of appearance: one member, one letter."""

    def __init__(self, known: Collection[str], nominee: str) -> None:
        self._known = known
        self._letters = {nominee: "the nominee"}

    def hide(self, text: str) -> str:
        """A cleaned text without the user ids that are known, cut to TYPED_LENGTH."""
        hidden = self._letter(text) if self._is_member(text) else " ".join(self._words(text))
        return hidden if len(hidden) <= TYPED_LENGTH else f"{hidden[: TYPED_LENGTH - 1]}…"

    def _words(self, text: str) -> Iterator[str]:
        for word in text.split(" "):
            bare = _bare(word)
            yield word.replace(bare, self._letter(bare)) if self._is_member(bare) else word

    def _is_member(self, name: str) -> bool:
        return name in self._known or name in self._letters

    def _letter(self, name: str) -> str:
        return self._letters.setdefault(name, f"member {_column(len(self._letters) - 1)}")


def _bare(word: str) -> str:
    return word.strip(_EDGES)


def _column(number: int) -> str:
    """Letters as columns are counted: A, B, …, Z, AA, AB."""
    head, tail = divmod(number, 26)
    return (_column(head - 1) if head else "") + chr(ord("A") + tail)
