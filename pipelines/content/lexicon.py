"""The phrases that a brief may use: the app's own by symbol, else the neutral voice's, with those of its tags added."""

import difflib
from collections.abc import Iterator, Mapping

from configs.app import App
from configs.voice import voice_defaults
from pipelines.content.briefs import Brief, metric_words, plain
from pipelines.content.grammar import Grammar, references
from pipelines.content.validate import FORMS, SLOT

# Where the texts of each content type start: the symbols of its title and its text.
STARTS: Mapping[str, tuple[str | None, str]] = {
    "daily_challenge": ("title", "challenge"),
    "motivational_message": ("motivation_title", "motivation"),
    "come_back_message": ("comeback_title", "comeback"),
    "badge_citation": (None, "citation"),
}
FACTS = frozenset({"task", "label", "player", "players", "badge", "tier"})
_TOTALS = frozenset({"count", "sum", "distinct", "entity"})


def brief_grammar(app: App, brief: Brief) -> Grammar:
    """The grammar of one brief.

    A lexicon's key is a symbol, or a symbol and a tag: `opening_BRUTE` adds to `opening` for that persona, `why_answers`
    to `why` for that metric. A symbol of which the app has no phrase for the brief is taken from the neutral voice.
    """
    tags = brief_tags(app, brief)
    own, neutral = _tagged(app.voice.lexicon, tags), _tagged(voice_defaults().lexicon, tags)
    return Grammar({**neutral, **own}, brief_facts(app, brief))


def brief_tags(app: App, brief: Brief) -> tuple[str, ...]:
    """What may stand behind a symbol's name for this brief."""
    persona, metric, words = (
        app.personas.get(brief.persona),
        app.metrics.get(brief.metric),
        metric_words(app, brief.metric),
    )
    tags = [brief.persona, brief.metric, brief.window, brief.difficulty, brief.occasion]
    if persona:
        tags.append("bold" if persona.risk_tolerance > 0.6 else "careful" if persona.risk_tolerance < 0.4 else "even")
    if metric and words:
        tags.append("tail" if words.after else "plain")
        total = metric.agg in _TOTALS and words.unit
        tags.append(
            "span" if metric.agg == "days" else "total" if total else "least" if metric.better == "lower" else "level"
        )
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def brief_facts(app: App, brief: Brief) -> dict[str, str]:
    """Texts of the app file that a grammar inserts as they are."""
    player = plain(app.voice.player)
    facts = {"player": player, "players": f"{player}s"}
    badge = app.badges.get(brief.metric)
    if badge and brief.content_type == "badge_citation":
        return facts | {"badge": plain(badge.title), "tier": badge.tier}
    words = metric_words(app, brief.metric)
    if words is None:
        return facts
    before = words.before[:1].lower() + words.before[1:] if words.before[1:2].islower() else words.before
    return facts | {"label": words.label, "task": f"{before}{{goal_1}}{words.after}"}


def own_words(app: App, brief: Brief) -> tuple[str, ...]:
    """The app's own words that may stand in a text of this brief, longest first."""
    words, badge = metric_words(app, brief.metric), app.badges.get(brief.metric)
    found = {plain(app.voice.player)}
    if badge and brief.content_type == "badge_citation":
        found.add(plain(badge.title))
    elif words:
        before = words.before.strip()
        found |= {before, before[:1].lower() + before[1:], words.after.strip(), words.label}
    return tuple(sorted((text for text in found if text), key=len, reverse=True))


def lexicon_problems(app: App) -> list[str]:
    """What the offline writer cannot use in an app's lexicon, one sentence each."""
    return list(_problems(app))


def _problems(app: App) -> Iterator[str]:
    mine, neutral = app.voice.lexicon, voice_defaults().lexicon
    known = FACTS | mine.keys() | neutral.keys() | {_untagged(app, name) for name in mine}
    bases = {_untagged(app, name) for name in neutral}
    referred = {r for phrases in [*mine.values(), *neutral.values()] for p in phrases for r in references(p)}
    slots = {slot for form in FORMS.values() for slot in form.needs + form.may}
    for name, phrases in mine.items():
        where = f"voice.lexicon.{name}"
        if _untagged(app, name) not in bases | referred:
            near = difflib.get_close_matches(name, bases | neutral.keys(), n=1)
            yield f"{where}: nothing uses it" + (f"; did you mean '{near[0]}'?" if near else "")
        for phrase in phrases:
            for symbol in references(phrase):
                if symbol not in known | bases:
                    yield f"{where}: '{phrase}' refers to #{symbol}#, which is no symbol"
            for slot in SLOT.findall(phrase):
                if slot not in slots:
                    yield f"{where}: '{phrase}' has the slot {{{slot}}}; use one of {', '.join(sorted(slots))}"


def _tagged(lexicon: Mapping[str, list[str]], tags: tuple[str, ...]) -> dict[str, list[str]]:
    """Every key as it is, and its phrases added to its symbol where its tag is one of the brief's."""
    symbols = {name: list(phrases) for name, phrases in lexicon.items()}
    for tag in tags:
        for name, phrases in lexicon.items():
            if name.endswith(f"_{tag}"):
                symbols.setdefault(name.removesuffix(f"_{tag}"), []).extend(phrases)
    return {name: list(dict.fromkeys(phrases)) for name, phrases in symbols.items()}


def _untagged(app: App, name: str) -> str:
    """The symbol of a lexicon's key."""
    tags = [*app.personas, *app.metrics, *_FIXED_TAGS]
    for tag in sorted(tags, key=len, reverse=True):
        if name.endswith(f"_{tag}") and name.removesuffix(f"_{tag}"):
            return name.removesuffix(f"_{tag}")
    return name


_FIXED_TAGS = (
    *("day", "days", "week", "weeks", "easy", "fair", "hard", "low", "middle", "high", "top", "none", "long"),
    *("bold", "even", "careful", "plain", "tail", "span", "total", "least", "level"),
)
