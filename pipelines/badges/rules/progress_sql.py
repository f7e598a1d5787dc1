"""From a rule's tree to SQL: how far along it is, what is missing in words, and how many days that takes.

Progress of a comparison `value >= n` is value / n, of `value <= n` it is n / value; 1 when it holds and at most 0.99
while it does not. AND takes the mean of its parts, so that every part moves it, and BETWEEN is two of them; OR takes
its best part; anything else is 1 or 0. What has no value yet is 0.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from sqlglot import exp

from configs.app import App
from configs.badge_rules import BadgeRule
from configs.expressions import Term
from configs.metrics import Metric
from configs.spans import span_end
from pipelines.badges.rules.missing_sql import Words, text_sql

_FLIP: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
}
_NEGATED: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.GT: exp.LTE,
    exp.GTE: exp.LT,
    exp.LT: exp.GTE,
    exp.LTE: exp.GT,
}
_TOLD = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ)


@dataclass(frozen=True)
class Measures:
    """SQL expressions over the columns of `badge_values`: progress 0 to 1, remaining text, eta in days.

    Attributes:
        shown: Numbers that `remaining` shows, by the name that it has for each: the number, and `floor` or `ceil`.
    """

    progress: str
    remaining: str
    eta: str
    shown: tuple[tuple[str, str, str], ...] = ()


def measures(app: App, rule: BadgeRule, as_of: dt.date) -> Measures:
    """The three expressions for one badge's rule on a day, over `badge_values` `with_shown` numbers."""
    tree = _Tree(app, {term.column: term for term in rule.rule.terms}, rule.badge_id, as_of)
    found = tree.measure(rule.rule.expression)
    if rule.per:
        more = tree.once_more(rule)
        both = tree.all_of([found, more])
        said = f"CASE WHEN {found.remaining} = {more.remaining} THEN {found.remaining} ELSE {both.remaining} END"
        done = f"CASE WHEN {found.progress} >= 1 THEN {more.progress} ELSE {both.progress} END"
        found = replace(both, remaining=said, progress=done)
    return replace(found, shown=tuple(tree.shown))


def with_shown(found: Iterable[Measures], values: str = "badge_values") -> str:
    """`badge_values` with the shown numbers: to three digits, or to the point where they are larger; never their goal.

    Step by step, since an expression is a tree: one that names a number ten times takes long to plan.
    """
    shown = [each for one in found for each in one.shown]
    if not shown:
        return values
    exact = ", ".join(f'({sql})::DOUBLE AS "{name} is"' for name, sql, _ in shown)
    places = ", ".join(
        f'greatest(0, least(2, 2 - floor(log10(greatest(abs("{name} is"), 0.01))))) AS "{name} to"'
        for name, _, _ in shown
    )
    rounded = ", ".join(
        f'{way}(round("{name} is" * 10 ** "{name} to", 4)) / 10 ** "{name} to" AS "{name}"' for name, _, way in shown
    )
    return f"(SELECT *, {rounded} FROM (SELECT *, {places} FROM (SELECT *, {exact} FROM {values})))"


def _next(rule: BadgeRule) -> exp.Expression:
    """What the counted number must come to for one award more: a column that stands for a number."""
    return exp.Var(this=f'"{rule.badge_id} next"')


