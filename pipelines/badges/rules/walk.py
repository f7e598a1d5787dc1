"""The events of single days with the running numbers after each: only days on which a line may have been crossed.

What a number starts from that day is known (see days.py), so that no event of another day is read.
"""

from collections.abc import Callable

import polars as pl

from configs.app import App
from configs.badge_rules import BadgeRule
from configs.expressions import Term
from pipelines.activity.metric_sql import event_marks
from pipelines.activity.parts import DERIVED
from pipelines.badges.rules.days import AMONG, is_new_sql, opening
from pipelines.badges.rules.stream import value_sql

_MINE = "SEMI JOIN badge_walked w ON w.player_key = e.player_key AND w.day_no = e.day - DATE '1970-01-01'"


def marks_sql(app: App, terms: tuple[Term, ...]) -> str:
    """One row per event of the days in `badge_walked`, by player and in order of time: what it brings to each number.

    Columns: player_key, day_no, event_id, occurred_at and those that `add_up` reads.
    Reads `badge_keys`. Parameters: cut, and see AMONG.
    """
    metrics = sorted({term.metric for term in terms})
    marks = event_marks(app)
    derived = [f"max(value) FILTER (metric = '{name}') AS {_mark(name)}" for name in metrics if name not in marks]
    keyed = [term for term in terms if app.metrics[term.metric].aggregation.keyed]
    columns = [f"{marks[name]} AS {_mark(name)}" for name in metrics if name in marks]
    joins = ""
    if derived:
        columns.append("d.* EXCLUDE (player_key, event_id)")
        joins = f"""LEFT JOIN (SELECT player_key, event_id, {", ".join(derived)}
                               FROM ({DERIVED}) e {_MINE}
                               WHERE e.{AMONG} AND e.available_at <= $cut
                               GROUP BY player_key, event_id) d USING (player_key, event_id)"""
    fresh = [f'CASE WHEN {_is_new(term)} THEN {_mark(term.metric)} END AS "{_new(term)}"' for term in keyed]
    return f"""
        WITH marked AS (
            SELECT e.player_key, e.day - DATE '1970-01-01' AS day_no, e.event_id, e.occurred_at, e.sequence,
                   {", ".join(columns)}
            FROM (FROM events_at($cut) e {_MINE} WHERE e.{AMONG}) e {joins}
            WHERE NOT starts_with(event, 'nightquest.')
        )
        SELECT {", ".join(["m.* EXCLUDE (sequence)", *fresh])}
        FROM marked m {" ".join(_keys_sql(metric) for metric in sorted({term.metric for term in keyed}))}
        ORDER BY m.player_key, m.occurred_at, m.sequence, m.event_id"""


def add_up(app: App, terms: tuple[Term, ...], marks: pl.DataFrame) -> pl.DataFrame:
    """What each number has come to within its day after each event.

    Small groups in great numbers, which a window of DuckDB is slow at.

    Args:
        app: The app file.
        terms: The numbers.
        marks: From `marks_sql`.

    Returns:
        The rows of `marks` with the columns that `walk_sql` reads.
    """
    days = ("player_key", "day_no")
    marks = marks.with_row_index("moment").with_columns(of_day=pl.struct(days).rle_id())
    marks = marks.with_columns(first=pl.col("moment").first().over("of_day"))
    columns: dict[str, pl.Expr] = {}
    for term in terms:
        one = app.metrics[term.metric].aggregation
        mark = pl.col(f"mark {term.metric}")
        if one.keyed:  # of a key that is new to the term, the first event of the day
            key = pl.col(_new(term))
            mark = pl.when(key.is_not_null() & pl.struct("of_day", key).is_first_distinct()).then(1)
        columns |= {_so_far(term, part): _RUNNING[part](mark) for part in one.parts}
    return marks.select(*days, "event_id", "occurred_at", "moment", **columns)


def _counted(mark: pl.Expr) -> pl.Expr:
    """How many marks a day has had so far: what all days have had, without those before its first event."""
    one = mark.is_not_null().cast(pl.Int64)
    return one.cum_sum() - (one.cum_sum() - one).gather(pl.col("first"))


_RUNNING: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "n": _counted,
    "total": lambda mark: mark.fill_null(0.0).cum_sum().over("of_day"),
    "lowest": lambda mark: mark.cum_min().forward_fill().over("of_day"),
    "highest": lambda mark: mark.cum_max().forward_fill().over("of_day"),
    "days": lambda mark: _counted(mark).clip(upper_bound=1),
    "keys": _counted,
}


def walk_sql(app: App, terms: tuple[Term, ...]) -> str:
    """The events of `badge_so_far`, from `add_up`, with each term's column: its value after the event."""
    values = ", ".join(f'{_value(app, term)}::DOUBLE AS "{term.column}"' for term in terms)
    return f"""SELECT player_key, day_no, event_id, occurred_at, moment, {values}
               FROM badge_so_far JOIN badge_numbers USING (player_key, day_no)"""


def walked_sql(rule: BadgeRule) -> str:
    """The rows of `badge_walk` on days on which a rule may be true."""
    return f"""(FROM badge_walk SEMI JOIN (SELECT player_key, day_no FROM badge_next WHERE badge_id = '{rule.badge_id}')
                USING (player_key, day_no))"""


def _keys_sql(metric: str) -> str:
    return f"""LEFT JOIN (FROM badge_keys WHERE metric = '{metric}') "keys {metric}"
               ON "keys {metric}".player_key = m.player_key AND "keys {metric}".day_no = m.day_no
                  AND "keys {metric}".key = m.{_mark(metric)}"""


def _is_new(term: Term) -> str:
    before = f'"keys {term.metric}".before'
    return f"({is_new_sql(term, before, 'm.day_no')})"


def _mark(metric: str) -> str:
    return f'"mark {metric}"'


def _value(app: App, term: Term) -> str:
    one = app.metrics[term.metric].aggregation
    so_far = {part: f'"{_so_far(term, part)}"' for part in one.parts}
    return value_sql(one, so_far, lambda part: opening(term, part))


def _new(term: Term) -> str:
    return f"new {term.column}"


def _so_far(term: Term, part: str) -> str:
    return f"so far {term.column if part == 'keys' else term.metric} {part}"
