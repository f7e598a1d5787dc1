"""From a rule's tree to SQL: how far along it is, what is missing in words, and how many days that takes.

Progress of a comparison `value >= n` is value / n, of `value <= n` it is n / value, of `a BETWEEN` its nearer bound; 1 when it
holds and at most 0.99 while it does not. AND takes the mean of its parts, so that every part moves it; OR takes its best
part; anything else is 1 or 0. What has no value yet is 0.
"""

from dataclasses import dataclass
from functools import reduce

from sqlglot import exp

from configs.app import App, Metric
from configs.expressions import Term
from pipelines.badges.rules import BadgeRule, term_label

# Aggregations that grow by doing more; for these "3 more" and a pace mean something.
GROWING = frozenset({"count", "sum", "distinct", "days", "entity", "streak"})
_WHOLE = GROWING - {"sum"}
_FLIP: dict[type[exp.Expression], type[exp.Expression]] = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE}


@dataclass(frozen=True)
class Measures:
    """SQL expressions over the columns of `badge_values`: progress 0 to 1, remaining text, eta in days."""

    progress: str
    remaining: str
    eta: str


def measures(app: App, rule: BadgeRule) -> Measures:
    """The three expressions for one badge's rule."""
    terms = {term.column: term for term in rule.rule.terms}
    return _Tree(app, terms).measure(rule.rule.expression)


class _Tree:
    def __init__(self, app: App, terms: dict[str, Term]) -> None:
        self._app = app
        self._terms = terms

    def measure(self, node: exp.Expression) -> Measures:
        if isinstance(node, exp.Paren):
            return self.measure(node.this)
        if isinstance(node, exp.And):
            return _all([self.measure(part) for part in node.flatten()])
        if isinstance(node, exp.Or):
            return _any([self.measure(part) for part in node.flatten()])
        if isinstance(node, exp.Between):
            low, high = node.args["low"], node.args["high"]
            return _all([self.measure(exp.GTE(this=node.this, expression=low)), self.measure(exp.LTE(this=node.this, expression=high))])
        if type(node) in _FLIP and not list(node.this.find_all(exp.Column)):
            node = _FLIP[type(node)](this=node.expression, expression=node.this)
        return self._atom(node)

    def _atom(self, node: exp.Expression) -> Measures:
        met, share = f"coalesce({_sql(node)}, false)", "0.0"
        if isinstance(node, exp.GTE | exp.GT):
            share = _ratio(_sql(node.this), _sql(node.expression))
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
        term = self._terms.get(node.this.name) if isinstance(node.this, exp.Column) else None
        if term is None or not isinstance(node, exp.GTE | exp.GT) or list(node.expression.find_all(exp.Column)):
            return _text(self._readable(node)), "NULL"
        metric, value, goal = self._app.metrics[term.metric], f'"{term.column}"', f"({_sql(node.expression)})"
        if metric.agg not in GROWING:
            now = f"coalesce(' (now ' || {_number(value)} || ')', '')"
            return f"{_text(self._name(term) + ' of ')} || {_number(goal)} || {now}", "NULL"
        missing = f"({goal} - {value})"
        if metric.agg in _WHOLE:
            missing = f"(floor{missing} + 1)" if isinstance(node, exp.GT) else f"ceil{missing}"
        within = f" || ' within {term.days} days'" if term.days else ""
        pace = f'nullif("{term.metric}__pace", 0)'
        eta = f"{missing} / {pace}"
        if term.days and metric.agg != "streak":  # a window forgets: below this pace it is never full
            eta = f"CASE WHEN {pace} * {term.days} >= {goal} THEN {eta} END"
        return f"{_number(missing)} || {_noun(metric, self._name(term), missing)}{within}", eta

    def _name(self, term: Term) -> str:
        return self._app.metrics[term.metric].label or term.metric.replace("_", " ")

    def _readable(self, node: exp.Expression) -> str:
        """The condition as its author wrote it."""
        tree = node.copy()
        for column in list(tree.find_all(exp.Column)):
            column.replace(exp.Var(this=term_label(self._terms[column.name])))
        return tree.sql(dialect="duckdb") if tree is not node else ""


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
    """A number as a person writes it: no decimals where there are none."""
    return f"regexp_replace(printf('%.2f', ({sql})::DOUBLE), '\\.?0+$', '')"


def _noun(metric: Metric, name: str, count: str) -> str:
    if not metric.unit:
        return _text(f" more ({name})")
    one, many = _text(f" more {metric.unit}"), _text(f" more {metric.plural or metric.unit + 's'}")
    return f"CASE WHEN {count} = 1 THEN {one} ELSE {many} END"


def _text(value: str) -> str:
    return exp.Literal.string(value).sql(dialect="duckdb")


def _sql(node: exp.Expression) -> str:
    return node.sql(dialect="duckdb")
