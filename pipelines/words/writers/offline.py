"""The offline writer: texts for a brief from a grammar over the app's voice. No key, no network, no clock."""

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from configs.app import App
from configs.errors import AppFileError
from configs.speaking import ENGLISH, speaking, written_in
from configs.wording import metric_words
from pipelines.words.briefs import Brief
from pipelines.words.checks.repeats import echoed_word, repeated_word, said_again
from pipelines.words.checks.validate import check_texts
from pipelines.words.content_type import TEXT_LENGTH
from pipelines.words.types import content_type
from pipelines.words.writers.grammar import tidy
from pipelines.words.writers.lexicon import brief_facts, brief_grammar, chapter_of, own_words

AI_PROVIDER = "offline"
MODEL = "grammar"
_TRIES_PER_TEXT = 16
_FEW = 8  # who wants fewer texts draws as often: a run of drafts that are refused is no reason for a plain sentence
_PATIENCE = 60  # drafts in a row with a worn title before titles may be used once more

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
        variant: 10 hex digits of the text, whichever brief and title it goes with.
        title: Empty for a citation.
        text: Description, body or citation with its slots.
        metadata: JSON text: its language, how it was written, and for a plain sentence why.
        language: Of the text: the brief's, where the app and the catalogue have words in it, or English.
    """

    variant: str
    title: str
    text: str
    metadata: str
    language: str = ENGLISH


class WordlessError(AppFileError):
    """Not even a plain sentence can be made.

    Attributes:
        key: Where its words stand in the app file.
        fault: What is wrong with the plainest sentence.
    """

    def __init__(self, app: App, key: str, fault: str) -> None:
        remedy = f"Mend the words of {key} in the app file, or what voice.forbidden rules out."
        super().__init__(f"{key} of '{app.app}': {fault}.", remedy)
        self.key, self.fault = key, fault


def write_briefs(
    app: App, briefs: Iterable[Brief], *, seed: int, read: Mapping[str, Collection[str]] | None = None
) -> pl.DataFrame:
    """The variants of every brief.

    Args:
        app: See `write_variants`.
        briefs: What to write.
        seed: See `write_variants`.
        read: By brief_id, variants that come on top of those that it wants.

    Returns:
        brief_id, index (0 to n - 1 within the brief), n, variant, title, text (slots not filled), language (of
        the text), metadata (JSON text).

    Raises:
        AppFileError: See `write_variants`.
    """
    rows = []
    for brief in briefs:
        found = write_variants(app, brief, seed=seed, read=(read or {}).get(brief.brief_id, ()))
        rows += [
            (brief.brief_id, i, len(found), v.variant, v.title, v.text, v.language, v.metadata)
            for i, v in enumerate(found)
        ]
    return pl.DataFrame(rows, schema=VARIANTS, orient="row")


def write_variants(app: App, brief: Brief, *, seed: int, read: Collection[str] = ()) -> tuple[Variant, ...]:
    """Write up to `brief.variants` different texts, and those of `read` on the way to them, every one checked.

    A draft that fails its check is thrown away and another one drawn. Where the lexicon gives fewer texts than wanted,
    there are fewer; where it gives none, one plain sentence around the app's own task, marked as such in its metadata.

    Args:
        app: Its voice and its metrics' words.
        brief: What to write.
        seed: Another seed draws other texts. The same app file, brief and seed give the same texts.
        read: Variants that do not count.

    Raises:
        WordlessError: Not even the plain sentence may go out.
    """
    refused: Counter[str] = Counter()
    language = written_in(app, brief.language)
    said = speaking(app, language) or app
    wanted = {v.variant: v for v in _drafts(said, brief, language, seed, refused, frozenset(read))}
    return tuple(wanted.values()) or (_plain(app, brief, refused),)


def _drafts(
    app: App, brief: Brief, language: str, seed: int, refused: Counter[str], read: frozenset[str]
) -> Iterator[Variant]:
    """Different texts that pass; no title is used again before the others are. Counts the faults of those refused."""
    grammar, draw = brief_grammar(app, brief), random.Random(f"{brief.brief_id}/{seed}")  # noqa: S311 (no secret)
    title_start, text_start = content_type(brief.content_type).starts
    if text_start not in grammar or (title_start and title_start not in grammar):
        refused["the lexicon has no phrases for it"] += 1
        return
    words, faults_of = metric_words(app, brief.metric), _checks(app, brief)
    unit = words.many if words else ""
    taught = grammar.phrases("tutorial_how") if brief.content_type == "tutorial" else ()
    subject = " ".join((_subject(app, brief), *map(said_again, taught)))
    ours = " ".join((subject, *own_words(app, brief)))
    metadata, english = json.dumps({"language": language, "written": "grammar"}), language == ENGLISH
    worn: Counter[str] = Counter()
    drawn: set[str] = set()
    uses, waited, wanted = 1, 0, brief.variants
    for _ in range(_TRIES_PER_TEXT * max(_FEW, min(brief.variants + len(read), grammar.size(text_start)))):
        title = tidy(grammar.expand(title_start, draw), english=english) if title_start else ""
        if title_start and worn[title] >= uses:
            waited += 1
            uses, waited = (uses + 1, 0) if waited > _PATIENCE else (uses, waited)
            continue
        text = tidy(grammar.expand(text_start, draw), english=english)
        draft = Variant(_digest(text), title, text, metadata, language)
        if draft.variant in drawn:
            continue
        drawn.add(draft.variant)
        if again := repeated_word(title, text, unit, subject) if english else echoed_word(title, text, ours):
            refused[f"repeats '{again}'"] += 1
        elif faults := faults_of(title, text):
            refused.update(faults)
        else:
            worn[title] += 1
            yield draft
            wanted -= draft.variant not in read
            if not wanted:
                return


def _subject(app: App, brief: Brief) -> str:
    """What a longer text may name in several sentences: what it is about, and what happens in its chapter."""
    words, chapter = metric_words(app, brief.metric), chapter_of(app, brief)
    if content_type(brief.content_type).form.length <= TEXT_LENGTH or words is None:
        return ""
    story = f"{chapter.title} {' '.join(chapter.scene)}" if chapter else ""
    return f"{words.before} {words.after} {words.label} {words.unit} {words.plural} {story}"


def _plain(app: App, brief: Brief, refused: Counter[str]) -> Variant:
    kind = content_type(brief.content_type)
    title, pattern = kind.plain_title, _plainest(kind.plain, brief.occasion)
    text = tidy(pattern.format(**brief_facts(app, brief)))
    reason = refused.most_common(1)[0][0]
    metadata = json.dumps({"language": ENGLISH, "reason": reason, "written": "plain"})
    if faults := _checks(app, brief)(title, text):
        where = f"{kind.about}s.{brief.metric}" if brief.metric else "voice"
        raise WordlessError(app, where, f"there is no way to word a {brief.content_type}: even the plain {faults[0]}")
    return Variant(_digest(text), title, text, metadata)


def _plainest(plain: Mapping[str, str], occasion: str) -> str:
    """The plain sentence for an occasion: that of the first of the occasion's words that has one."""
    return next((plain[word] for word in occasion.split(" ") if word in plain), plain[""])


def _checks(app: App, brief: Brief) -> Callable[[str, str], list[str]]:
    """A function of title and text that tells their faults."""
    form, words, own = content_type(brief.content_type).form, metric_words(app, brief.metric), own_words(app, brief)
    length = max(map(len, (words.label, words.one, words.many))) if words else 0

    def check(title: str, text: str) -> list[str]:
        texts = {"title": title, form.text: text} if form.title else {form.text: text}
        return check_texts(texts, brief, app.voice, own=own, words_length=length)

    return check


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
