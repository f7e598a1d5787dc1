"""What reaching a target of one metric says of another, from their definitions alone.

Every event that counts for `strong_lessons` counts for `lessons`; whoever trains on three days has trained three times;
a lesson of at least 5 minutes adds 5 to the minutes. From such facts follows a least (or most) value of the other
metric. Where a definition leaves it open, the fact is claimed: an event is taken to carry the properties that the app
file declares. So a pair that is not found here can always be told apart by some player's events.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, field
from functools import lru_cache
from itertools import product
from typing import Any

import polars as pl
from sqlglot import exp

from configs.app import App
from configs.expressions import parse_condition
from configs.metrics import METRIC_WORDS, Metric
from pipelines.activity.metric_sql import property_types

_FAR = 1e15  # stands for a property without a bound
_MOST_POINTS = 50_000
_ANY_OTHER = "\x00"  # ends the word that stands for every word that no condition names


@dataclass(frozen=True)
class Fact:
    """Reaching a target t of `metric` makes `other` come to a value: at least, or at most where less of it is better.

    The value is `each` times `rate` (t - `missed`) (rounded up where `whole`), or `least` where `rate` is 0.

    Attributes:
        missed: So many of t may not count for `other`: of three kinds of run, one may be on the road. It holds for
            targets beyond.
        of_days: t counts days, so days that lie outside the other's window can be taken off.
        since: It holds for targets of at least this, or at most where less of `metric` is better; null: for all.
    """

    metric: str
    other: str
    rate: float
    whole: bool
    each: float
    least: float
    of_days: bool
    since: float | None
    missed: float = 0


FACTS = pl.Schema(
    {
        "metric": pl.String(),
        "other": pl.String(),
        "rate": pl.Float64(),
        "whole": pl.Boolean(),
        "each": pl.Float64(),
        "least": pl.Float64(),
        "of_days": pl.Boolean(),
        "since": pl.Float64(),
        "missed": pl.Float64(),
    }
)


def facts_of(app: App, also: Iterable[str] = ()) -> pl.DataFrame:
    """What each metric of challenges says of each, itself among them: the columns of FACTS.

    Args:
        app: Its metrics' definitions.
        also: Other metrics that were asked for once: those that may still be.
    """
    may = {name for name in also if name in app.metrics and app.metrics[name].aggregation.moves_one_way}
    names = (*dict.fromkeys(app.challenges.metrics), *sorted(may - set(app.challenges.metrics)))
    told = app.model_dump_json(include={"events", "metrics"})
    return _facts_of(_Definitions(told, names, app))


@dataclass(frozen=True)
class _Definitions:
    """An app, told from others by what facts rest on."""

    text: str
    names: tuple[str, ...]
    app: App = field(compare=False)


@lru_cache(maxsize=8)
def _facts_of(definitions: _Definitions) -> pl.DataFrame:
    app = definitions.app
    pairs = product(definitions.names, repeat=2)
    found = [fact for a, b in pairs for fact in _facts(app, a, b)]
    return pl.DataFrame([astuple(fact) for fact in found], schema=FACTS, orient="row")


def _facts(app: App, name: str, other: str) -> Iterator[Fact]:
    a, b = app.metrics[name], app.metrics[other]
    if b.agg == "entity":  # which one got there hangs on what came before
        if a.model_dump(exclude=METRIC_WORDS) == b.model_dump(exclude=METRIC_WORDS):
            yield Fact(name, other, 1, whole=True, each=1, least=0, of_days=False, since=None)
        return
    for since in (None, *_thresholds(app, a, b)):
        beyond = _beyond(a, since)
        missed = 0 if _all_count(app, a, beyond, b) else _missed(app, a, b)
        if missed < math.inf:
            for rate, whole, each, least in _values(app, a, beyond, b):
                days = a.agg == "days"
                yield Fact(name, other, rate, whole, each, least, of_days=days, since=since, missed=missed)
            return


def _values(app: App, a: Metric, beyond: str, b: Metric) -> Iterator[tuple[float, bool, float, float]]:
    """(rate, whole, each, least) of a metric that counts every event of the other."""
    times = _times(app, a)
    of = b.of or "value"
    if b.agg == "count":
        yield times, True, 1, 1
    elif b.agg == "days":
        yield float(a.agg == "days"), True, 1, 1
    elif b.agg == "distinct":
        same = (a.agg == "distinct" and a.of == b.of) or (a.agg == "entity" and a.per == b.of)
        yield float(same), True, 1, 1
    else:
        low, high = _bounds(app, a, beyond, of)
        own = a.of == b.of and a.agg in {"sum", "max", "min"}
        upward = own and (a.agg != "min" or a.better == "higher")
        if b.agg == "sum":
            yield times, True, low, low
            if upward:
                yield 1, False, 1, 0
        elif b.agg == "max":
            yield 0, False, 1, low
            if upward and a.agg != "sum":
                yield 1, False, 1, 0
        elif b.better == "lower":
            yield 0, False, 1, high
            if own and a.agg == "min" and a.better == "lower":
                yield 1, False, 1, 0
        else:
            yield 0, False, 1, _bounds(app, b, "", of)[0]
            if own and a.agg == "min" and _all_count(app, b, "", a):
                yield 1, False, 1, 0


def _times(app: App, a: Metric) -> float:
    """How many events a target of 1 takes at least; 0 where one is enough for any target."""
    if a.aggregation.adds_up and a.aggregation.whole:
        return 1.0
    most = _bounds(app, a, "", a.of or "value")[1] if a.agg == "sum" else math.inf
    return 1 / most if 0 < most < math.inf else 0.0


def _thresholds(app: App, a: Metric, b: Metric) -> list[float]:
    """Targets of a best from which on its event may meet the other's condition, the easiest first."""
    if a.agg not in {"max", "min"} or not b.where:
        return []
    types = property_types(app, b.events or app.active_events)
    numbers = _literals(parse_condition(b.where, types), a.of or "value")
    near = {x for number in numbers if isinstance(number, float) for x in (number, number - 1, number + 1)}
    return sorted(near, reverse=_op(a) == "<=")


