"""Citations: a badge's evidence in words, as the app file says them."""

import json
from collections.abc import Iterator

import polars as pl

from configs.app import App, Metric
from configs.voice import Locale, voice_defaults
from pipelines.content.briefs import metric_words, plain
from pipelines.content.render import number_words


def write_citations(app: App, awards: pl.DataFrame) -> pl.DataFrame:
    """Say what each badge was given for.

    Args:
        app: Its badges' titles and its metrics' words.
        awards: award_id, badge_id, evidence (JSON text with `values`: number by metric or `last(metric, days)`).

    Returns:
        award_id, citation; in the order of the input.
    """
    locale = voice_defaults().locale("en")
    texts = [
        _citation(app, badge_id, json.loads(evidence).get("values") or {}, locale)
        for badge_id, evidence in awards.select("badge_id", "evidence").iter_rows()
    ]
    return awards.select("award_id", pl.Series("citation", texts, dtype=pl.String))


def _citation(app: App, badge_id: str, values: dict[str, float], locale: Locale) -> str:
    badge = app.badges[badge_id]
    shown = _joined([text for term, value in values.items() for text in _shown(app, term, value, locale)], locale)
    return f"{plain(badge.title)}, {badge.tier}, for {shown}." if shown else f"{plain(badge.title)}, {badge.tier}."


def _shown(app: App, term: str, value: float | None, locale: Locale) -> Iterator[str]:
    """A term of a rule in words: '10 comments', '15 drills in 7 days'."""
    name, _, days = term.removeprefix("last(").removesuffix(")").partition(", ")
    words = metric_words(app, name)
    if words is None or value is None:
        return
    amount = _amount(app.metrics[name], words.unit, words.plural, words.label, number_words(value, locale))
    yield locale.past.replace("{a}", amount).replace("{n}", days) if days else amount


def _amount(metric: Metric, unit: str, plural: str, label: str, number: str) -> str:
    if metric.agg in {"max", "min", "mean"}:
        return f"{label} {number}"
    return f"{number} {unit if number == '1' else plural}"


def _joined(texts: list[str], locale: Locale) -> str:
    if len(texts) < 2:
        return "".join(texts)
    return locale.joined.replace("{a}", ", ".join(texts[:-1])).replace("{b}", texts[-1])
