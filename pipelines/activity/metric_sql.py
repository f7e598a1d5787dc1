"""From an app file's metrics to SQL: what each event contributes to which metric."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from sqlglot import exp, select
from sqlglot.expressions import Select

from configs.app import App
from configs.expressions import parse_condition
from configs.metrics import Metric, PropertyType
from pipelines.activity.streaks import ORDER, streak_sql

_SQL_TYPE: dict[PropertyType, str] = {"text": "VARCHAR", "number": "DOUBLE", "integer": "BIGINT", "boolean": "BOOLEAN"}
_DERIVED = """SELECT metric, player_key, event_id, occurred_at, sequence, day, cohort, value, key, available_at
FROM derived_events"""


def metric_events_sql(app: App) -> str:
    """A query with one row per metric and contributing event.

    Columns: metric, player_key, event_id, occurred_at, sequence, day, cohort, value, key, available_at.
    """
    return _union([*_plain_texts(app), _DERIVED])


def metric_events_at_sql(app: App, known_until: str) -> str:
    """The same as known at a moment (SQL), without entities and streaks."""
    return _union([_known_at(text, known_until) for text in _plain_texts(app)] or [f"{_DERIVED} WHERE false"])


_OF_A_PART = ("metric", "player_key", "day", "cohort", "value", "key", "available_at")


@dataclass(frozen=True)
class Parsed:
    """What events bring to their player-days, with each property that a metric uses parsed once.

    Attributes:
        events: A query over the events and `touched` (player_key, day): one row per event of those days.
        days: A query over `parsed_events`, which holds `events`, and entities and streaks: metric, player_key, day,
            cohort, value, key and available_at, one row per metric and contributing event.
        keys: Of those, the ones of keyed metrics.
    """

    events: str
    days: str
    keys: str


def parsed_sql(app: App, events: str = "events", derived: str = "derived_events") -> Parsed:
    """The queries that parts are made with.

    Args:
        app: The app file.
        events: Where events are read from.
        derived: Where the rows of entities and streaks are.
    """
    return _parsed(_Defined(app), events, derived)


def event_marks(app: App) -> Mapping[str, str]:
    """What an event brings to each metric, by name, as SQL over the columns of `events`.

    Its value, or of a distinct metric its key; null where it doesn't count. Entities and streaks, which rest on several
    events, are not among them.
    """
    return _event_marks(_Defined(app))


class _Defined:
    """A cache key: the part of an app file that defines its metrics, whatever else the file says."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._text = app.model_dump_json(include={"metrics", "events", "cohorts"})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Defined) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


@lru_cache(maxsize=32)
def _contributions(defined: _Defined) -> Mapping[str, Select]:
    """Every metric's contributions; cached, since parsing them takes 50 ms whenever an app is opened."""
    return {name: contributions(defined.app, name) for name in defined.app.metrics}


@lru_cache(maxsize=32)
def _contribution_texts(defined: _Defined) -> Mapping[str, str]:
    return {name: query.sql(dialect="duckdb") for name, query in _contributions(defined).items()}


@lru_cache(maxsize=32)
def _parsed(defined: _Defined, events: str, derived: str) -> Parsed:
    metrics, columns, texts = defined.app.metrics, dict[tuple[str, str], str](), dict[str, str]()

    def parsed(node: exp.Expr) -> exp.Expr:
        if not (isinstance(node, exp.TryCast) and isinstance(node.this, exp.JSONExtractScalar)):
            return node
        typed = node.this.expression.sql(dialect="duckdb"), node.to.sql(dialect="duckdb")
        return exp.column(columns.setdefault(typed, f"property_{len(columns)}"))

    cohort: str = exp.maybe_parse(_cohort(defined.app), dialect="duckdb").transform(parsed).sql(dialect="duckdb")
    for name in (name for name, metric in metrics.items() if not metric.aggregation.derived):
        query = cast("Select", _contributions(defined)[name].transform(parsed))
        query.from_("parsed_events", copy=False)
        brings = {column.alias_or_name: column for column in query.expressions} | {"cohort": exp.column("cohort")}
        query.set("expressions", [brings[column] for column in _OF_A_PART])
        texts[name] = query.sql(dialect="duckdb")
    paths = list(dict.fromkeys(path for path, _ in columns))
    typed = "".join(
        f", TRY_CAST(texts[{paths.index(path) + 1}] AS {kind}) AS {column}" for (path, kind), column in columns.items()
    )
    rows = f"""
        SELECT player_key, day, event, active, value, occurred_at, local_hour, available_at{typed}, {cohort} AS cohort
        FROM (SELECT *, json_extract_string(properties, CAST([{", ".join(paths)}] AS VARCHAR[])) AS texts
              FROM {events} SEMI JOIN touched USING (player_key, day))"""
    moved = f"SELECT {', '.join(_OF_A_PART)} FROM {derived} SEMI JOIN touched USING (player_key, day)"
    keyed = [texts[name] for name in texts if metrics[name].aggregation.keyed]
    return Parsed(rows, _union([*texts.values(), moved]), _union(keyed or [f"{moved} WHERE false"]))


def _plain_texts(app: App) -> list[str]:
    texts = _contribution_texts(_Defined(app))
    return [texts[name] for name, metric in app.metrics.items() if not metric.aggregation.derived]


def _known_at(contribution: str, known_until: str) -> str:
    """A metric's contributions from the events that were known at a moment.

    Replacing the text is safe: before the first ` FROM events ` there are only column names.
    """
    return contribution.replace(" FROM events ", f" FROM events_at({known_until}) ", 1)


def _union(queries: Iterable[str]) -> str:
    return "\nUNION ALL\n".join(queries)


