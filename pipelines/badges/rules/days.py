"""What each number of the rules was before a day and could come to on it: from player-day parts, without the events.

For players whose local days follow one another in time. Of a day with events it is known what each number starts from
(its opening), what it ends with, and between which bounds it moves, so that only days on which a rule may have become
true need a look at their events.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from configs.app import App
from configs.badge_rules import BadgeRule
from configs.expressions import Term
from configs.spans import span_start_sql
from pipelines.badges.rules.rounds import due_of_rule_sql, reach_columns
from pipelines.badges.rules.stream import window_of

# Days are counted from 1970; all before `start_day` stand as one, so far back that no window reaches it.
_AT = "CASE WHEN day < start_day THEN -1000000 ELSE day - DATE '1970-01-01' END"
# The players of `badge_touched`, said once more: what is known is put together of several tables, and DuckDB tells none
# of them whom it is joined with, so that all of each would be read for every bucket. Parameters first and last.
AMONG = "player_key BETWEEN $first AND $last"
# Sums that differ by the order of adding only must not hide a day.
_SLACK = 1e-9
_PARTS = {
    "n": "sum(n)",
    "total": "sum(sum)",
    "lowest": "min(min)",
    "highest": "max(max)",
    "days": "sum(days)",
}
# How far a running sum may rise and fall within a day, whatever the order of its events.
_RISES = "CASE WHEN min >= 0 THEN sum WHEN max <= 0 THEN 0 ELSE least((n - 1) * max, sum - (n - 1) * min) END"
_FALLS = "CASE WHEN max <= 0 THEN sum WHEN min >= 0 THEN 0 ELSE greatest((n - 1) * min, sum - (n - 1) * max) END"
_MERGED = {"n": "sum", "total": "sum", "lowest": "min", "highest": "max", "days": "sum"}


@dataclass(frozen=True)
class Reach:
    """A term on a day, as SQL over `badge_numbers`: its value at the day's end, and its bounds on the way there."""

    end: str
    low: str
    high: str
    absent: str


def opening(term: Term, part: str) -> str:
    """The column of `badge_numbers` with what a part of a term is before the day."""
    return f'"before {term.column} {part}"'


def is_keyed(app: App, terms: tuple[Term, ...]) -> bool:
    """Whether some of the terms count different keys."""
    return any(_is_keyed(app, term) for term in terms)


def keys_sql(app: App, terms: tuple[Term, ...]) -> str:
    """A row for each player, day and key of the distinct metrics, with the day of the key before and after it.

    Parameters: see AMONG.
    """
    return f"""
        SELECT *, lag(day_no) OVER one AS before, lead(day_no) OVER one AS after
        FROM (SELECT DISTINCT player_key, metric, key, {_AT} AS day_no
              FROM known_player_day_keys JOIN badge_touched USING (player_key)
              WHERE {AMONG} AND metric IN ({_listed(app, terms, keyed=True)}))
        WINDOW one AS (PARTITION BY player_key, metric, key ORDER BY day_no)"""


def numbers_sql(app: App, terms: tuple[Term, ...]) -> str:
    """One row for each day in `badge_event_days` from a player's `first_day` on: what its numbers start from and gain.

    Reads `badge_touched`, `badge_keys` and the known_* views. Parameters: see AMONG.
    """
    keyed = tuple(term for term in terms if _is_keyed(app, term))
    sources = [_gains_sql(app, terms), *([_new_keys_sql(keyed)] if keyed else [])]
    sources += [_held_keys_sql(recent)] if (recent := tuple(term for term in keyed if term.days)) else []
    gains = dict.fromkeys((*_gain_columns(app, terms), *(_fresh(term) for term in keyed)), "max")
    gains |= {_held(term): "max" for term in keyed if term.days}
    frames = [
        f"last_{days} AS (PARTITION BY player_key ORDER BY day_no RANGE BETWEEN {days - 1} PRECEDING AND 1 PRECEDING)"
        for days in sorted({term.days for term in terms if term.days})
    ]
    frames += [
        f"{window_of(term)} AS (PARTITION BY player_key{_partition(term)} ORDER BY day_no {_BEFORE})"
        for term in {term.span: term for term in terms if term.days is None}.values()
    ]
    return f"""
        WITH facts AS (
            SELECT player_key, day_no, bool_or(happened) AS happened,
                   {", ".join(f"{how}({column}) AS {column}" for column, how in gains.items())}
            FROM ({" UNION ALL BY NAME ".join(f"({source})" for source in sources)} UNION ALL BY NAME
                  (SELECT player_key, day - DATE '1970-01-01' AS day_no, true AS happened
                   FROM badge_event_days SEMI JOIN badge_touched USING (player_key)))
            GROUP BY player_key, day_no
        ),
        numbers AS (
            SELECT *, {", ".join(f"{sql} AS {column}" for column, sql in _openings(app, terms).items())}
            FROM facts WINDOW {", ".join(frames)}
        )
        SELECT n.* FROM numbers n JOIN badge_touched USING (player_key)
        WHERE happened AND day_no >= first_day - DATE '1970-01-01'"""


