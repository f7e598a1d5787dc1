"""Sample sentences of an app's metrics and badges, as players would read them, which show a label that does not fit."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl
from sqlglot import exp

from configs.app import App
from configs.badge_rules import BadgeRule, badge_rules, nominate_rules, term_label
from configs.expressions import Term
from configs.speaking import has_grammar, own_language, speaking, written_in
from configs.voice import locale_of
from configs.wording import metric_words
from pipelines.words.briefs import Brief
from pipelines.words.citations import write_citations
from pipelines.words.fill import fill_in
from pipelines.words.render import amount_text, goal_text
from pipelines.words.types import content_types
from pipelines.words.writers.offline import AI_PROVIDER, MODEL, write_variants

_MANY, _SHARE, _DAYS = 13.0, 0.625, 3.0
_LEAST_WINDOW = 3  # days, in which something can be done on 3 of them


@dataclass(frozen=True)
class Sample:
    """One sentence.

    Attributes:
        of: `metrics.<name>` or `badges.<name>`, where its words stand in the app file; in another language behind
            `translations.<tag>.`.
        form: 'one', 'many', 'task', 'citation', or as a content type says ('challenge', 'message').
        text: As players read it.
    """

    of: str
    form: str
    text: str


def sample_sentences(app: App) -> list[Sample]:
    """Every metric in every form that the app uses, then every badge's citation; in the order of the file.

    First in the file's own language, then in each that it gives words in and the offline writer speaks.
    """
    told = _samples(app)
    for tag in app.translations:
        if tag != own_language(app) and has_grammar(tag) and (other := speaking(app, tag)):
            told += [replace(sample, of=f"translations.{tag}.{sample.of}") for sample in _samples(other)]
    return told


def _samples(app: App) -> list[Sample]:
    said = [*_amounts(app), *_texts(app)]
    order = list(app.metrics)
    by_metric = sorted(said, key=lambda sample: order.index(sample.of.partition(".")[2]))
    return [*by_metric, *_citations(app)]


def _amounts(app: App) -> Iterator[Sample]:
    locale = locale_of(own_language(app))
    rows = [
        (name, form, amount)
        for name in app.metrics
        for form, amount in (("one", 1.0), ("many", _many(app, name)))
        if (form == "many" and not app.metrics[name].once) or amount <= min(1.0, _many(app, name))
    ]
    frame = pl.DataFrame(rows, schema=["metric", "form", "amount"], orient="row")
    metric, amount = pl.col("metric"), pl.col("amount")
    told = frame.with_columns(
        text=amount_text(app, metric, amount, locale), goal=goal_text(app, metric, amount, pl.lit(0), locale)
    )
    for name, form, _, text, goal in told.iter_rows():
        yield Sample(f"metrics.{name}", form, text)
        if form == "many" and "{goal}" in app.metrics[name].task:
            yield Sample(f"metrics.{name}", "task", app.metrics[name].task.replace("{goal}", goal))


def _texts(app: App) -> Iterator[Sample]:
    """A text of each content type that is shown so, about each metric that may be asked for."""
    language = own_language(app)
    shown = [kind for name, kind in content_types().items() if name in app.content.types]
    rows: list[tuple[int, str, str, float, int, int]] = []
    texts: list[tuple[str, ...]] = []
    window = min((days for days in app.challenges.windows if days >= _LEAST_WINDOW), default=_LEAST_WINDOW)
    for kind, as_ in ((kind, kind.shown) for kind in shown if kind.shown):
        for name in app.challenges.metrics:
            brief = Brief(f"sample {name}", kind.name, "", name, as_.difficulty, language, as_.occasion, variants=1)
            found = write_variants(app, brief, seed=0)[0]
            rows.append((len(rows), kind.name, name, _many(app, name), window, 75))
            texts.append((found.title, found.text, f"{kind.name}/{name}", found.variant, found.metadata))
    if not rows:
        return
    names = ["at", "content_type", "metric", "amount", "window_days", "percentile"]
    chosen = pl.DataFrame(rows, schema=names, orient="row").cast({"at": pl.UInt32, "percentile": pl.Int32})
    written = pl.DataFrame(texts, schema=["title", "text", "brief_id", "variant", "metadata"], orient="row")
    by = {"ai_provider": AI_PROVIDER, "model": MODEL, "prompt_version": "", "language": written_in(app, language)}
    filled = fill_in(app, chosen, written.with_columns(pl.lit(value).alias(name) for name, value in by.items()))
    called = {kind.name: kind.shown.name for kind in shown if kind.shown}
    for (_, kind_name, name, *_), text in zip(rows, filled["text"], strict=True):
        yield Sample(f"metrics.{name}", called[kind_name], text)


def _many(app: App, name: str) -> float:
    """More than one of it, as its measure and a window of some days allow."""
    words = metric_words(app, name)
    if words and words.measure == "share":
        return _SHARE
    metric = app.metrics[name]
    if metric.agg in {"days", "streak"}:
        return _DAYS
    measured = [app.property_of(event, metric.of or "value") for event in metric.events or app.active_events]
    most = min((one.max for one in measured if one and one.max is not None), default=_MANY)
    return _MANY if most >= _MANY or not metric.aggregation.single else round(most * _SHARE, 1)


def _enough(app: App, rule: BadgeRule, term: Term) -> float:
    """What the rule asks for, as far as it compares the term with a number."""
    for node in rule.rule.expression.find_all(exp.Predicate):
        asked = node.args.get("expression")
        if isinstance(node.this, exp.Column) and node.this.name == term.column and isinstance(asked, exp.Literal):
            return float(asked.this)
    return _many(app, term.metric)


def _citations(app: App) -> Iterator[Sample]:
    rules = (*badge_rules(app), *nominate_rules(app))
    rows = [
        (
            f"{place:08x}",
            1,
            rule.badge_id,
            json.dumps({"values": {term_label(t): _enough(app, rule, t) for t in rule.rule.terms}}),
        )
        for place, rule in enumerate(rules)
    ]
    if not rows:
        return
    awards = pl.DataFrame(rows, schema=["award_id", "player_key", "badge_id", "evidence"], orient="row")
    for rule, text in zip(rules, write_citations(app, awards)["citation"], strict=True):
        yield Sample(f"badges.{rule.badge_id}", "citation", text)
