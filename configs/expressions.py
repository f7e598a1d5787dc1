"""The SQL that an app file may contain: conditions on properties and rules over metrics.

Both are parsed with sqlglot and held against an allow-list of node types, so a file can compare and calculate but never
call a function, read a file or name a table.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

_ALLOWED: tuple[type[exp.Expression], ...] = (
    exp.And,
    exp.Or,
    exp.Not,
    exp.Paren,
    exp.EQ,
    exp.NEQ,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.Between,
    exp.In,
    exp.Is,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Neg,
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Boolean,
    exp.Null,
)
_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is)
MAX_LENGTH = 2000
_WORD = re.compile(r"\w+")
_PLACE = re.compile(r"\. Line \d+, Col: \d+\.?$")  # in a statement around the condition
_INTERNALS = re.compile(r"Required keyword: '\w+' missing for <class '[^']+'>")


@dataclass(frozen=True)
class Term:
    """A number that a rule rests on: a metric over the whole life (`days` None) or over the last local days.

    Attributes:
        span: Without `days`: it counts from the first day of this span on, such as a week; see `configs.spans`.
    """

    metric: str
    days: int | None
    span: str = ""

    @property
    def column(self) -> str:
        """The column that carries this term wherever rules are evaluated."""
        return f"{self.metric}__{self.days or self.span or 'life'}"


@dataclass(frozen=True)
class Rule:
    """A parsed rule: its text, its terms, and its expression over the terms' columns."""

    text: str
    terms: tuple[Term, ...]
    expression: exp.Expression

    @property
    def sql(self) -> str:
        """DuckDB SQL over the terms' columns; null is false."""
        return f"coalesce({self.expression.sql(dialect='duckdb')}, false)"

    def within(self, span: str) -> "Rule":
        """The same rule with each bare metric counted from the first day of a span on."""
        moved = {term.column: replace(term, span=span) if term.days is None else term for term in self.terms}
        tree = exp.Paren(this=self.expression.copy())
        for column in list(tree.find_all(exp.Column)):
            column.replace(exp.column(exp.to_identifier(moved[column.name].column, quoted=True)))
        return Rule(self.text, tuple(moved.values()), tree.this)

    def resting_on(self, term: Term) -> "Rule":
        """The same rule with a number beside those that it compares."""
        return self if term in self.terms else replace(self, terms=(*self.terms, term))


def parse_condition(text: str, columns: Collection[str]) -> exp.Expression:
    """Parse a metric's `where`: a condition on the properties of its event.

    Raises:
        ValueError: The text is not a condition, names an unknown property or uses what is not allowed.
    """
    tree = _parse(text, columns)
    _check(tree, text)
    _hold_condition(tree, properties=True)
    for column in tree.find_all(exp.Column):
        if column.table or column.name not in columns:
            raise ValueError(
                f"'{column.sql()}' is not a property here; known are {', '.join(sorted(columns)) or 'none'}"
            )
    return tree


def parse_rule(text: str, metrics: Collection[str]) -> Rule:
    """Parse a badge's `when`: a condition over metrics by name or `last(metric, days)`.

    Raises:
        ValueError: The text is not a rule, names an unknown metric or uses what is not allowed.
    """
    return _rule(text, frozenset(metrics))


@lru_cache(maxsize=1024)  # a night asks for all rules of its app again and again
def _rule(text: str, metrics: frozenset[str]) -> Rule:
    tree = exp.Paren(this=_parse(text, metrics))
    terms: dict[str, Term] = {}
    bare = [column for column in tree.find_all(exp.Column) if not isinstance(column.parent, exp.Last)]
    for node, term in [
        *((column, _lifetime_term(column)) for column in bare),
        *((call, _windowed_term(call)) for call in tree.find_all(exp.Last)),
    ]:
        if term.metric not in metrics:
            raise ValueError(f"'{term.metric}' is not a metric; known are {', '.join(sorted(metrics))}")
        terms[term.column] = term
        node.replace(exp.column(exp.to_identifier(term.column, quoted=True)))
    _check(tree, text)
    if any(literal.is_string for literal in tree.find_all(exp.Literal)):
        raise ValueError("a rule compares numbers; text has no place in it")
    if not terms:
        raise ValueError("a rule must rest on at least one metric")
    _hold_condition(_parse(text), properties=False)
    return Rule(text=text, terms=tuple(terms.values()), expression=tree.this)


