"""The numbers that progress is measured on: one row per active player, one column per term of the rules."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from configs.aggregations import Aggregation
from configs.app import App
from configs.expressions import Term
from configs.spans import span_start
from pipelines.activity.parts import DERIVED
from pipelines.activity.streaks import goes_on_sql
from pipelines.pins import Night

PACE_DAYS = 28


@dataclass(frozen=True)
class _Columns:
    """SQL of the columns, by what they are merged from: whole lives, single recent days, keys."""

    life: list[str]
    recent: list[str]
    keys: list[str]
    runs: list[str]


def values_sql(night: Night, terms: tuple[Term, ...], within_days: int) -> str:
    """Each term as it will count on the day served, `<metric>__pace` a day and `<metric>__run` of streaks.

    Reads the known_* views. Lifetimes are one plain sum per player and metric; only the days that a window or the pace
    looks at are read singly.
    """
    app, as_of = night.app, f"DATE '{night.as_of}'"
    metrics = sorted({term.metric for term in terms})
    since = [first for term in terms if (first := _first_day(night, term))]
    lately = max([PACE_DAYS, *(term.days or 0 for term in terms), *((night.as_of - first).days for first in since)])
    columns = _columns(night, terms, metrics)
    paces = [f'"{metric}__new" / pace_days AS "{metric}__pace"' for metric in metrics if _has_pace(app, metric)]
    by_days = [metric for metric in metrics if app.metrics[metric].agg == "days"]
    mine = "FROM known_player_days SEMI JOIN who USING (player_key)"
    return f"""
        WITH who AS (
            SELECT player_key, greatest(1, least({PACE_DAYS}, {as_of} - min(day)))::DOUBLE AS pace_days
            FROM known_active_days GROUP BY player_key HAVING max(day) >= {as_of} - {within_days}
        ),
        totals AS (
            SELECT player_key, metric, sum(n) AS n, sum(sum) AS sum, min(min) AS min, max(max) AS max
            {mine} WHERE metric IN ({_listed(set(metrics) - set(by_days))}) GROUP BY player_key, metric
            UNION ALL
            SELECT player_key, metric, count(DISTINCT day), NULL, NULL, NULL
            {mine} WHERE metric IN ({_listed(by_days)}) GROUP BY player_key, metric
        ),
        lately AS (SELECT * {mine} WHERE metric IN ({_listed(metrics)}) AND day >= {as_of} - {lately}),
        seen AS (
            SELECT player_key, metric, key, min(day) AS first_day, max(day) AS last_day
            FROM known_player_day_keys SEMI JOIN who USING (player_key)
            WHERE metric IN ({_listed(metrics)}) GROUP BY player_key, metric, key
        )
        SELECT {", ".join(["*", *paces])}
        FROM who
        {_joined_runs(night, metrics, columns.runs)}
        JOIN ({_per_player("totals", columns.life)}) USING (player_key)
        JOIN ({_per_player("lately", columns.recent)}) USING (player_key)
        JOIN ({_per_player("seen", columns.keys)}) USING (player_key)"""


def _columns(night: Night, terms: tuple[Term, ...], metrics: list[str]) -> _Columns:
    app, as_of = night.app, f"DATE '{night.as_of}'"
    columns = _Columns(["1 AS life"], ["1 AS recent"], ["1 AS keys"], [])
    for term in terms:
        one, mine = app.metrics[term.metric].aggregation, f"metric = '{term.metric}'"
        if one.keyed:
            first = _first_day(night, term)
            rows = f"{mine} AND last_day >= DATE '{first}'" if first else mine
            rows = f"{mine} AND last_day > {as_of} - {term.days}" if term.days else rows
            columns.keys.append(f'count(*) FILTER ({rows})::DOUBLE AS "{term.column}"')
        elif term.days:
            merged = _merged(one, f"{mine} AND day > {as_of} - {term.days}")
            columns.recent.append(f'{merged}::DOUBLE AS "{term.column}"')
        elif first := _first_day(night, term):
            merged = _merged(one, f"{mine} AND day >= DATE '{first}'")
            columns.recent.append(f'{merged}::DOUBLE AS "{term.column}"')
        else:
            merged = _merged(one, mine, days="sum(n)")
            columns.life.append(f'{merged}::DOUBLE AS "{term.column}"')
    for metric in metrics:
        one, mine = app.metrics[metric].aggregation, f"metric = '{metric}'"
        if one.keyed:
            columns.keys.append(f'count(*) FILTER ({mine} AND first_day >= {as_of} - {PACE_DAYS}) AS "{metric}__new"')
        elif one.runs:
            columns.runs.append(f'coalesce(max(value) FILTER ({mine} AND goes_on), 0)::DOUBLE AS "{metric}__run"')
        elif one.adds_up:
            columns.recent.append(f'{_merged(one, f"{mine} AND day >= {as_of} - {PACE_DAYS}")} AS "{metric}__new"')
    return columns


def _first_day(night: Night, term: Term) -> dt.date | None:
    """From which day on a term counts on the day served; None for a whole life, and outside of a season."""
    return span_start(term.span, night.as_of) if term.span else None


def _per_player(rows: str, columns: list[str]) -> str:
    return f"SELECT player_key, {', '.join(columns)} FROM who LEFT JOIN {rows} USING (player_key) GROUP BY player_key"


def _merged(one: Aggregation, rows: str, days: str = "count(DISTINCT day)") -> str:
    """Parts merged under an aggregation; a run of days that never began is 0 days long."""
    merges = {"n": "sum(n)", "total": "sum(sum)", "lowest": "min(min)", "highest": "max(max)", "days": days}
    value = one.sql(**{part: f"{merge} FILTER ({rows})" for part, merge in merges.items()})
    return f"coalesce({value}, 0)" if one.grows else value


def _joined_runs(night: Night, metrics: list[str], columns: list[str]) -> str:
    """The runs of streaks that are still going on at the base day, 0 when they are broken."""
    if not columns:
        return ""
    streaks = _listed(metric for metric in metrics if night.app.metrics[metric].aggregation.runs)
    runs = f"""(SELECT player_key, metric, max_by(value, day) AS value,
                       {goes_on_sql(night.base_day)} AS goes_on
                FROM ({DERIVED}) SEMI JOIN who USING (player_key)
                WHERE metric IN ({streaks}) AND day < DATE '{night.as_of}' GROUP BY player_key, metric)"""
    return f"JOIN ({_per_player(runs, columns)}) USING (player_key)"


def _has_pace(app: App, metric: str) -> bool:
    return app.metrics[metric].aggregation.adds_up


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "NULL"