@lru_cache(maxsize=32)
def _event_marks(defined: _Defined) -> Mapping[str, str]:
    marks = {}
    for name, metric in defined.app.metrics.items():
        if not metric.aggregation.derived:
            query = _contributions(defined)[name]
            brings = {column.alias_or_name: column.unalias() for column in query.expressions}
            brought = brings["key" if metric.aggregation.keyed else "value"].sql(dialect="duckdb")
            marks[name] = f"CASE WHEN {query.args['where'].this.sql(dialect='duckdb')} THEN {brought} END"
    return marks


def contributions(app: App, name: str) -> Select:
    """The events that count for one metric, with the value or key that each brings."""
    metric = app.metrics[name]
    value, key = _value_and_key(app, metric)
    # An entity's events are told apart by `per`; `key` carries it to the running sum.
    query = select(
        f"{exp.Literal.string(name).sql()} AS metric",
        *("player_key", "event_id", "occurred_at", "sequence", "day"),
        f"{_cohort(app)} AS cohort",
        f"{value} AS value",
        f"{key} AS key",
        "available_at",
        dialect="duckdb",
    ).from_("events", copy=False)
    events = metric.events
    query.where(exp.column("event").isin(*events) if events else "active", copy=False)
    if metric.where:
        query.where(condition_sql(app, metric), dialect="duckdb", copy=False)
    if metric.of or metric.aggregation.keyed:
        query.where(f"({key if metric.aggregation.keyed else value}) IS NOT NULL", dialect="duckdb", copy=False)
    return query


def derived_events_sql(app: App, players: str, known_until: str, before: str | None = None) -> str:
    """Rows of all entity and streak metrics, as `derived_sql` gives them."""
    names = [name for name, metric in app.metrics.items() if metric.aggregation.derived]
    if not names:
        return f"SELECT * FROM derived_events WHERE available_at < {known_until} AND false"
    return _union(f"SELECT * FROM ({derived_sql(app, name, players, known_until, before)})" for name in names)


def derived_sql(
    app: App, name: str, players: str, known_until: str = "TIMESTAMPTZ 'infinity'", before: str | None = None
) -> str:
    """Rows of an entity or streak metric.

    Args:
        app: The app file.
        name: The metric.
        players: A relation with a player_key: whose rows.
        known_until: A SQL expression; events that became available later are left out.
        before: A table of such rows that still hold but for the player-days in `touched`; without it nothing does.
    """
    base = f"""SELECT * FROM ({_known_at(_contribution_texts(_Defined(app))[name], known_until)})
               WHERE player_key IN (SELECT player_key FROM {players})"""
    metric = app.metrics[name]
    if metric.agg == "entity":
        return f"""
            SELECT metric, player_key, event_id, occurred_at, sequence, day, cohort, 1.0 AS value, key,
                   known_at AS available_at
            FROM (
                SELECT *, sum(value) OVER running AS total, max(available_at) OVER running AS known_at
                FROM ({base})
                WINDOW running AS (PARTITION BY player_key, key ORDER BY {ORDER} ROWS UNBOUNDED PRECEDING)
            )
            WHERE total >= {float(metric.reaches or 0)}
            QUALIFY row_number() OVER (PARTITION BY player_key, key ORDER BY {ORDER}) = 1"""
    return streak_sql(
        app, base, known_until, before and f"FROM {before} WHERE metric = {exp.Literal.string(name).sql()}"
    )


def definitions_hash(app: App, name: str) -> str:
    """Changes when the meaning of a metric changes, so that its parts are rebuilt."""
    text = app.metrics[name].model_dump_json(exclude={"label", "unit", "plural", "task"})
    text += _contribution_texts(_Defined(app))[name] + repr(app.active_events)
    if app.metrics[name].aggregation.runs:
        text += app.streaks_meaning
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def condition_sql(app: App, metric: Metric) -> str:
    """A metric's `where` over the typed properties of its events."""
    types = property_types(app, metric.events or app.active_events)
    tree = exp.Where(
        this=parse_condition(metric.where or "true", types)
    )  # a column alone needs a parent to be replaced
    for column in list(tree.find_all(exp.Column)):
        column.replace(exp.maybe_parse(_property(column.name, types[column.name]), dialect="duckdb"))
    condition: exp.Expression = tree.this
    return condition.sql(dialect="duckdb")


def property_types(app: App, events: Iterable[str]) -> dict[str, PropertyType]:
    """The properties that a condition on these events may name, with their types."""
    types: dict[str, PropertyType] = {"value": "number"}
    for event in events:
        types |= {name: declared.type for name, declared in app.events[event].properties.items()}
    return types


def _value_and_key(app: App, metric: Metric) -> tuple[str, str]:
    types = property_types(app, metric.events or app.active_events)
    if metric.aggregation.keyed:
        return "1.0", _property(metric.of or "value", "text")
    key = _property(metric.per, "text") if metric.per else "NULL::VARCHAR"
    if not metric.aggregation.measures or metric.of is None:
        return "1.0", key
    kind = types.get(metric.of, "number")
    return f"CAST({_property(metric.of, kind)} AS DOUBLE)", key


def _property(name: str, kind: PropertyType) -> str:
    if name == "value" and kind == "number":
        return "value"
    return f"TRY_CAST(json_extract_string(properties, '$.{name}') AS {_SQL_TYPE[kind]})"


def _cohort(app: App) -> str:
    """Comparable play: the joined values of the cohort properties, 'all' for events that lack them."""
    names = app.cohorts.by
    carriers = [e for e, declared in app.events.items() if names and all(n in declared.properties for n in names)]
    if not carriers:
        return "'all'"
    joined = " || '/' || ".join(f"coalesce({_property(n, 'text')}, '-')" for n in names)
    return f"CASE WHEN event IN ({', '.join(repr(e) for e in carriers)}) THEN {joined} ELSE 'all' END"
