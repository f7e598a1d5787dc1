"""How far active players are from the badges that they do not hold yet."""

import polars as pl

from configs.app import App
from configs.expressions import Term
from data.warehouse import Warehouse
from pipelines.activity.parts import know_until
from pipelines.badges.progress_sql import GROWING, measures
from pipelines.badges.rules import BadgeRule, badge_rules, terms_of
from pipelines.night import Night

PACE_DAYS = 28
FAR_DAYS = 3650  # beyond ten years a date is no information
_COLUMNS = {
    "player_key": pl.Int64,
    "badge_id": pl.String,
    "progress": pl.Float64,
    "remaining": pl.String,
    "eta_days": pl.Int32,
}


def badge_progress(warehouse: Warehouse, night: Night, *, active_within_days: int | None = None) -> pl.DataFrame:
    """Progress towards every badge not held, of active players.

    Args:
        warehouse: Its parts in step with its events.
        night: Its `as_of` and `cut` bound what is read.
        active_within_days: Who is active; the app's `challenges.active_within_days` when not given.

    Returns:
        player_key, badge_id, progress (0 to 1; 1 when the rule holds and waits for the next event), remaining (what is
        missing, in words; null when nothing is) and eta_days (at the pace of the last 28 days; null without a pace
        or beyond ten years), in
        order of player_key and badge_id.
    """
    rules = badge_rules(night.app)
    if not rules:
        return pl.DataFrame(schema=_COLUMNS)
    within = active_within_days or night.app.challenges.active_within_days
    know_until(warehouse, night.app, night.as_of, night.cut)
    warehouse.run(f"CREATE OR REPLACE TEMP TABLE badge_values AS {_values_sql(night, terms_of(rules), within)}")
    rows = " UNION ALL ".join(_progress_sql(night, rule) for rule in rules)
    return warehouse.frame(f"SELECT * FROM ({rows}) ORDER BY player_key, badge_id").cast(pl.Schema(_COLUMNS))


def _progress_sql(night: Night, rule: BadgeRule) -> str:
    found = measures(night.app, rule)
    return f"""
        SELECT player_key, '{rule.badge_id}' AS badge_id, ({found.progress})::DOUBLE AS progress,
               {found.remaining} AS remaining,
               CASE WHEN {found.eta} <= {FAR_DAYS} THEN ceil({found.eta})::INTEGER END AS eta_days
        FROM badge_values
        ANTI JOIN (SELECT player_key FROM badge_ledger
                   WHERE badge_id = '{rule.badge_id}' AND as_of <= DATE '{night.as_of}') USING (player_key)"""


def _values_sql(night: Night, terms: tuple[Term, ...], within: int) -> str:
    """One row per active player: each term as it will count on the day served, each metric's pace and current run."""
    app, as_of = night.app, f"DATE '{night.as_of}'"
    metrics = sorted({term.metric for term in terms})
    parts = [_term(app, term, as_of) for term in terms if app.metrics[term.metric].agg != "distinct"]
    keys = [_distinct_term(term, as_of) for term in terms if app.metrics[term.metric].agg == "distinct"]
    for metric in metrics:
        agg = app.metrics[metric].agg
        if agg == "distinct":
            new = f"count(*) FILTER (metric = '{metric}' AND first_day >= {as_of} - {PACE_DAYS})"
            keys.append(f'{_per_day(new)} AS "{metric}__pace"')
        elif agg == "streak":
            parts.append(_run(metric, f"DATE '{night.base_day}'"))
        elif agg in GROWING:
            recent = _part(agg, f"metric = '{metric}' AND day >= {as_of} - {PACE_DAYS}")
            parts.append(f'{_per_day(recent)} AS "{metric}__pace"')
    names = ", ".join(f"'{metric}'" for metric in metrics)
    known = f"metric IN ({names})"
    return f"""
        WITH who AS (
            SELECT player_key, greatest(1, least({PACE_DAYS}, {as_of} - min(day))) AS pace_days
            FROM known_active_days GROUP BY player_key HAVING max(day) >= {as_of} - {within}
        ),
        days AS (
            SELECT player_key, pace_days, metric, day, n, sum, min, max
            FROM who LEFT JOIN (FROM known_player_days WHERE {known}) USING (player_key)
        ),
        keys AS (
            SELECT player_key, pace_days, metric, key, min(day) AS first_day, max(day) AS last_day
            FROM who LEFT JOIN (FROM known_player_day_keys WHERE {known}) USING (player_key)
            GROUP BY player_key, pace_days, metric, key
        ),
        from_days AS (
            SELECT player_key, {", ".join(parts) or "1 AS no_parts"} FROM days GROUP BY player_key, pace_days
        ),
        from_keys AS (SELECT player_key, {", ".join(keys) or "1 AS no_keys"} FROM keys GROUP BY player_key, pace_days)
        SELECT * FROM from_days JOIN from_keys USING (player_key)"""


def _term(app: App, term: Term, as_of: str) -> str:
    rows = f"metric = '{term.metric}'" + (f" AND day > {as_of} - {term.days}" if term.days else "")
    value = _part(app.metrics[term.metric].agg, rows)
    return f'{value} AS "{term.column}"'


def _distinct_term(term: Term, as_of: str) -> str:
    rows = f"metric = '{term.metric}'" + (f" AND last_day > {as_of} - {term.days}" if term.days else "")
    return f'count(*) FILTER ({rows})::DOUBLE AS "{term.column}"'


def _part(agg: str, rows: str) -> str:
    """Merged parts under an aggregation: the macro of data/sql/parts_views.sql; a streak of nothing is 0."""
    value = (
        f"part_value('{agg}', sum(n) FILTER ({rows}), sum(sum) FILTER ({rows}), min(min) FILTER ({rows}), "
        f"max(max) FILTER ({rows}), count(DISTINCT day) FILTER ({rows}))"
    )
    return f"coalesce({value}, 0)" if agg == "streak" else value


def _per_day(total: str) -> str:
    return f"({total})::DOUBLE / pace_days"


def _run(metric: str, base_day: str) -> str:
    rows = f"metric = '{metric}'"
    alive = f"max(day) FILTER ({rows}) >= {base_day} - 1"
    return f'CASE WHEN {alive} THEN max_by(max, day) FILTER ({rows}) ELSE 0 END::DOUBLE AS "{metric}__run"'
