"""The phrases that a brief may use: the app's own by symbol, else the neutral voice's, with those of its tags added."""

import difflib
import re
from collections.abc import Iterator, Mapping

from configs.app import App
from configs.content import Chapter
from configs.nouns import looks_plural, plural_of
from configs.speaking import ENGLISH, own_language, verb_asked
from configs.verbs import VERBS, WITHOUT_EFFORT
from configs.voice import Locale, base_lexicon, locale_of, spoken_lexicon
from configs.wording import metric_words, plain
from pipelines.words.briefs import Brief
from pipelines.words.checks.validate import SLOT, SLOTS
from pipelines.words.content_type import ALSO, CHAPTER, SCENE
from pipelines.words.types import content_type, content_types
from pipelines.words.writers.grammar import Grammar, references, tidy

FACTS = frozenset({"task", "instruction", "subject", "player", "players", "badge", "tier"})
_WITHIN, _WITH = re.compile(r"\bwithin\b", re.IGNORECASE), re.compile(r"\bwith\b", re.IGNORECASE)
_LAST = ("closing", "mission_way", "briefing_end")  # what ends a text that may ask for several things
SUBJECT_LENGTH = 36  # of a label that a title can name
_BANDS = ("easy", "fair", "hard")
_KINDS = ("bold", "even", "careful", "plain", "tail", "alone", "effort", "bronze", "silver", "gold", "platinum")
_SMALL_IN_TITLES = frozenset(
    {
        "a",
        "an",
        "and",
        "as",
        "at",
        "but",
        "by",
        "for",
        "from",
        "in",
        "into",
        "of",
        "on",
        "or",
        "per",
        "the",
        "to",
        "with",
    }
)


def brief_grammar(app: App, brief: Brief) -> Grammar:
    """The grammar of one brief.

    A lexicon's key is a symbol, or a symbol and a tag: `opening_BRUTE` adds to `opening` for that persona,
    `why_answers` to `why` for that metric. A symbol of which the app has no phrase for the brief is taken from
    the voice of its kind, or the neutral one.
    """
    tags = brief_tags(app, brief)
    own, base = _tagged(app.voice.lexicon, tags), _tagged(_base(app), tags)
    symbols = {**base, **own}
    if "tutorial_how" in own:  # who knows how a thing is done says it in every tutorial
        symbols["tutorial"] = [said for said in symbols["tutorial"] if "tutorial_how" in references(said)]
    if chapter := chapter_of(app, brief):
        told = ["#briefing_scene# #ask# #briefing_end#", "#briefing_scene# #ask#"]
        symbols |= {"briefing": told, "briefing_title": [chapter.title], "briefing_scene": chapter.scene}
    elif (number := _number(brief, SCENE) or _number(brief, CHAPTER)) and (scenes := symbols.get("briefing_scene")):
        symbols["briefing_scene"] = [scenes[(number - 1) % len(scenes)]]
    if ALSO in content_type(brief.content_type).form.slots_on(brief.occasion):
        symbols |= _of_several(app, symbols, tuple(tag for tag in tags if tag not in {brief.metric, *VERBS}))
    return Grammar(symbols, brief_facts(app, brief))


def _of_several(app: App, symbols: Mapping[str, list[str]], tags: tuple[str, ...]) -> dict[str, list[str]]:
    """Symbols for a text that asks for several things: the reason for the first stands right behind its task.

    `tags` leave out those of the first metric: what ends the text must hold of everything that is asked.
    """
    ends = {**_tagged(_base(app), tags), **_tagged(app.voice.lexicon, tags)}
    mission = [said.replace("#ask# #why#", "#ask_first# #why# #beside#") for said in symbols.get("mission", [])]
    first = {"ask": ["#ask_first# #beside#"], "ask_first": symbols.get("ask", []), "mission": mission}
    return first | {name: ends[name] for name in _LAST if name in ends}


def chapter_of(app: App, brief: Brief) -> Chapter | None:
    """The chapter that a brief tells, where the app has it in its language."""
    number = _number(brief, CHAPTER)
    return app.voice.chapters[number - 1] if number and number <= len(app.voice.chapters) else None


def _number(brief: Brief, of: str) -> int | None:
    """The number of the chapter or scene that a brief's occasion says, from 1 on."""
    words = brief.occasion.split(" ")
    return next((int(word.removeprefix(of)) for word in words if word.startswith(of)), None)


def brief_tags(app: App, brief: Brief) -> tuple[str, ...]:
    """What may stand behind a symbol's name for this brief."""
    tags = [brief.persona, brief.metric, brief.difficulty, *brief.occasion.split(" ")]
    if persona := app.personas.get(brief.persona):
        tags.append("bold" if persona.risk_tolerance > 0.6 else "careful" if persona.risk_tolerance < 0.4 else "even")
    words = metric_words(app, brief.metric)
    if content_type(brief.content_type).about == "badge":
        tags.append(app.badges[brief.metric].tier)
    # Of days neither: 'on 2 days within the next 3 days'; nor of 'Return a book within 3 days'.
    elif words and app.metrics[brief.metric].agg != "days" and not _WITHIN.search(f"{words.before}{words.after}"):
        tags.append("tail" if words.after else "plain")
    if words:
        verb = verb_asked(app, brief.metric)
        tags += [verb] if verb in WITHOUT_EFFORT else [verb, "effort"]
    if words and not _WITH.search(f"{words.named} {words.many}"):
        tags.append("alone")
    return tuple(dict.fromkeys(tag for tag in tags if tag))


