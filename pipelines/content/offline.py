"""The offline writer: texts for a brief from a grammar over the app's voice. No key, no network, no clock."""

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import polars as pl

from configs.app import App
from pipelines.content.briefs import Brief, metric_words, plain
from pipelines.content.grammar import Grammar, tidy
from pipelines.content.lexicon import STARTS, brief_grammar, own_words
from pipelines.content.validate import FORMS, SLOT, check_texts

AI_PROVIDER = "offline"
MODEL = "grammar"
LANGUAGE = "en"  # the neutral voice's; another language needs patterns of its own
_TRIES_PER_TEXT = 12
_PATIENCE = 25  # drafts in a row with a worn title before titles may be used once more


VARIANTS = {
    "brief_id": pl.String,
    "index": pl.Int64,
    "n": pl.Int64,
    "variant": pl.String,
    "title": pl.String,
    "text": pl.String,
    "language": pl.String,
    "metadata": pl.String,
}


@dataclass(frozen=True)
class Variant:
    """One way to say what a brief asks for.

    Attributes:
        variant: 10 hex digits of the texts.
        title: Empty for a citation.
        text: Description, body or citation with its slots.
        metadata: JSON text: how it was written, in which language, and for a plain sentence why.
    """

    variant: str
    title: str
    text: str
    metadata: str


@dataclass(frozen=True)
class Written:
    """The variants of a brief and how often each fault cost a draft."""

    variants: tuple[Variant, ...]
    refused: Mapping[str, int]


def write_variants(app: App, brief: Brief, *, seed: int) -> Written:
    """Write up to `brief.variants` different texts; fewer where the lexicon gives no more, one plain sentence at least.

    The same app file, brief and seed give the same texts. Titles wear evenly: none is used again before the others are.

    Args:
        app: Its voice and its metrics' words.
        brief: What to write.
        seed: Another seed draws other texts.
    """
    grammar = brief_grammar(app, brief)
    title_start, text_start = STARTS[brief.content_type]
    refused: Counter[str] = Counter()
    drafts: dict[str, Variant] = {}
    if text_start in grammar and (title_start is None or title_start in grammar):
        _draw(app, brief, grammar, seed, drafts, refused)
    else:
        refused["the lexicon has no phrases for it"] += 1
    if not drafts:
        reason = refused.most_common(1)[0][0] if refused else "the grammar yields nothing"
        drafts = {"plain": plain_variant(app, brief, reason)}
    return Written(tuple(drafts.values()), dict(refused))


def _draw(
    app: App, brief: Brief, grammar: Grammar, seed: int, drafts: dict[str, Variant], refused: Counter[str]
) -> None:
    """Fill `drafts`, by their text, until there are enough or the tries are used up."""
    draw = random.Random(f"{brief.brief_id}/{seed}")  # noqa: S311 (variety, not secrecy)
    title_start, text_start = STARTS[brief.content_type]
    own, unit_length = own_words(app, brief), _unit_length(app, brief)
    task_stems = _stems(" ".join(grammar.facts[name] for name in ("task", "badge") if name in grammar.facts))
    if words := metric_words(app, brief.metric):
        task_stems = task_stems | _stems(words.plural)
    worn: Counter[str] = Counter()
    round_, impatience = 1, 0
    form, metadata = FORMS[brief.content_type], json.dumps({"language": LANGUAGE, "written": "grammar"})
    for _ in range(_TRIES_PER_TEXT * brief.variants):
        if len(drafts) >= brief.variants:
            return
        title = tidy(grammar.expand(title_start, draw)) if title_start else ""
        if title_start and worn[title] >= round_:
            impatience += 1
            if impatience > _PATIENCE:
                round_, impatience = round_ + 1, 0
            continue
        text = tidy(grammar.expand(text_start, draw))
        key = f"{title}\n{text}"
        if key in drafts:
            continue
        if again := _repetition(title, text, task_stems):
            refused[f"repeats '{again}'"] += 1
            continue
        texts = {"title": title, form.text: text} if form.title else {form.text: text}
        if faults := check_texts(texts, brief, app.voice, own=own, unit_length=unit_length):
            refused.update(faults)
            continue
        worn[title] += 1
        drafts[key] = Variant(hashlib.sha256(key.encode()).hexdigest()[:10], title, text, metadata)


