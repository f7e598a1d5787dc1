"""An app as it speaks a language: its own where it is that of the file, else the words that the file gives in it."""

from collections.abc import Iterator
from functools import lru_cache

from configs.app import App
from configs.app_key import AppKey
from configs.translations import MetricSaid
from configs.verbs import verb_of
from configs.voice import languages, locale_of, primary
from configs.wording import metric_words

ENGLISH = "en"  # what the kinds of voices speak; who asks for a language that nobody writes reads it


def own_language(app: App) -> str:
    """The language that the app file's own words are in: the first of its voice, without region."""
    return primary(app.voice.languages[0])


def speaking(app: App, language: str) -> App | None:
    """The app with its words in a language; None where the file has none in it. Asked hundreds of times a night."""
    return _speaking(AppKey(app), primary(language))


def written_in(app: App, language: str) -> str:
    """The language that the offline writer writes in for who reads a language.

    That one, if it has phrases and the file words in it; else the file's own, if it has phrases; else English.
    """
    ways = (primary(language), own_language(app))
    return next((way for way in ways if has_grammar(way) and speaking(app, way)), ENGLISH)


def has_grammar(language: str) -> bool:
    """Whether the offline writer has phrases in a language."""
    return primary(language) == ENGLISH or bool(primary(language) in languages() and locale_of(language).lexicon)


def verb_asked(app: App, name: str) -> str:
    """What a metric's task asks to do, told in the language that the app speaks; see `verb_of`."""
    metric, words, language = app.metrics[name], metric_words(app, name), own_language(app)
    said = None if language == ENGLISH else locale_of(language).verbs
    return verb_of(metric.task, words.unit if words else "", metric.verb, said)


def translation_problems(app: App) -> Iterator[str]:
    """What is wrong with the words that an app file gives in other languages: 'key: fault; remedy' each."""
    for language, said in app.translations.items():
        where = f"translations.{language}"
        if language not in {primary(tag) for tag in app.voice.languages}:
            yield f"{where}: '{language}' is not among voice.languages; add it there"
        for name in said.metrics.keys() - app.metrics.keys():
            yield f"{where}.metrics.{name}: there is no such metric; use {', '.join(app.metrics)}"
        for name in said.badges.keys() - app.badges.keys():
            yield f"{where}.badges.{name}: there is no such badge; use the id of one"
        for key, names, known in (
            ("points", said.points, app.rewards.points),
            ("given", said.given, app.rewards.titles | app.rewards.unlocks),
        ):
            for name in names.keys() - known.keys():
                yield f"{where}.{key}.{name}: the rewards have no such name; use one of {', '.join(known) or 'none'}"
        for name in dict.fromkeys([*app.challenges.metrics, *app.content.social_metrics]):
            task = app.metrics[name].task if name in app.metrics else ""
            if name not in said.metrics:
                yield f"{where}.metrics: lacks {name}, which is asked for; add its label, unit and task"
            elif "{goal}" in task and "{goal}" not in said.metrics[name].task:
                yield f"{where}.metrics.{name}.task: has no {{goal}}; write it as in 'Löse {{goal}}'"


@lru_cache(maxsize=64)
def _speaking(of: AppKey, language: str) -> App | None:
    app, said = of.app, of.app.translations.get(language)
    if said is None:
        return app if language == own_language(app) else None
    own = language == own_language(app)
    voice = {
        "languages": [language],
        "lexicon": {**(app.voice.lexicon if own else {}), **said.lexicon},
        "chapters": said.chapters or (app.voice.chapters if own else []),
    }
    return app.model_copy(
        update={
            "voice": app.voice.model_copy(update=voice),
            "metrics": {name: _metric(app, name, said.metrics.get(name)) for name in app.metrics},
            "badges": {
                name: badge.model_copy(update={"title": said.badges.get(name, badge.title)})
                for name, badge in app.badges.items()
            },
            "rewards": app.rewards.said(said.points, said.given),
        }
    )


def _metric(app: App, name: str, said: MetricSaid | None) -> object:
    metric = app.metrics[name]
    return metric.model_copy(update=said.model_dump() | {"verb": verb_asked(app, name) or None}) if said else metric