def due_sql(app: App, rules: tuple[BadgeRule, ...], terms: tuple[Term, ...]) -> str:
    """The days of `badge_numbers` on which rules may be true, for players not past them.

    Columns: player_key, badge_id, day_no, round_no (see rounds.py) and ends: the rule is true at the day's end, so that
    its line was crossed on that day at the latest.
    """
    values = []
    for term in terms:
        reach = _reach(app, term)
        told = {"": f"({reach.end})::DOUBLE", " low": reach.low, " high": reach.high, " absent": reach.absent}
        values += [f'{sql} AS "{term.column}{which}"' for which, sql in told.items()]
    flags = [column for rule in rules for column in reach_columns(rule)]
    each = [due_of_rule_sql(rule) for rule in rules]
    return f"""
        WITH flags AS MATERIALIZED (
            SELECT player_key, day_no, {", ".join(flags)}
            FROM (SELECT player_key, day_no, {", ".join(values)} FROM badge_numbers)
        )
        {" UNION ALL ".join(each)}"""


def _reach(app: App, term: Term) -> Reach:
    """What a term comes to: of one part it moves with the part, a mean lies between the means of its ends."""
    one = app.metrics[term.metric].aggregation
    ways = {part: _part(term, part) for part in one.parts}
    end, low, high = (one.sql(**{part: getattr(way, which) for part, way in ways.items()}) for which in _ENDS)
    absent = " OR ".join(way.absent for way in ways.values())
    if len(ways) > 1:
        low, high = _mean_bounds(term)
    if one.grows:
        return Reach(f"coalesce({end}, 0)", f"coalesce({low}, 0)", f"coalesce({high}, 0)", "false")
    return Reach(end, low, high, absent)


_ENDS = ("end", "low", "high")
_BEFORE = "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"


def _partition(term: Term) -> str:
    return f", {span_start_sql(term.span, 'day_no')}" if term.span else ""


def _part(term: Term, part: str) -> Reach:
    before = opening(term, part)
    gain = _fresh(term) if part == "keys" else _gain(term.metric, part)
    added = f"(coalesce({before}, 0) + coalesce({gain}, 0))"
    none = f"({before} IS NULL)"
    if part == "lowest":
        least = f"least({before}, {gain})"
        return Reach(least, least, f"coalesce({before}, {_gain(term.metric, 'highest')})", none)
    if part == "highest":
        most = f"greatest({before}, {gain})"
        return Reach(most, f"coalesce({before}, {_gain(term.metric, 'lowest')})", most, none)
    if part == "total":
        rises, falls = (f"coalesce({_gain(term.metric, way)}, 0)" for way in ("rises", "falls"))
        slack = f"{_SLACK} * (1 + abs(coalesce({before}, 0)) + abs({rises}) + abs({falls}))"
        return Reach(
            added, f"(coalesce({before}, 0) + {falls} - {slack})", f"(coalesce({before}, 0) + {rises} + {slack})", none
        )
    return Reach(added, f"coalesce({before}, 0)", added, none)


def _mean_bounds(term: Term) -> tuple[str, str]:
    """A running mean moves from the mean before towards the day's values, at most as far as if all were the extreme."""
    total, n = (f"coalesce({opening(term, part)}, 0)" for part in ("total", "n"))
    gained, lowest, highest = (_gain(term.metric, part) for part in ("n", "lowest", "highest"))
    before = f"({total} / nullif({n}, 0))"
    bounds = [f"(({total} + {gained} * {value}) / ({n} + {gained}))" for value in (lowest, highest)]
    slack = f"{_SLACK} * (1 + abs(coalesce({before}, 0)) + abs(coalesce({lowest}, 0)) + abs(coalesce({highest}, 0)))"
    return f"least({before}, {bounds[0]}) - {slack}", f"greatest({before}, {bounds[1]}) + {slack}"


