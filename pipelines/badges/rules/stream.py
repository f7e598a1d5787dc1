"""The running numbers that rules are evaluated on: one row per event of a player, one column per term.

For players whose local days do not follow one another in time, as of those who travel. The past is not read again:
parts stand for the days before `start_day` as opening balances, the events of later days run on from there.
`start_day` lies far enough back that every window of `last()` is whole within the stream.
"""

from collections.abc import Callable, Iterable, Mapping

from configs.aggregations import Aggregation
from configs.app import App
from configs.expressions import Term
from configs.spans import span_days, span_start_sql

# Local days of one player's neighbouring moments may run backwards when the player changes zone: by at most two.
_ZONE_MARGIN_DAYS = 4
_DAY = 2**32  # more than the events of one player, so (day, rank) fits one ordered integer
_DAY_NO = f"moment // {_DAY}"

# What is carried over from the days before the stream, by part.
_BALANCES = {
    "n": "sum(n)",
    "total": "sum(sum)",
    "lowest": "min(min)",
    "highest": "max(max)",
    "days": "count(DISTINCT day)",
}


def margin_days(terms: Iterable[Term]) -> int:
    """How many days before a player's first new event the stream must begin."""
    return _ZONE_MARGIN_DAYS + max((_looks_back(term) for term in terms), default=0)


def _looks_back(term: Term) -> int:
    return term.days or (span_days(term.span) if term.span else 0)


def openings_sql(app: App, terms: Iterable[Term]) -> str:
    """Lifetime balances of the players in `badge_touched` before their `start_day`: one row each."""
    sums, keys = [], []
    for metric in _lifetime(terms):
        mine = f"FILTER (metric = '{metric}')"
        one = app.metrics[metric].aggregation
        if one.keyed:
            keys.append(f'count(*) {mine} AS "{metric}__keys"')
        sums += [f'{_BALANCES[part]} {mine} AS "{metric}__{part}"' for part in one.parts if part in _BALANCES]
    return f"""
        WITH balances AS (
            SELECT player_key, {", ".join(sums) or "1 AS no_sums"}
            FROM known_player_days JOIN badge_touched USING (player_key) WHERE day < start_day GROUP BY player_key
        ),
        seen AS (SELECT player_key, {", ".join(keys) or "1 AS no_keys"} FROM badge_past_keys GROUP BY player_key)
        SELECT * FROM badge_touched LEFT JOIN balances USING (player_key) LEFT JOIN seen USING (player_key)"""


def stream_sql(app: App, terms: tuple[Term, ...]) -> str:
    """One row per event of the players in `badge_touched` from their `start_day`, in time order by `moment`.

    Columns: player_key, event_id, occurred_at, moment, day_no and each term's column: its value after that event.
    Parameters as_of and cut bound what is read.
    """
    metrics = sorted({term.metric for term in terms})
    days = sorted({term.days for term in terms if term.days})
    in_time = "PARTITION BY player_key ORDER BY moment"
    windows = [f"life AS ({in_time} ROWS UNBOUNDED PRECEDING)"] + [
        f"last_{d} AS ({in_time} RANGE BETWEEN {(d - 1) * _DAY} + rank PRECEDING AND CURRENT ROW)" for d in days
    ]
    windows += [
        f"{window_of(term)} AS (PARTITION BY player_key, {span_start_sql(term.span, _DAY_NO)} "
        "ORDER BY moment ROWS UNBOUNDED PRECEDING)"
        for term in {term.span: term for term in terms if term.span}.values()
    ]
    return f"""
        WITH timeline AS (
            SELECT e.player_key, e.event_id, e.occurred_at, e.day, row_number() OVER in_time AS rank,
                   (max(e.day) OVER in_time - DATE '1970-01-01')::BIGINT * {_DAY} + row_number() OVER in_time AS moment
            FROM events_at($cut) e JOIN badge_touched t ON t.player_key = e.player_key AND e.day >= t.start_day
            WHERE e.day < $as_of AND NOT starts_with(e.event, 'nightquest.')
            WINDOW in_time AS (PARTITION BY e.player_key ORDER BY e.occurred_at, e.sequence, e.event_id)
        ),
        marks AS (
            SELECT m.player_key, m.event_id, {", ".join(_mark(app, metric) for metric in metrics)}
            FROM known_metric_events m
            JOIN badge_touched t ON t.player_key = m.player_key AND m.day >= t.start_day
            LEFT JOIN badge_past_keys k ON k.player_key = m.player_key AND k.metric = m.metric AND k.key = m.key
            WHERE m.metric IN ({", ".join(f"'{metric}'" for metric in metrics)})
            GROUP BY m.player_key, m.event_id
        )
        SELECT player_key, event_id, occurred_at, moment, {_DAY_NO} AS day_no,
               {", ".join(f'{_value(app, term)}::DOUBLE AS "{term.column}"' for term in terms)}
        FROM timeline LEFT JOIN marks USING (player_key, event_id) JOIN badge_openings o USING (player_key)
        WINDOW {", ".join(windows)}"""


