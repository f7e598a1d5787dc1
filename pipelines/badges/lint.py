"""Likely mistakes of an app file: metrics that nothing uses, badges that nobody can earn, or anybody at once.

A rule is tried on the numbers around its own constants, as far as an app's properties and windows allow them. From the
combinations that make it true follows whether it can be met at all, and the cheapest way: how many events, on how many
days. Where numbers do not tell (a rule that cannot be tried so, or a badge that requires others, repeats or has a
season) made-up players try to farm it (farm.py).
"""

import datetime as dt
import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
from sqlglot import exp

from configs.app import App
from configs.badge_rules import BadgeRule, badge_rules, nominate_rules, term_label
from configs.expressions import Term
from configs.metrics import Property
from configs.spans import span_days
from data.connections import in_memory
from pipelines.badges.farm import farm
from pipelines.badges.rules.award import badge_xp

_MOST_TRIES = 100_000
_MANY = 1e6  # stands for as much as one likes
_TOO_CHEAP = 2  # XP of one event, in rewards of a whole challenge of difficulty 1

Values = list[tuple[float, ...]]  # combinations of numbers, one for each term of a rule


@dataclass(frozen=True)
class Advice:
    """A likely mistake: its key in the app file, what is odd, and what to do."""

    key: str
    says: str
    remedy: str


@dataclass(frozen=True)
class Path:
    """The cheapest way to a badge: so many events of these kinds on so many days."""

    events: float
    days: int
    kinds: tuple[str, ...]
    boundless: str = ""


def lint_app(app: App, today: dt.date = dt.date.min) -> list[Advice]:
    """Everything odd that the file alone shows on a day, in the order of the file."""
    found = [*_unused(app), *_alike(app), *_over(app, today)]
    for rule, values in (tried := _all_tried(app)):
        found += _of_rule(app, rule, values)
    return [*found, *_farmed(app, tried)]


def _all_tried(app: App) -> list[tuple[BadgeRule, Values | None]]:
    """Each rule with what makes it true, but for those that nobody earns any more, however cheap or far they were."""
    con = in_memory()
    try:
        return [(rule, _true_at(app, rule, con)) for rule in badge_rules(app) if rule.badge.state != "withdrawn"]
    finally:
        con.close()


def _unused(app: App) -> Iterator[Advice]:
    used = {term.metric for rule in (*badge_rules(app), *nominate_rules(app)) for term in rule.rule.terms}
    used |= {
        *app.challenges.metrics,
        *app.segments.features,
        app.segments.score,
        *app.social_metrics,
        *app.content.social_metrics,
    }
    used |= {m for m in (app.engagement.metric, app.engagement.ends_with, app.content.individual.spend_metric) if m}
    used |= {ranking.metric for ranking in app.profile.rankings.values()}
    used |= {name for badge in app.badges.values() if badge.judged for name in badge.judged.metrics}
    used |= {trait for kind in (*app.personas.values(), *app.profile.styles.values()) for trait in kind.traits}
    for name in app.metrics:
        if name not in used:
            yield Advice(f"metrics.{name}", "nothing uses it", "ask for it, let a badge rest on it, or leave it out")


def _alike(app: App) -> Iterator[Advice]:
    """Badges of one title, and those that one rule earns."""
    titles, rules = defaultdict(list), defaultdict(list)
    for name, badge in app.badges.items():
        titles[" ".join(badge.title.lower().split())].append(name)
    for rule in badge_rules(app):
        bounds = rule.badge.model_dump_json(include={"requires", "repeat", "season"})
        rules[rule.rule.sql, bounds].append(rule.badge_id)
    for names in titles.values():
        for name in names[1:]:
            yield Advice(f"badges.{name}.title", f"badge '{names[0]}' has the same title", "name them apart")
    for names in rules.values():
        for name in names[1:]:
            told = f"'{names[0]}' is earned by the same rule: whoever has one has both"
            yield Advice(f"badges.{name}.when", told, "make one of them harder, or leave it out")


def _over(app: App, today: dt.date) -> Iterator[Advice]:
    """Badges whose only season has ended."""
    for name, badge in app.badges.items():
        if badge.state == "open" and badge.season and not badge.season.yearly and badge.season.until < today:
            told = f"its season ended on {badge.season.until}, so that nobody earns it any more"
            yield Advice(f"badges.{name}.season", told, "give it new days or yearly: true, or say state: withdrawn")