def _gains_sql(app: App, terms: tuple[Term, ...]) -> str:
    """Parts of each player and day, a column for each metric and part.

    They are added up by metric before they are told apart by columns, each of which would look at every row.
    """
    columns = ", ".join(f"{sql} AS {column}" for column, sql in _gain_columns(app, terms).items())
    by_days = {term.metric for term in terms if "days" in app.metrics[term.metric].aggregation.parts}
    return f"""SELECT player_key, day_no, {columns or "1 AS nothing"}
               FROM (SELECT player_key, {_AT} AS day_no, metric, sum(n) AS n, sum(sum) AS sum, min(min) AS min,
                            max(max) AS max, sum({_RISES}) AS rises, sum({_FALLS}) AS falls,
                            count(DISTINCT day) FILTER (metric IN ({_quoted(by_days)})) AS days
                     FROM known_player_days JOIN badge_touched USING (player_key)
                     WHERE {AMONG} AND metric IN ({_listed(app, terms, keyed=False)})
                     GROUP BY player_key, day_no, metric)
               GROUP BY player_key, day_no"""


def _gain_columns(app: App, terms: tuple[Term, ...]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for metric in sorted({term.metric for term in terms}):
        one, mine = app.metrics[metric].aggregation, f"FILTER (metric = '{metric}')"
        if one.keyed:
            continue
        columns |= {_gain(metric, part): f"({_PARTS[part]} {mine})::{_kind(part)}" for part in one.parts}
        if "total" in one.parts:
            columns |= {
                _gain(metric, "rises"): f"sum(rises) {mine}",
                _gain(metric, "falls"): f"sum(falls) {mine}",
            }
        if {"total", "lowest", "highest"} & set(one.parts):
            columns |= {_gain(metric, part): f"{_PARTS[part]} {mine}" for part in ("lowest", "highest")}
    return columns


def _new_keys_sql(keyed: tuple[Term, ...]) -> str:
    counts = (
        f"count(*) FILTER (metric = '{term.metric}' AND ({is_new_sql(term, 'before', 'day_no')})) AS {_fresh(term)}"
        for term in keyed
    )
    return f"SELECT player_key, day_no, {', '.join(counts)} FROM badge_keys GROUP BY player_key, day_no"


def is_new_sql(term: Term, before: str, day_no: str) -> str:
    """SQL: whether a key counts anew for a term on a day, by the day on which it came before."""
    if term.days:
        return f"{before} <= {day_no} - {term.days} OR {before} IS NULL"
    if term.span:
        return f"{before} < {span_start_sql(term.span, day_no)} OR {before} IS NULL"
    return f"{before} IS NULL"


def _held_keys_sql(recent: tuple[Term, ...]) -> str:
    """How the number of keys within each window moves from day to day.

    A key counts from the day after it until it comes again or falls out of the window.
    """
    moves = " UNION ALL ".join(
        f"""SELECT player_key, day_no + 1 AS day_no, '{term.column}' AS term, 1 AS moved
            FROM badge_keys WHERE metric = '{term.metric}'
            UNION ALL SELECT player_key, least(after, day_no + {(term.days or 1) - 1}) + 1, '{term.column}', -1
            FROM badge_keys WHERE metric = '{term.metric}'"""
        for term in recent
    )
    sums = ", ".join(f"sum(moved) FILTER (term = '{term.column}') AS {_held(term)}" for term in recent)
    return f"SELECT player_key, day_no, {sums} FROM ({moves}) GROUP BY player_key, day_no"


def _openings(app: App, terms: tuple[Term, ...]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for term in terms:
        frame = window_of(term)
        for part in app.metrics[term.metric].aggregation.parts:
            if part != "keys":
                sql = f"{_MERGED[part]}({_gain(term.metric, part)}) OVER {frame}"
            elif term.days:
                sql = f"sum({_held(term)}) OVER (PARTITION BY player_key ORDER BY day_no ROWS UNBOUNDED PRECEDING)"
            else:
                sql = f"sum({_fresh(term)}) OVER {frame}"
            columns[opening(term, part)] = f"({sql})::{_kind(part)}"
    return columns


def _kind(part: str) -> str:
    return "BIGINT" if part in ("n", "days", "keys") else "DOUBLE"


def _gain(metric: str, part: str) -> str:
    return f'"on {metric} {part}"'


def _fresh(term: Term) -> str:
    return f'"new {term.column}"'


def _held(term: Term) -> str:
    return f'"held {term.column}"'


def _is_keyed(app: App, term: Term) -> bool:
    return app.metrics[term.metric].aggregation.keyed


def _listed(app: App, terms: tuple[Term, ...], *, keyed: bool) -> str:
    return _quoted({term.metric for term in terms if _is_keyed(app, term) == keyed})


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in sorted(names)) or "NULL"