def write_briefs(app: App, briefs: Iterable[Brief], *, seed: int) -> pl.DataFrame:
    """The variants of every brief.

    Returns:
        brief_id, index (0 to n - 1 within the brief), n, variant, title, text (slots not filled), language (of
        the text), metadata (JSON text).
    """
    rows = []
    for brief in briefs:
        found = write_variants(app, brief, seed=seed).variants
        rows += [
            (brief.brief_id, i, len(found), v.variant, v.title, v.text, LANGUAGE, v.metadata)
            for i, v in enumerate(found)
        ]
    return pl.DataFrame(rows, schema=VARIANTS, orient="row")


def plain_variant(app: App, brief: Brief, reason: str) -> Variant:
    """A safe sentence for when nothing else is left, labelled as such."""
    words = metric_words(app, brief.metric)
    title, text = _PLAIN[brief.content_type]
    if brief.content_type == "daily_challenge" and words:
        text = (
            f"{words.before}{{goal_1}}{words.after}, {{window}}."
            if words.after
            else f"{words.before}{{goal_1}} {{window}}."
        )
        text = text[:1].upper() + text[1:]
    if brief.content_type == "badge_citation" and brief.metric in app.badges:
        text = f"{plain(app.badges[brief.metric].title)}: earned."
    return Variant("plain", title, text, json.dumps({"language": LANGUAGE, "reason": reason, "written": "plain"}))


_PLAIN = {
    "daily_challenge": ("A challenge for you", "Reach {goal_1} {window}."),
    "motivational_message": ("A note for you", "You are doing well. Keep going at your own pace."),
    "come_back_message": ("Welcome back", "Your place is here whenever you like."),
    "badge_citation": ("", "Earned."),
}


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    return _SENTENCE.findall(text)


_SENTENCE = re.compile(r"[^.!?]+[.!?]?")
_WORD = re.compile(r"[a-z'’-]+", re.IGNORECASE)  # noqa: RUF001 (people type both)
_SMALL = frozenset(
    [
        "a",
        "about",
        "after",
        "again",
        "all",
        "also",
        "always",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "before",
        "but",
        "by",
        "can",
        "do",
        "does",
        "done",
        "each",
        "every",
        "for",
        "from",
        "get",
        "give",
        "go",
        "good",
        "has",
        "have",
        "how",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "keep",
        "know",
        "let",
        "like",
        "make",
        "may",
        "more",
        "most",
        "much",
        "no",
        "nor",
        "not",
        "nothing",
        "of",
        "off",
        "on",
        "once",
        "one",
        "only",
        "or",
        "other",
        "out",
        "over",
        "own",
        "so",
        "some",
        "take",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "through",
        "to",
        "under",
        "up",
        "us",
        "want",
        "was",
        "way",
        "we",
        "well",
        "what",
        "when",
        "where",
        "which",
        "while",
        "who",
        "will",
        "with",
        "without",
        "you",
        "your",
        "yours",
        "yourself",
    ]
)
_ENDING = re.compile(r"(?:ing|edly|ed|ly|es|s|'s|er|ers)$")


def _repetition(title: str, text: str, task: frozenset[str]) -> str:
    """A word that stands in two sentences of the same card, or an empty text. The task's own words count too."""
    seen = set(task)
    for sentence in (title, *sentences(text)):
        if "{goal_1}" in sentence:
            continue
        stems = _stems(sentence)
        if again := seen & stems:
            return min(again)
        seen |= stems
    return ""


@lru_cache(maxsize=50_000)
def _stems(text: str) -> frozenset[str]:
    """The words of a text that carry meaning, without their endings."""
    words = (word.lower().strip("'-") for word in _WORD.findall(SLOT.sub(" ", text)))
    return frozenset(_ENDING.sub("", word) if len(word) > 4 else word for word in words if word not in _SMALL)


def _unit_length(app: App, brief: Brief) -> int:
    words = metric_words(app, brief.metric)
    return max(len(words.unit), len(words.plural)) if words else 0
