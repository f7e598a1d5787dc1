"""Whether an app file can be put into words, told before a night needs it."""

from collections.abc import Iterator

from configs.app import App
from configs.voice import languages, primary
from models.language.providers import provider_names
from pipelines.experiments.arms import strangers
from pipelines.words.briefs import Brief
from pipelines.words.types import briefs_of, content_types, lacking, unusable
from pipelines.words.writers.lexicon import lexicon_problems
from pipelines.words.writers.offline import LANGUAGE, WordlessError, write_variants


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
    return [*lacking(app), *nobody, *(f"content.types: {_as_fault(problem)}" for problem in unusable(app)), *told]


def language_notes(app: App) -> list[str]:
    """A sentence for each language of the app that something is lacking of."""
    told = []
    for language in app.voice.languages:
        if primary(language) not in languages():
            told.append(
                f"voice.languages: '{language}' has no catalogue (there are {', '.join(languages())}), so that numbers "
                f"and spans are written as in English; add configs/languages/{primary(language)}.yaml."
            )
        if primary(language) != LANGUAGE:
            told.append(
                f"voice.languages: texts in '{language}' come from language models; the offline writer speaks English."
            )
    return told


def _as_fault(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:].rstrip('.')}"


def wording_problems(app: App) -> list[str]:
    """Metrics and badges of which no sentence can be made, each once: 'key: fault; remedy'."""
    found: dict[str, str] = {}
    for brief in everything(app):
        try:
            write_variants(app, brief, seed=0)
        except WordlessError as error:
            found.setdefault(error.key, f"{error.key}: {error.fault}; {error.remedy[:1].lower()}{error.remedy[1:-1]}")
    return list(found.values())


def everything(app: App) -> Iterator[Brief]:
    """One brief of every kind that the app writes; badges are always cited."""
    for name, kind in content_types().items():
        if name in app.content.types or kind.table == "badges":
            yield from (_brief(name, about, occasion) for about, occasion in briefs_of(app, kind))


def _brief(content_type: str, metric: str, occasion: str) -> Brief:
    return Brief("check", content_type, "", metric, "", LANGUAGE, occasion, variants=1)