def past_keys_sql(terms: Iterable[Term]) -> str:
    """The keys that distinct metrics had seen before `start_day`."""
    metrics = ", ".join(f"'{metric}'" for metric in _lifetime(terms)) or "NULL"
    return f"""
        SELECT DISTINCT player_key, metric, key FROM known_player_day_keys d JOIN badge_touched t USING (player_key)
        WHERE d.day < t.start_day AND d.metric IN ({metrics})"""


def _lifetime(terms: Iterable[Term]) -> list[str]:
    return sorted({term.metric for term in terms if not (term.days or term.span)})


def window_of(term: Term) -> str:
    """The name of the window over what a term counts: days or events, as the query defines it."""
    return f"last_{term.days}" if term.days else f'"since {term.span}"' if term.span else "life"


def _mark(app: App, metric: str) -> str:
    """What one event brings to a metric: a value, or of a distinct metric its key (again, if new to the player)."""
    if app.metrics[metric].aggregation.keyed:
        return (
            f"max(m.key) FILTER (m.metric = '{metric}') AS \"{metric}\", "
            f"max(m.key) FILTER (m.metric = '{metric}' AND k.key IS NULL) AS \"{metric}__new\""
        )
    return f"max(m.value) FILTER (m.metric = '{metric}') AS \"{metric}\""


def value_sql(one: Aggregation, running: Mapping[str, str], opening: Callable[[str], str]) -> str:
    """A number's value after an event, as SQL. A count of nothing is 0; a best or a mean of nothing is null.

    Args:
        one: How the number comes about.
        running: What each of its parts has come to since the opening.
        opening: What a part starts from.
    """
    merges = {"lowest": "least", "highest": "greatest"}

    def merged(part: str) -> str:
        if part in merges:
            return f"{merges[part]}({opening(part)}, {running[part]})"
        return f"(coalesce({opening(part)}, 0) + coalesce({running[part]}, 0))"

    value = one.sql(**{part: merged(part) for part in one.parts})
    return f"coalesce({value}, 0)" if one.grows else f"({value})"


def _value(app: App, term: Term) -> str:
    mark, over = f'"{term.metric}"', window_of(term)
    fresh = f'"{term.metric}__new"' if over == "life" else mark
    running = {
        "n": f"count({mark}) OVER {over}",
        "total": f"sum({mark}) OVER {over}",
        "lowest": f"min({mark}) OVER {over}",
        "highest": f"max({mark}) OVER {over}",
        "days": f"count(DISTINCT CASE WHEN {mark} IS NOT NULL THEN day END) OVER {over}",
        "keys": f"count(DISTINCT {fresh}) OVER {over}",
    }

    def opening(part: str) -> str:
        """Nothing for a window or a span, which lies within the stream."""
        return "NULL" if over != "life" else f'o."{term.metric}__{part}"'

    return value_sql(app.metrics[term.metric].aggregation, running, opening)
