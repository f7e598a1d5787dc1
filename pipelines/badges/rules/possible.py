"""May a rule be true at some moment of a day: its tree over the bounds between which each number lies that day.

Interval arithmetic (Moore, Interval Analysis, 1966) in SQL. It may call a day possible that is not, and never the other
way round: what is called possible is walked event by event.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from sqlglot import exp

from configs.badge_rules import BadgeRule


@dataclass(frozen=True)
class Bounds:
    """Between which numbers a value lies, as SQL.

    Attributes:
        low: The least that it may be; null when it has no value at all.
        high: The most that it may be; null when it has no value at all.
        absent: Whether it may be null at some moment.
        wild: Whether nothing is known of it, as of a quotient whose divisor may be 0.
    """

    low: str
    high: str
    absent: str = "false"
    wild: str = "false"


@dataclass(frozen=True)
class Verdict:
    """What a condition may come to, as SQL: true, false, both; neither where it is null at every moment."""

    true: str
    false: str


_UNKNOWN = Verdict("true", "true")
_ORDERED: dict[type[exp.Expr], tuple[str, str]] = {exp.GT: (">", "<="), exp.GTE: (">=", "<")}
_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {exp.LT: exp.GT, exp.LTE: exp.GTE}


def possible_sql(rule: BadgeRule) -> str:
    """SQL over `<column>`, `<column> low`, `<column> high` and `<column> absent` of each term: may the rule be true?"""
    return f"coalesce({_holds(rule.rule.expression).true}, false)"


def _holds(written: exp.Expression) -> Verdict:
    node = written.unnest()
    if isinstance(node, exp.Boolean):
        return Verdict("true", "false") if node.this else Verdict("false", "true")
    if isinstance(node, exp.Between):
        low, high = node.args["low"], node.args["high"]
        return _both(_compared(exp.GTE, node.this, low), _compared(exp.GTE, high, node.this))
    if isinstance(node, exp.In):
        return reduce(_either, (_same(node.this, each) for each in node.expressions))
    if type(node) in _ORDERED:
        return _compared(type(node), node.this, node.expression)
    if type(node) in _MIRRORED:
        return _compared(_MIRRORED[type(node)], node.expression, node.this)
    return _COMBINED[type(node)](node) if type(node) in _COMBINED else _UNKNOWN


def _both(a: Verdict, b: Verdict) -> Verdict:
    return Verdict(f"({a.true} AND {b.true})", f"({a.false} OR {b.false})")


def _either(a: Verdict, b: Verdict) -> Verdict:
    return Verdict(f"({a.true} OR {b.true})", f"({a.false} AND {b.false})")


def _compared(how: type[exp.Expr], left: exp.Expression, right: exp.Expression) -> Verdict:
    a, b = _bounds(left), _bounds(right)
    holds, fails = _ORDERED[how]
    return _unless_wild(a, b, Verdict(f"{a.high} {holds} {b.low}", f"{a.low} {fails} {b.high}"))


def _same(left: exp.Expression, right: exp.Expression) -> Verdict:
    a, b = _bounds(left), _bounds(right)
    fixed = f"({a.low} = {a.high} AND {b.low} = {b.high} AND {a.low} = {b.low})"
    return _unless_wild(a, b, Verdict(f"({a.low} <= {b.high} AND {b.low} <= {a.high})", f"NOT {fixed}"))


def _is_null(node: exp.Is) -> Verdict:
    asked = node.this.unnest()
    if not isinstance(node.expression, exp.Null) or isinstance(asked, exp.Predicate | exp.Connector | exp.Not):
        return _UNKNOWN
    one = _bounds(asked)
    never = f"{one.low} IS NULL"
    return Verdict(_any(one.absent, one.wild, never), _any(one.wild, f"NOT ({never})"))


def _swapped(verdict: Verdict) -> Verdict:
    return Verdict(verdict.false, verdict.true)


def _unless_wild(a: Bounds, b: Bounds, verdict: Verdict) -> Verdict:
    return Verdict(_any(a.wild, b.wild, verdict.true), _any(a.wild, b.wild, verdict.false))


def _any(*flags: str) -> str:
    some = [flag for flag in flags if flag != "false"]
    return f"({' OR '.join(some)})" if some else "false"


_COMBINED: dict[type[exp.Expr], Callable[..., Verdict]] = {
    exp.And: lambda node: _both(_holds(node.this), _holds(node.expression)),
    exp.Or: lambda node: _either(_holds(node.this), _holds(node.expression)),
    exp.Not: lambda node: _swapped(_holds(node.this)),
    exp.EQ: lambda node: _same(node.this, node.expression),
    exp.NEQ: lambda node: _swapped(_same(node.this, node.expression)),
    exp.Is: _is_null,
}


def _bounds(written: exp.Expression) -> Bounds:
    node = written.unnest()
    if isinstance(node, exp.Column):
        return Bounds(*(f'"{node.name} {which}"' for which in ("low", "high", "absent")))
    if isinstance(node, exp.Literal):
        return Bounds(node.sql(dialect="duckdb"), node.sql(dialect="duckdb"))
    if isinstance(node, exp.Neg):
        one = _bounds(node.this)
        return Bounds(f"(-{one.high})", f"(-{one.low})", one.absent, one.wild)
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
        return _reckoned(node, _bounds(node.this), _bounds(node.expression))
    return Bounds("NULL", "NULL", "true", "true")


def _reckoned(node: exp.Binary, a: Bounds, b: Bounds) -> Bounds:
    absent, wild = _any(a.absent, b.absent), _any(a.wild, b.wild)
    if isinstance(node, exp.Add):
        return Bounds(f"({a.low} + {b.low})", f"({a.high} + {b.high})", absent, wild)
    if isinstance(node, exp.Sub):
        return Bounds(f"({a.low} - {b.high})", f"({a.high} - {b.low})", absent, wild)
    sign = "*" if isinstance(node, exp.Mul) else "/"
    if isinstance(node, exp.Div):
        wild = _any(wild, f"coalesce({b.low} <= 0 AND {b.high} >= 0, false)")
    ends = ", ".join(f"{x} {sign} {y}" for x in (a.low, a.high) for y in (b.low, b.high))
    return Bounds(f"least({ends})", f"greatest({ends})", absent, wild)