def _of_rule(app: App, rule: BadgeRule, found: Values | None) -> Iterator[Advice]:
    key = f"badges.{rule.badge_id}.when"
    yield from _shut_out(app, rule)
    if found is None:
        return
    if not found:
        bounds = ", ".join(f"{term_label(t)} is {_span(app, t)}" for t in rule.rule.terms)
        yield Advice(
            key,
            f"nobody can ever earn it, as no numbers make it true: {bounds}",
            "mend the threshold, the window or the property's bounds",
        )
        return
    if not _is_bounded(rule):
        yield from _cheap(app, rule, _cheapest(app, rule, found))


def _shut_out(app: App, rule: BadgeRule) -> Iterator[Advice]:
    """Badges that nobody new can earn, since one that they require is not open."""
    for needed in rule.badge.requires:
        if rule.badge.state == "open" and (state := app.badges[needed].state) != "open":
            told = f"'{needed}' is {state.replace('_', ' ')}, so that only who holds it already can earn this one"
            yield Advice(f"badges.{rule.badge_id}.requires", told, "leave it out, or open that one")


def _is_bounded(rule: BadgeRule) -> bool:
    return bool(rule.badge.requires or rule.badge.repeat or rule.badge.season)


def _farmed(app: App, tried: Sequence[tuple[BadgeRule, Values | None]]) -> Iterator[Advice]:
    """What made-up players farm of badges whose numbers alone do not tell."""
    untold = [rule for rule, values in tried if _is_bounded(rule) or values is None]
    asked = [rule for rule in untold if rule.badge.state == "open" and _pays(app, rule)]
    found = farm(app) if asked else {}
    for rule in asked:
        if got := found.get(rule.badge_id):
            yield from _cheap(app, rule, Path(got.events, 1, got.kinds))


def _pays(app: App, rule: BadgeRule) -> bool:
    """Whether it could pay too much for an event at all: bronze welcomes people, unless it is earned on and on."""
    return badge_xp(app, rule.badge_id) > 0 and (rule.badge.tier != "bronze" or rule.per is not None)


def _cheapest(app: App, rule: BadgeRule, found: Values) -> Path:
    paths = [_path(app, rule.rule.terms, values) for values in found]
    return min(paths, key=lambda path: (path.days, path.events))


def _cheap(app: App, rule: BadgeRule, path: Path) -> Iterator[Advice]:
    """Whether the cheapest way takes no more than a day and pays more for each event than a challenge does."""
    paid, badge = badge_xp(app, rule.badge_id), app.badges[rule.badge_id]
    by_others = path.kinds and not any(app.events[kind].active for kind in path.kinds if kind in app.events)
    if not _pays(app, rule) or path.days > 1 or by_others or path.events == 0:
        return
    if paid / path.events <= _TOO_CHEAP * app.rewards.base_xp:
        return
    way = "1 event" if path.events == 1 else f"{math.ceil(path.events)} events"
    if path.events < 1:
        way = f"1 event for {math.floor(1 / path.events)} awards"
    kinds = f" of {' and '.join(path.kinds)}" if path.kinds else ""
    because = f", since nothing bounds {path.boundless}" if path.boundless else ""
    told = f"it can be farmed: {way}{kinds} on one day {'is' if path.events <= 1 else 'are'} enough{because}"
    remedy = "declare its max, or " if path.boundless else ""
    yield Advice(
        f"badges.{rule.badge_id}.when",
        f"{told}, for {paid} XP ({badge.tier})",
        f"{remedy}ask for more, for several days or for different things, or pay less",
    )


def _true_at(app: App, rule: BadgeRule, con: duckdb.DuckDBPyConnection) -> Values | None:
    """Combinations of the terms' values at which the rule holds; None where they cannot be tried."""
    tree, terms = rule.rule.expression, rule.rule.terms
    if tree.find(exp.Is):
        return None  # it asks for what was never done
    tried = [_tried(app, tree, term) for term in terms]
    if math.prod(map(len, tried)) > _MOST_TRIES:
        return None
    columns = [f'"{term.column}"' for term in terms]
    each = ", ".join(
        f"(SELECT unnest({values}::DOUBLE[]) AS {column})" for column, values in zip(columns, tried, strict=True)
    )
    holds = " AND ".join([f"({rule.rule.sql})", *_within_more(app, terms)])
    return con.execute(f"SELECT {', '.join(columns)} FROM {each} WHERE {holds} ORDER BY ALL").fetchall()


