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
from configs.measured import Metric
from configs.nouns import counted
from configs.spans import period_of, span_end
from configs.wording import metric_words

_FLIP: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
}
_THIS = {"day": " today", "week": " this week", "month": " this month", "year": " this year"}
_NEGATED: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.GT: exp.LTE,
    exp.GTE: exp.LT,
    exp.LT: exp.GTE,
    exp.LTE: exp.GT,
}
_SAID: dict[type[exp.Expression], str] = {
    exp.GT: "above",
    exp.GTE: "of at least",
    exp.LT: "below",
    exp.LTE: "of at most",
    exp.EQ: "of exactly",
}
# The same between two numbers.
_COMPARED: dict[type[exp.Expression], str] = {
    exp.GT: "above",
    exp.GTE: "at least",
    exp.LT: "below",
    exp.LTE: "at most",
    exp.EQ: "equal to",
    exp.NEQ: "other than",
}
_SIGNS = {"*": "times", "-": "minus", "+": "plus", "/": "divided by"}
# The same of what is counted: 'at most 3 late returns'.
_COUNTED: dict[type[exp.Expression], str] = {exp.LT: "fewer than", exp.LTE: "at most", exp.EQ: "exactly"}

_IN_A_ROW = " in a row"


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
        counted = exp.column(exp.to_identifier(rule.counted.column, quoted=True))
        more = tree.measure(exp.GTE(this=counted, expression=_next(rule)))
        both = _all([found, more])
        said = f"CASE WHEN {found.remaining} = {more.remaining} THEN {found.remaining} ELSE {both.remaining} END"
        found = replace(both, remaining=said)
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
        self.shown: list[tuple[str, str, str]] = []

    def measure(self, node: exp.Expression) -> Measures:
        if isinstance(node, exp.Paren):
            return self.measure(node.this)
        if isinstance(node, exp.And):
            return _all([self.measure(part) for part in _parts(node)])
        if isinstance(node, exp.Or):
            return _any([self.measure(part) for part in _parts(node)])
        if isinstance(node, exp.Between):
            low, high = node.args["low"], node.args["high"]
            bounds = (
                exp.GTE(this=node.this.copy(), expression=low.copy()),
                exp.LTE(this=node.this.copy(), expression=high.copy()),
            )
            return _all([self.measure(bound) for bound in bounds])
        if type(node) in _FLIP and not list(node.this.find_all(exp.Column)):
            node = _FLIP[type(node)](this=node.expression.copy(), expression=node.this.copy())
        return self._atom(node)

    def _atom(self, node: exp.Expression) -> Measures:
        met, share = f"coalesce({_sql(node)}, false)", "0.0"
        if isinstance(node, exp.GTE | exp.GT):
            share = _ratio(self._now(node.this), _sql(node.expression))
        elif isinstance(node, exp.LTE | exp.LT):
            share = _ratio(_sql(node.expression), _sql(node.this))
        elif isinstance(node, exp.EQ):
            left, right = _sql(node.this), _sql(node.expression)
            share = _ratio(f"least({left}, {right})", f"greatest({left}, {right})")
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
        if term is None or type(node) not in _SAID or list(node.expression.find_all(exp.Column)):
            return _text(self._readable(node)), "NULL"
        metric, value, goal = (self._app.metrics[term.metric], self._now(node.this), f"({_sql(node.expression)})")
        if not metric.aggregation.grows or not isinstance(node, exp.GTE | exp.GT):
            now = _number(self._shown(value, "ceil" if isinstance(node, exp.LT | exp.LTE) else "floor"))
            return f"{self._level(term, node, goal)} || coalesce(' (now ' || {now} || ')', '')", "NULL"
        missing = f"({goal} - {value})"
        if metric.aggregation.whole:
            missing = f"(floor{missing} + 1)" if isinstance(node, exp.GT) else f"ceil{missing}"
        if metric.aggregation.runs:  # a run that is long enough lacks a day of the month, or of the last days
            missing = f"greatest(1, {missing})"
        shown = self._shown(missing, "ceil")
        words = f"{_number(shown)} || {self._noun(term, shown)} || {_text(self._within(term))}"
        days = _days(metric, term, missing, goal)
        end = span_end(term.span, self._as_of) if term.span else None
        return words, f"CASE WHEN {days} <= {(end - self._as_of).days + 1} THEN {days} END" if end else days

    def _level(self, term: Term, node: exp.Expression, goal: str) -> str:
        """What a number is to come to: 'best of at least 8', 'no late returns within 21 days'."""
        words = metric_words(self._app, term.metric)
        if self._app.metrics[term.metric].aggregation.grows and type(node) in _COUNTED and words and words.unit:
            much = f"{_text(_COUNTED[type(node)] + ' ')} || {_number(goal)}"
            if isinstance(node, exp.LTE | exp.EQ):
                much = f"CASE WHEN {goal} = 0 THEN 'no' ELSE {much} END"
            noun = f"CASE WHEN {goal} = 1 THEN {_text(f' {words.unit}')} ELSE {_text(f' {words.plural}')} END"
            return f"{much} || {noun} || {_text(self._within(term))}"
        return f"{_text(f'{self._name(term)}{_over(term)} {_SAID[type(node)]} ')} || {_number(goal)}"

    def _within(self, term: Term) -> str:
        """That it is counted in a row, where its unit does not say so, and within which days: ' in a row today'."""
        words = metric_words(self._app, term.metric)
        span = _THIS.get(period_of(term.span), "")
        if self._app.metrics[term.metric].aggregation.runs:  # a run that is long enough may begin before the days
            return span if words is not None and words.unit.endswith(_IN_A_ROW) else _IN_A_ROW + span
        return f" within {counted(term.days, 'day')}" if term.days else span

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

    def _name(self, term: Term) -> str:
        return self._app.metrics[term.metric].label or term.metric.replace("_", " ")

    def _noun(self, term: Term, count: str) -> str:
        words = metric_words(self._app, term.metric)
        if words is None or not words.unit:
            return _text(f" more ({self._name(term)})")
        return f"CASE WHEN {count} = 1 THEN {_text(f' more {words.unit}')} ELSE {_text(f' more {words.plural}')} END"

    def _readable(self, node: exp.Expression) -> str:
        """A condition between metrics in their words: 'trades over 28 days equal to stop-losses set over 28 days'."""
        if type(node) in _COMPARED and isinstance(node, exp.Binary):
            return f"{self._readable(node.this)} {_COMPARED[type(node)]} {self._readable(node.expression)}"
        names = {name: exp.Var(this=self._name(term) + _over(term)) for name, term in self._terms.items()}
        told = node.transform(lambda n: names[n.name].copy() if isinstance(n, exp.Column) else n).sql(dialect="duckdb")
        return reduce(lambda text, sign: text.replace(f" {sign} ", f" {_SIGNS[sign]} "), _SIGNS, told)


