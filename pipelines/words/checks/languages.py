"""Which language a text is in, told from its letters."""

import re
from collections.abc import Sequence
from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from configs.voice import primary
from pipelines.words.checks.validate import SLOT

# Languages that a model might slip into. More would blur short texts; the brief's own is always among them.
_PLAUSIBLE = ("en", "de", "fr", "es", "nl", "it", "pt", "sv", "da", "pl", "ro", "tr")
_LEAST_LETTERS = 40  # of a text that is judged on its own
_UNLIKELY, _ELSE_LIKELY = 0.05, 0.8
_UNLIKELY_TOGETHER = 0.2


def language_fault(texts: Sequence[str], language: str) -> str:
    """Why the texts, taken together, are not in the language; empty when they are or when it cannot be told."""
    joined, wanted = _letters(". ".join(texts)), primary(language)
    shares = _shares(joined, wanted) if len(joined) >= _LEAST_LETTERS else {}
    found = next(iter(shares), wanted)
    if found == wanted or shares[wanted] >= _UNLIKELY_TOGETHER:
        return ""
    return f"is written in '{found}' instead of '{language}'"


def other_language(text: str, language: str) -> str:
    """The language that a single text is in for certain when it is not the wanted one; else empty."""
    letters, wanted = _letters(text), primary(language)
    shares = _shares(letters, wanted) if len(letters) >= _LEAST_LETTERS else {}
    found = next(iter(shares), wanted)
    return found if found != wanted and shares[wanted] < _UNLIKELY and shares[found] > _ELSE_LIKELY else ""


def _letters(text: str) -> str:
    """Words only; slots tell nothing of a language."""
    return " ".join(re.sub(r"[^\w' ’-]|\d|_", " ", SLOT.sub(" ", text)).split())  # noqa: RUF001 (people type both)


def _shares(text: str, wanted: str) -> dict[str, float]:
    """How likely each plausible language is, likeliest first; nothing when the wanted one is not known."""
    identifier = _identifier(wanted)
    return dict(identifier.rank(text)) if identifier else {}


@cache
def _identifier(wanted: str) -> LanguageIdentifier | None:
    """Tells the plausible languages and the wanted one apart; None when the wanted one is not known."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    if wanted not in identifier.labels:
        return None
    identifier.set_languages({*_PLAUSIBLE, wanted})
    return identifier
