"""A brief as data for a language model: what it may know, and nothing that could be told apart from another brief's."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from configs.app import App
from configs.nouns import is_counted
from configs.voice import Locale, locale_of
from configs.wording import MetricWords, metric_words
from pipelines.words.briefs import Brief
from pipelines.words.checks.cleaning import clean, clean_profile
from pipelines.words.checks.validate import SLOTS, TITLE_LENGTH
from pipelines.words.render import period_text, until_text
from pipelines.words.types import content_type
from pipelines.words.writers.grammar import with_article
from pipelines.words.writers.lexicon import brief_facts, chapter_of

MOST_TITLES = 60  # that are to be avoided
MOST_REASONS = 8


def brief_data(
    app: App,
    brief: Brief,
    *,
    variants: int,
    turn: int = 1,
    avoid: Sequence[str] = (),
    again: Sequence[str] = (),
) -> dict[str, Any]:
    """What a language model is told of a brief; keys as the rules in configs/prompts/rules.md explain them.

    All strings are the app file's own or checked texts, except under `profile`, which is cleaned and capped.

    Args:
        app: Its voice, metrics, personas and badges.
        brief: What to write.
        variants: How many texts.
        turn: 1, then 2 for more of the same brief.
        avoid: Titles in use; the newest are told.
        again: Faults of the last answer.
    """
    persona, words = app.personas.get(brief.persona), metric_words(app, brief.metric)
    groups = slot_groups(brief)
    data: dict[str, Any] = {
        "app": clean(app.title),
        "content_type": brief.content_type,
        "language": brief.language,
        "variants": variants,
        "turn": turn,
        "theme": clean(app.voice.theme, 600),
        "tone": clean(app.voice.tone, 300),
        "player": clean(app.voice.player),
        "persona": {"name": brief.persona, "psychology": clean(persona.psychology, 400)} if persona else None,
        "difficulty": brief.difficulty,
        "occasion": brief.occasion,
        "metric": {"label": words.label, "description": _described(app, brief.metric)} if words else None,
        "task": brief_task(app, brief),
        "slots": {slot: _becomes(app, brief, slot) for group in groups for slot in group},
        "one_of": [list(group) for group in groups],
        "badge": _badge(app, brief),
        "max_chars": most_characters(app, brief),
        "avoid": [clean(title, TITLE_LENGTH) for title in avoid][-MOST_TITLES:],
    }
    if chapter := chapter_of(app, brief):
        before = app.voice.chapters[: app.voice.chapters.index(chapter)]
        data["chapter"] = {
            "number": len(before) + 1,
            "title": clean(chapter.title, TITLE_LENGTH),
            "scene": clean(chapter.scene[0], 600),
            "before": [clean(one.title, TITLE_LENGTH) for one in before][-8:],
        }
    if brief.profile:
        data["profile"] = clean_profile(brief.profile)
    if again:
        data["again"] = {"reasons": [clean(reason, 200) for reason in dict.fromkeys(again)][:MOST_REASONS]}
    return data


def slot_groups(brief: Brief) -> tuple[tuple[str, ...], ...]:
    """The groups of slots of which a text carries exactly one each."""
    return content_type(brief.content_type).form.slots_on(brief.occasion)


def brief_task(app: App, brief: Brief) -> str | None:
    """The instruction that stands word for word in the text, or None when the brief has no such thing."""
    wanted = {slot for group in slot_groups(brief) for slot in group}
    return brief_facts(app, brief).get("task") if "goal_1" in wanted else None


def longest_words(app: App, brief: Brief) -> int:
    """Characters of the longest words that may stand behind a filled number."""
    words = metric_words(app, brief.metric)
    return max(map(len, (words.label, words.one, words.many))) if words else 0


def most_characters(app: App, brief: Brief) -> dict[str, int]:
    """The longest title and text, slots as they are written: what they may become is taken off."""
    form = content_type(brief.content_type).form
    room = form.length
    for group in slot_groups(brief):
        words = longest_words(app, brief) if group[0] in {"goal_1", "amount", "done"} else 0
        room -= max(SLOTS[slot] for slot in group) + words - max(len(slot) + 2 for slot in group)
    return {"title": TITLE_LENGTH, "text": room} if form.title else {"text": room}


def _becomes(app: App, brief: Brief, slot: str) -> str:
    """What a slot is replaced by, with an example in the language of the text."""
    locale, words = locale_of(brief.language), metric_words(app, brief.metric)
    evidence = "15 drills finished within 7 days and 5 journal entries written"
    examples = {
        "window": f"when: '{locale.today}' or '{_when(until_text, locale)}'",
        "period": f"when: '{locale.today}' or '{_when(period_text, locale)}'",
        "until": f"when: '{locale.today}' or '{_when(until_text, locale)}'",
        "span": f"over which days: '{locale.span.replace('{n}', '28')}' or '{locale.of_days.replace('{n}', '28')}'",
        "percentile": f"a share of comparable members: '{locale.percent.replace('{n}', '75')}'",
        "evidence": f"what was done, as a list: '{evidence}'",
    }
    if words:
        one = _counted(locale.one if is_counted(words.unit) else 1, words.unit)
        many = _counted(3, words.plural)
        examples["also"] = f"one or two more tasks in their own words, in the same days: '{_other_tasks(app, brief)}'"
        examples["goal_1"] = f"a number with its unit: '{many}' or '{one}'"
        examples["done"] = f"what the reader has come to: '{_amount(words, locale)}'"
        examples["amount"] = f"how much it takes: '{_amount(words, locale)}'"
    return examples.get(slot, "filled in by the app")


def _when(said: Callable[[pl.Expr, pl.Expr, Locale], pl.Expr], locale: Locale) -> str:
    """Days up to a last one, the third of May 2026, as the texts of a language say it."""
    return str(pl.select(said(pl.lit(dt.date(2026, 5, 3)), pl.lit(3), locale)).item())


def _other_tasks(app: App, brief: Brief) -> str:
    """Two tasks of other metrics, as they may stand beside the brief's own."""
    others = [metric_words(app, name) for name in app.challenges.metrics if name != brief.metric]
    said = [f"{words.begins}{_counted(3, words.plural)}{words.after}" for words in others[:2] if words]
    return locale_of(brief.language).joined.format(a=said[0], b=said[-1]) if said else "read 3 pages"


def _counted(number: int | str, unit: str) -> str:
    return f"{number}{unit}" if unit[:1] in {"", "%", "°"} else f"{number} {unit}"


def _amount(words: MetricWords, locale: Locale) -> str:
    if words.measure in {"total", "average"}:
        text = _counted(12, words.many)
        return text if words.measure == "total" else locale.average.replace("{a}", text)
    value = locale.percent.replace("{n}", "62.5") if words.measure == "share" else _counted(610, words.many)
    level = locale.frame(words.measure, averaged=words.averaged)
    return with_article(level.replace("{a}", words.named).replace("{n}", value))


def _described(app: App, name: str) -> str:
    metric = app.metrics[name]
    events = metric.events or app.active_events
    titles = [clean(app.events[event].title) or event.replace("_", " ") for event in events][:6]
    return f"{metric.aggregation.said}; counts: {', '.join(titles)}"


def _badge(app: App, brief: Brief) -> dict[str, str] | None:
    badge = app.badges.get(brief.metric) if content_type(brief.content_type).about == "badge" else None
    if badge is None:
        return None
    return {"title": clean(badge.title), "tier": badge.tier, "description": clean(badge.description, 200)}