def _over(term: Term) -> str:
    return f" over {counted(term.days, 'day')}" if term.days else _THIS.get(period_of(term.span), "")


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


def _all(parts: list[Measures]) -> Measures:
    return Measures(
        f"(({' + '.join(part.progress for part in parts)}) / {len(parts)})",
        f"nullif(concat_ws(' and ', {', '.join(part.remaining for part in parts)}), '')",
        f"CASE WHEN {' OR '.join(f'({part.eta}) IS NULL' for part in parts)} THEN NULL "
        f"ELSE greatest({', '.join(part.eta for part in parts)}) END",
    )


def _any(parts: list[Measures]) -> Measures:
    best = reduce(lambda a, b: Measures(f"greatest({a.progress}, {b.progress})", _nearer(a, b), ""), parts)
    return Measures(best.progress, best.remaining, f"least({', '.join(part.eta for part in parts)})")


def _nearer(a: Measures, b: Measures) -> str:
    return f"CASE WHEN {a.progress} >= {b.progress} THEN {a.remaining} ELSE {b.remaining} END"


def _ratio(share: str, whole: str) -> str:
    return f"CASE WHEN ({whole}) > 0 THEN coalesce(greatest(0, least(0.99, ({share}) / ({whole}))), 0.0) ELSE 0.0 END"


def _number(sql: str) -> str:
    """A number as a person writes it: thousands apart, no decimals where there are none."""
    return f"regexp_replace(format('{{:,.2f}}', ({sql})::DOUBLE), '\\.?0+$', '')"


def _text(value: str) -> str:
    return exp.Literal.string(value).sql(dialect="duckdb")


def _sql(node: exp.Expression) -> str:
    return node.sql(dialect="duckdb")