def _tried(app: App, tree: exp.Expression, term: Term) -> list[float]:
    """Values around the rule's constants that the term can have."""
    low, high = _bounds(app, term)
    whole = app.metrics[term.metric].aggregation.whole
    constants = {float(node.this) for node in tree.find_all(exp.Literal)}
    constants |= {-value for value in constants} if tree.find(exp.Neg) else set()
    step = 1.0 if whole else 0.01
    values = {value + shift for value in constants for shift in (-step, 0.0, step)}
    values |= {0.0, 1.0, max(low, -_MANY), min(high, _MANY)}
    values = {math.ceil(value) if whole else value for value in values}
    return sorted(value for value in values if low <= value <= high)


def _bounds(app: App, term: Term) -> tuple[float, float]:
    """Between which numbers a term lies, by its aggregation and the properties that the app declares."""
    metric = app.metrics[term.metric]
    if metric.agg == "days":
        return 0.0, float(term.days or (span_days(term.span) if term.span else math.inf))
    if metric.agg == "streak":  # its run may have begun before the days that it is asked of
        return 0.0, math.inf
    measured = _measured(app, term.metric)
    low = min((one.min if one.min is not None else -math.inf for one in measured), default=-math.inf)
    high = max((one.max if one.max is not None else math.inf for one in measured), default=math.inf)
    if any(one.type == "boolean" for one in measured):
        low, high = 0.0, 1.0
    if metric.agg == "distinct":
        return 0.0, 2.0 if all(one.type == "boolean" for one in measured) and measured else math.inf
    if metric.aggregation.single:
        return low, high
    return (0.0 if metric.agg != "sum" or low >= 0 else -math.inf), math.inf


def _measured(app: App, name: str) -> list[Property]:
    metric = app.metrics[name]
    found = [app.property_of(event, metric.of or "value") for event in metric.events or app.active_events]
    return [one for one in found if one is not None] if metric.of else []


def _within_more(app: App, terms: Sequence[Term]) -> Iterator[str]:
    """That what happened within days is no more than what happened within more of them, or ever."""
    for few, many in itertools.permutations(terms, 2):
        metric = app.metrics[few.metric]
        grows = (metric.aggregation.adds_up and _bounds(app, few)[0] >= 0) or metric.agg == "max"
        if grows and many.metric == few.metric and (few.days or math.inf) < (many.days or math.inf):
            yield f'"{few.column}" <= "{many.column}"'


def _path(app: App, terms: Sequence[Term], values: Sequence[float]) -> Path:
    """How many events on how many days bring the terms to these values, at best."""
    costs: dict[tuple[str, ...], int] = {}
    days, boundless = 0, ""
    for term, value in zip(terms, values, strict=True):
        metric = app.metrics[term.metric]
        kinds = metric.events
        needed, why = _events_for(app, term.metric, value)
        boundless = boundless or why
        # Numbers of the same events can be reached together; those of others add up.
        costs[kinds] = max(costs.get(kinds, 0), needed)
        days = max(days, math.ceil(value) if metric.agg in {"days", "streak"} else min(1, needed))
    of_any = costs.pop((), 0)  # any active event counts, those of the others, too
    return Path(
        max(of_any, sum(costs.values())), days, tuple(dict.fromkeys(k for kinds in costs for k in kinds)), boundless
    )


def _events_for(app: App, name: str, value: float) -> tuple[int, str]:
    """Events that bring a metric from nothing to a value at best, and the property that nothing bounds, if one does."""
    metric = app.metrics[name]
    if metric.agg in {"max", "min", "mean"}:
        unbounded = metric.agg == "max" and value > 0 and _bounds(app, Term(name, None))[1] == math.inf
        return 1, f"'{metric.of}'" if unbounded else ""
    if value <= 0:
        return 0, ""
    most = max((one.max if one.max is not None else math.inf for one in _measured(app, name)), default=1.0)
    if metric.agg == "entity":
        each = math.ceil((metric.reaches or 1) / most) if most not in {0.0, math.inf} else 1
        return math.ceil(value) * max(1, each), ""
    if metric.agg != "sum":
        return math.ceil(value), ""
    return (1, f"'{metric.of}'") if most == math.inf else (max(1, math.ceil(value / most)) if most > 0 else 0, "")


def _span(app: App, term: Term) -> str:
    low, high = _bounds(app, term)
    ends = [f"at least {low:g}" if low > -math.inf else "", f"at most {high:g}" if high < math.inf else ""]
    return " and ".join(end for end in ends if end) or "any number"