def _op(metric: Metric) -> str:
    return "<=" if metric.better == "lower" else ">="


def _beyond(a: Metric, since: float | None) -> str:
    return "" if since is None else f"{a.of or 'value'} {_op(a)} {since!r}"


def _all_count(app: App, a: Metric, beyond: str, b: Metric) -> bool:
    """Whether every event that counts for one metric (and is `beyond` a target) counts for the other."""
    events = a.events or app.active_events
    if not set(events) <= set(b.events or app.active_events):
        return False
    if not b.where or (b.where == a.where):
        return True
    return all(_follows(app, event, _both(a, beyond), b) for event in events)


def _missed(app: App, a: Metric, b: Metric) -> float:
    """How many of the different things that one metric counts may not count for the other; infinity: any number."""
    of = {"distinct": a.of, "entity": a.per}.get(a.agg)
    events = a.events or app.active_events
    if of is None or not set(events) <= set(b.events or app.active_events):
        return math.inf
    found = [_failing(app, event, a, b, of) for event in events]
    return math.inf if None in found else len({value for values in found for value in values or ()})


def _failing(app: App, event: str, a: Metric, b: Metric, of: str) -> set[Any] | None:
    """Which values of a property may count for one metric and not for the other; None where they cannot be listed."""
    declared, given = app.property_of(event, of), _both(a, "")
    points = _points(app, event, (given, b.where or "true"), of)
    if declared is None or declared.type not in {"text", "boolean"} or points is None:
        return None
    values = set(points.filter(_holds(given) & ~_holds(b.where or "true"))[of].drop_nulls())
    return None if any(str(value).endswith(_ANY_OTHER) for value in values) else values


def _follows(app: App, event: str, given: str, b: Metric) -> bool:
    points = _points(app, event, (given, b.where or "true"))
    if points is None:
        return True
    return points.filter(_holds(given) & ~_holds(b.where or "true")).is_empty()


def _bounds(app: App, a: Metric, beyond: str, of: str) -> tuple[float, float]:
    """The least and the most that a property may be in the events that count for a metric."""
    given = _both(a, beyond)
    lows, highs = [], []
    for event in a.events or app.active_events:
        points = _points(app, event, (given,), of)
        found = None if points is None else points.filter(_holds(given))[of].drop_nulls()
        declared = app.property_of(event, of)
        if found is None or found.is_empty() or declared is None or declared.type == "text":
            return -math.inf, math.inf
        lows.append(float(found.min()))  # type: ignore[arg-type]
        highs.append(float(found.max()))  # type: ignore[arg-type]
    low, high = min(lows), max(highs)
    return (low if low > -_FAR else -math.inf), (high if high < _FAR else math.inf)


def _both(a: Metric, beyond: str) -> str:
    return " AND ".join(f"({part})" for part in (a.where, beyond) if part) or "true"


def _holds(condition: str) -> pl.Expr:
    """Null is false."""
    return pl.lit(value=True) if condition == "true" else pl.sql_expr(condition).fill_null(value=False)


def _points(app: App, event: str, conditions: tuple[str, ...], *also: str) -> pl.DataFrame | None:
    """Events that tell conditions apart: every number and word in them, what lies beside it, and the declared bounds.

    None where there would be too many.
    """
    types = property_types(app, app.events)
    trees = [parse_condition(condition, types) for condition in conditions]
    names = sorted({*also, *(column.name for tree in trees for column in tree.find_all(exp.Column))})
    nulls = any(tree.find(exp.Null) for tree in trees)
    axes = []
    for name in names:
        literals = {value for tree in trees for value in _literals(tree, name)}
        axes.append(_axis(app, event, name, literals) + ([None] if nulls else []))
    if math.prod(len(axis) for axis in axes) > _MOST_POINTS:
        return None
    kinds = {"text": pl.String, "boolean": pl.Boolean}
    schema = {name: kinds.get(types.get(name, "number"), pl.Float64) for name in names} or {"_": pl.Null}
    return pl.DataFrame(list(product(*axes)) if axes else [(None,)], schema=schema, orient="row")


def _axis(app: App, event: str, name: str, literals: set[Any]) -> list[Any]:
    declared = app.property_of(event, name)
    if declared is None:
        return [None]
    if declared.type == "boolean":
        return [True, False]
    if declared.type == "text":
        words = sorted(str(value) for value in literals)
        return [*words, "".join(words) + _ANY_OTHER]
    low = -_FAR if declared.min is None else declared.min
    high = _FAR if declared.max is None else declared.max
    numbers = [value for value in literals if isinstance(value, float)]
    gap = 1.0 if declared.type == "integer" else 1e-6
    beside = {x for value in numbers for x in (value - gap, value, value + gap)}
    return sorted({low, high, *(x for x in beside if low <= x <= high)})


def _literals(tree: exp.Expression, name: str) -> list[Any]:
    """What a property is compared with: numbers as floats, words as text."""
    found = []
    for column in tree.find_all(exp.Column):
        if column.name == name:
            whole = column.find_ancestor(exp.Predicate) or tree
            for literal in whole.find_all(exp.Literal):
                sign = -1.0 if isinstance(literal.parent, exp.Neg) else 1.0
                found.append(str(literal.this) if literal.is_string else sign * float(literal.this))
    return found
