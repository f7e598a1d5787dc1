"""Whether an app file can be put into words, told before a night needs it."""

from collections.abc import Iterator
from dataclasses import replace

from configs.app import App
from configs.badge_rules import badge_rules
from configs.speaking import has_grammar, own_language, translation_problems, written_in
from configs.voice import languages, locale_of, primary
from models.language.providers import provider_names
from pipelines.experiments.arms import strangers
from pipelines.words.briefs import Brief
from pipelines.words.types import briefs_of, content_types, lacking, unusable
from pipelines.words.writers.lexicon import lexicon_problems
from pipelines.words.writers.offline import WordlessError, write_variants


def voice_problems(app: App) -> list[str]:
    """What its content types lack, writers that are none, lexicon that cannot be used: 'key: fault; remedy' each."""
    remedy = "; docs/content.md lists the symbols"
    told = [problem if "; " in problem else problem + remedy for problem in lexicon_problems(app)]
    nobody = [f"{key}: {fault}" for key, fault in strangers(app.content).items()]
    nobody += [
        f"content.prices.{model}.provider: '{price.provider}' is no provider; use {', '.join(provider_names())}"
        for model, price in app.content.prices.items()
        if price.provider not in {None, *provider_names()}
    ]
    told += [*language_problems(app), *translation_problems(app)]
    return [*lacking(app), *nobody, *(f"content.types: {_as_fault(problem)}" for problem in unusable(app)), *told]


def language_notes(app: App) -> list[str]:
    """A sentence for each language of the app that the offline writer does not write in, or only in part."""
    notes = [
        f"voice.languages: texts in '{language}' come from language models; the offline writer "
        + (
            f"has no words of the app in it and writes {_name(app, language)}: add translations.{primary(language)}."
            if has_grammar(language)
            else f"has no phrases in it and writes {_name(app, language)}."
        )
        for language in app.voice.languages
        if written_in(app, language) != primary(language)
    ]
    return [*notes, *_unsaid_in_badges(app), *_without_story(app)]


def _without_story(app: App) -> Iterator[str]:
    """A sentence for each translation whose readers get no story where others do."""
    if app.voice.chapters and "mission_brief" in app.content.types:
        for language, said in app.translations.items():
            if not said.chapters:
                yield (
                    f"translations.{language}.chapters: none, so that mission briefs in it tell no story that goes on; "
                    "translate voice.chapters."
                )


def _unsaid_in_badges(app: App) -> Iterator[str]:
    """A sentence for each translation that leaves out what badges count."""
    counted = {term.metric for rule in badge_rules(app) for term in rule.rule.terms}
    for language, said in app.translations.items():
        if lacking := sorted(counted - said.metrics.keys()):
            yield (
                f"translations.{language}.metrics: lacks {', '.join(lacking)}, which badges count; citations and what "
                "is missing have the words of the file for it."
            )


def language_problems(app: App) -> list[str]:
    """Languages that nothing says how to write numbers and dates in: 'key: fault; remedy' each."""
    unknown = [tag for tag in app.voice.languages if primary(tag) not in languages()]
    return [
        f"voice.languages: '{tag}' has no catalogue, so that its numbers and spans cannot be written; use one of "
        f"{', '.join(languages())}, or add configs/languages/{primary(tag)}.yaml"
        for tag in unknown
    ]


def _name(app: App, language: str) -> str:
    return locale_of(written_in(app, language)).name


def _as_fault(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:].rstrip('.')}"


def wording_problems(app: App) -> list[str]:
    """Metrics and badges of which no sentence can be made, each once: 'key: fault; remedy'."""
    found: dict[str, str] = {}
    for brief in everything(app):
        try:
            for language in dict.fromkeys((own_language(app), *map(primary, app.translations))):
                write_variants(app, replace(brief, language=language), seed=0)
        except WordlessError as error:
            found.setdefault(error.key, f"{error.key}: {error.fault}; {error.remedy[:1].lower()}{error.remedy[1:-1]}")
    return list(found.values())


def everything(app: App) -> Iterator[Brief]:
    """One brief of every kind that the app writes; badges are always cited."""
    for name, kind in content_types().items():
        if name in app.content.types or kind.table == "badges":
            yield from (_brief(app, name, about, occasion) for about, occasion in briefs_of(app, kind))


def _brief(app: App, content_type: str, metric: str, occasion: str) -> Brief:
    return Brief("check", content_type, "", metric, "", own_language(app), occasion, variants=1)