def _parse(text: str, names: Collection[str] = ()) -> exp.Expression:
    if len(text) > MAX_LENGTH:
        raise ValueError(f"is longer than {MAX_LENGTH} characters")
    try:
        statements = sqlglot.parse(f"SELECT 1 WHERE {text}", dialect="duckdb")
        _ = [statement and statement.sql(dialect="duckdb") for statement in statements]
    except (SqlglotError, RecursionError) as error:
        told = next((word for word in _WORD.findall(text) if word in names and not _is_free(word)), None)
        raise ValueError(_plainly(error) if told is None else f"'{told}' is a word of SQL; call it otherwise") from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise ValueError("must be one condition")
    select = statements[0]
    extras = [key for key, value in select.args.items() if value and key not in {"expressions", "where", "kind"}]
    where = select.args.get("where")
    if extras or where is None:
        raise ValueError("must be one condition, without FROM, GROUP BY or other clauses")
    condition: exp.Expression = where.this
    return condition


def _is_free(name: str) -> bool:
    """Whether a name means nothing in SQL, so that it can stand in a condition."""
    try:
        return isinstance(_parse(f"{name} = 1").this, exp.Column)
    except ValueError:
        return False


def _plainly(error: SqlglotError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    said = _INTERNALS.sub("something is missing", _PLACE.sub("", str(error).splitlines()[0]))
    return f"cannot be read as a SQL condition: {said}"


def _lifetime_term(column: exp.Column) -> Term:
    if column.table:
        raise ValueError(f"'{column.sql()}' is not a metric")
    return Term(column.name, None)


def _windowed_term(call: exp.Last) -> Term:
    metric, days = call.this, call.args.get("expression")
    if not isinstance(metric, exp.Column) or metric.table or not isinstance(days, exp.Literal) or not days.is_int:
        raise ValueError("last() takes a metric and a whole number of days, as in last(answers, 7)")
    if not 1 <= int(days.name) <= 365:
        raise ValueError("last() looks back 1 to 365 days")
    return Term(metric.name, int(days.name))


def _hold_condition(node: exp.Expression, *, properties: bool) -> None:
    """Refuse a number where something is to hold: `solved` for `solved >= 1`; a boolean property holds by itself."""
    held = node.unnest()
    if isinstance(held, exp.And | exp.Or | exp.Not):
        for part in (held.this, held.args.get("expression")):
            if part is not None:
                _hold_condition(part, properties=properties)
    elif isinstance(held, _COMPARISONS):
        inner = held.this.unnest() if isinstance(held.this, exp.Expression) else None
        if isinstance(inner, (*_COMPARISONS, exp.And, exp.Or)):
            raise ValueError(f"'{held.sql(dialect='duckdb')}' compares a comparison; write AND or BETWEEN")
    elif not (isinstance(held, exp.Boolean) or (properties and isinstance(held, exp.Column))):
        text = held.sql(dialect="duckdb")
        raise ValueError(f"'{text}' is a value and no condition; compare it, as in {text} >= 10")


def _check(tree: exp.Expression, text: str) -> None:
    for node in tree.walk():
        if not isinstance(node, _ALLOWED):
            what = node.sql(dialect="duckdb")[:60]
            raise ValueError(f"'{what}' is not allowed in '{text[:80]}'; compare and calculate with metrics only")
        if isinstance(node, exp.In) and (node.args.get("query") or node.args.get("unnest") or node.args.get("field")):
            raise ValueError("IN takes a list of values")