def brief_facts(app: App, brief: Brief) -> dict[str, str]:
    """Texts of the app file that a grammar inserts as they are."""
    player = plain(app.voice.player)
    facts = {"player": player, "players": player if looks_plural(player) else plural_of(player)}
    if content_type(brief.content_type).about == "badge":
        badge = app.badges[brief.metric]
        return facts | {"badge": _quoted(plain(badge.title), locale_of(own_language(app))), "tier": badge.tier}
    words = metric_words(app, brief.metric)
    if words and "{goal}" in app.metrics[brief.metric].task:
        facts["task"] = f"{words.begins}{{goal_1}}{words.after}"
    if words:
        facts["instruction"] = f"{words.before}{{goal_1}}{words.after}"
    best = words and app.metrics[brief.metric].aggregation.single
    named = content_type(brief.content_type).names_bests or not best
    if words and named and len(words.label) <= SUBJECT_LENGTH and not any(c.isdigit() for c in words.label):
        facts["subject"] = title_case(words.label) if own_language(app) == ENGLISH else _capital(words.label)
    return facts


def phrases_of(app: App, symbol: str) -> list[str]:
    """The whole sentences of a symbol in the language that the app speaks: its own, else those that it lies over."""
    said = app.voice.lexicon.get(symbol) or _base(app).get(symbol, [])
    return [phrase for phrase in said if not references(phrase)]


def _base(app: App) -> Mapping[str, list[str]]:
    """The phrases that an app's own are laid over: of its kind in English, of the catalogue in another language."""
    language = own_language(app)
    said = {} if language == ENGLISH else spoken_lexicon(language, app.voice.address, app.voice.kind)
    return said or base_lexicon(app.voice.kind)


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]


def title_case(label: str) -> str:
    """A label as it stands in a title: 'records in one basket' becomes 'Records in One Basket'."""
    words = label.split(" ")
    return " ".join(
        word if 0 < i < len(words) - 1 and word in _SMALL_IN_TITLES else word[:1].upper() + word[1:]
        for i, word in enumerate(words)
    )


def own_words(app: App, brief: Brief) -> tuple[str, ...]:
    """The app's own words that may stand in a text of this brief."""
    found = [plain(app.voice.player)]
    if content_type(brief.content_type).about == "badge":
        found.append(plain(app.badges[brief.metric].title))
    elif words := metric_words(app, brief.metric):
        found += [words.before, words.after, words.label, title_case(words.label), _capital(words.label)]
    texts = {tidy(text) for text in found} | {_lowered(tidy(text)) for text in found}
    return tuple(sorted(text for text in texts if text))


def lexicon_problems(app: App) -> list[str]:
    """What the offline writer cannot use in an app's lexicon, one sentence each."""
    return list(_problems(app))


def _problems(app: App) -> Iterator[str]:
    mine, neutral = app.voice.lexicon, base_lexicon(app.voice.kind)
    starts = {symbol for kind in content_types().values() for symbol in kind.starts if symbol}
    bases = {_untagged(app, name) for name in neutral} | starts
    referred = {r for phrases in [*mine.values(), *neutral.values()] for p in phrases for r in references(p)}
    known = FACTS | bases | mine.keys() | neutral.keys() | {_untagged(app, name) for name in mine}
    for name, phrases in mine.items():
        where = f"voice.lexicon.{name}"
        if not {name, _untagged(app, name)} & (bases | referred):
            near = difflib.get_close_matches(name, bases | neutral.keys(), n=1)
            yield f"{where}: nothing uses it" + (f"; did you mean '{near[0]}'?" if near else "")
        for phrase in phrases:
            for symbol in references(phrase):
                if symbol not in known:
                    yield f"{where}: '{phrase}' refers to #{symbol}#, which is no symbol"
            for slot in SLOT.findall(phrase):
                if slot not in SLOTS:
                    yield f"{where}: '{phrase}' has the slot {{{slot}}}; use one of {', '.join(sorted(SLOTS))}"


def _tagged(lexicon: Mapping[str, list[str]], tags: tuple[str, ...]) -> dict[str, list[str]]:
    """Every key as it is, and its phrases added to its symbol where its tag is one of the brief's."""
    symbols, endings = dict(lexicon), tuple(f"_{tag}" for tag in tags)
    named = [name for name in lexicon if name.endswith(endings)]
    for ending in endings:
        for name in named:
            if name.endswith(ending):
                symbol = name.removesuffix(ending)
                symbols[symbol] = [*symbols.get(symbol, ()), *lexicon[name]]
    return symbols


def _untagged(app: App, name: str) -> str:
    """The symbol of a lexicon's key."""
    occasions = [occasion for kind in content_types().values() for occasion in kind.occasions]
    tags = [*app.personas, *app.metrics, *app.badges, *_BANDS, *_KINDS, *VERBS, *occasions]
    for tag in sorted(tags, key=len, reverse=True):
        if name.endswith(f"_{tag}") and name.removesuffix(f"_{tag}"):
            return name.removesuffix(f"_{tag}")
    return name


def _quoted(title: str, locale: Locale) -> str:
    """A title that ends a sentence by itself, or with a word such as 'in', stands in quotes within a longer one."""
    runs_on = title[-1:] in {".", "!", "?"} or title.rpartition(" ")[2].lower() in _SMALL_IN_TITLES
    return locale.quoted.replace("{a}", title) if runs_on else title


def _lowered(task: str) -> str:
    """A task without the capital it starts with; a name or an abbreviation keeps it."""
    return task[:1].lower() + task[1:] if task[1:2].islower() or task[1:2] == " " else task