class _Tree:
    def __init__(self, app: App, terms: dict[str, Term], name: str, as_of: dt.date) -> None:
        self._app = app
        self._as_of = as_of
        self._terms = terms
        self._badge = name
        self.words = Words(app, terms)
        self.shown: list[tuple[str, str, str]] = []

    def measure(self, node: exp.Expression) -> Measures:
        if isinstance(node, exp.Paren):
            return self.measure(node.this)
        if isinstance(node, exp.And):
            return self.all_of([self.measure(part) for part in _parts(node)])
        if isinstance(node, exp.Or):
            return _any([self.measure(part) for part in _parts(node)])
        if isinstance(node, exp.Between):
            low, high = node.args["low"], node.args["high"]
            bounds = (
                exp.GTE(this=node.this.copy(), expression=low.copy()),
                exp.LTE(this=node.this.copy(), expression=high.copy()),
            )
            return self.all_of([self.measure(bound) for bound in bounds])
        if type(node) in _FLIP and not list(node.this.find_all(exp.Column)):
            node = _FLIP[type(node)](this=node.expression.copy(), expression=node.this.copy())
        return self._atom(node)

    def once_more(self, rule: BadgeRule) -> Measures:
        """How far the counted number of a badge that repeats by number has come since it last earned one."""
        counted = exp.column(exp.to_identifier(rule.counted.column, quoted=True))
        reached = exp.GTE(this=counted, expression=_next(rule))
        share = _ratio(f"{_sql(counted)} - ({_sql(_next(rule))} - {rule.per})", f"{rule.per}")
        found = self.measure(reached)
        return replace(found, progress=f"CASE WHEN coalesce({_sql(reached)}, false) THEN 1.0 ELSE {share} END")

    def _atom(self, node: exp.Expression) -> Measures:
        met, share = f"coalesce({_sql(node)}, false)", "0.0"
        if isinstance(node, exp.GTE | exp.GT):
            share = _ratio(self._now(node.this), _sql(node.expression))
        elif isinstance(node, exp.LTE | exp.LT):
            share = _ratio(_sql(node.expression), _sql(node.this))
        elif isinstance(node, exp.EQ):
            left, right = _sql(node.this), _sql(node.expression)
            share = _ratio(f"least({left}, {right})", f"greatest({left}, {right})", left, right)
        text, eta = self._words_and_days(node)
        return Measures(
            f"CASE WHEN {met} THEN 1.0 ELSE {share} END",
            f"CASE WHEN NOT {met} THEN {text} END",
            f"CASE WHEN {met} THEN 0.0 ELSE {eta} END",
        )

    def _words_and_days(self, node: exp.Expression) -> tuple[str, str]:
        inner = node.this.unnest() if isinstance(node, exp.Not) else None
        if inner is not None and type(inner) in _NEGATED:
            opposite = _NEGATED[type(inner)](this=inner.this.copy(), expression=inner.expression.copy())
            return self._words_and_days(opposite)[0], "NULL"
        term = self._terms.get(node.this.name) if isinstance(node.this, exp.Column) else None
        if term is None or type(node) not in _TOLD or list(node.expression.find_all(exp.Column)):
            return text_sql(self.words.readable(node)), "NULL"
        metric, value, goal = (self._app.metrics[term.metric], self._now(node.this), f"({_sql(node.expression)})")
        if not metric.aggregation.grows or not isinstance(node, exp.GTE | exp.GT):
            way = "ceil" if isinstance(node, exp.LT | exp.LTE) else "floor"
            now = self._shown(self.words.shown(term, value), way)
            return self.words.level(term, type(node), self.words.shown(term, goal), now), "NULL"
        missing = f"({goal} - {value})"
        if metric.aggregation.whole:
            missing = f"(floor{missing} + 1)" if isinstance(node, exp.GT) else f"ceil{missing}"
        if metric.aggregation.runs:  # a run that is long enough lacks a day of the month, or of the last days
            missing = f"greatest(1, {missing})"
        days = _days(metric, term, missing, goal)
        end = span_end(term.span, self._as_of) if term.span else None
        within = f"CASE WHEN {days} <= {(end - self._as_of).days + 1} THEN {days} END" if end else days
        return self.words.more(term, self._shown(missing, "ceil")), within

    def _shown(self, number: str, way: str) -> str:
        """The name of a number that the text shows."""
        name = f"{self._badge} {len(self.shown) + 1}"
        self.shown.append((name, number, way))
        return f'"{name}"'

    def _now(self, node: exp.Expression) -> str:
        """A term's value; of a streak the run that is going on, since a broken one is of no help."""
        term = self._terms.get(node.name) if isinstance(node, exp.Column) else None
        if term is not None and self._app.metrics[term.metric].aggregation.runs:
            return f'"{term.metric}__run"'
        return _sql(node)

    def all_of(self, parts: list[Measures]) -> Measures:
        """All of some conditions: the mean of how far each is, and the longest time."""
        return Measures(
            f"(({' + '.join(part.progress for part in parts)}) / {len(parts)})",
            self.words.all_of([part.remaining for part in parts]),
            f"CASE WHEN {' OR '.join(f'({part.eta}) IS NULL' for part in parts)} THEN NULL "
            f"ELSE greatest({', '.join(part.eta for part in parts)}) END",
        )


def _parts(node: exp.Connector) -> list[exp.Expression]:
    """The operands of a chain of ANDs or of ORs."""
    return [part for part in node.flatten() if isinstance(part, exp.Expression)]


def _days(metric: Metric, term: Term, missing: str, goal: str) -> str:
    """Days to go at the recent pace; null without one."""
    if metric.aggregation.runs:
        return f'CASE WHEN "{term.metric}__run" > 0 THEN {missing} END'
    pace = f'nullif("{term.metric}__pace", 0)'
    if term.days:  # a window forgets: below this pace it is never full
        return f"CASE WHEN {pace} * {term.days} >= {goal} THEN {missing} / {pace} END"
    return f"{missing} / {pace}"


def _any(parts: list[Measures]) -> Measures:
    best = reduce(lambda a, b: Measures(f"greatest({a.progress}, {b.progress})", _nearer(a, b), ""), parts)
    return Measures(best.progress, best.remaining, f"least({', '.join(part.eta for part in parts)})")


def _nearer(a: Measures, b: Measures) -> str:
    return f"CASE WHEN {a.progress} >= {b.progress} THEN {a.remaining} ELSE {b.remaining} END"


def _ratio(share: str, whole: str, *parts: str) -> str:
    """A share of a whole, 0 where one of their parts has no value: `least` takes null for no bound."""
    there = " AND ".join(f"({part}) IS NOT NULL" for part in parts or (share, whole))
    return f"CASE WHEN {there} AND ({whole}) > 0 THEN greatest(0, least(0.99, ({share}) / ({whole}))) ELSE 0.0 END"


def _sql(node: exp.Expression) -> str:
    return node.sql(dialect="duckdb")
