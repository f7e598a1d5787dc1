"""Features of players at some days, in one query over player-days."""

COUNTS = (
    *("actions", "protected_trades", "stops_set", "journal_entries", "lessons", "lesson_minutes", "strong_lessons"),
    *("drills", "drill_minutes", "veteran_drills", "squad_messages", "trades_closed", "winning_trades", "kudos"),
)
KEYED = ("drill_modes", "mates_helped", "instruments")
ASKED = (
    *("protected_trades", "stops_set", "journal_entries", "lessons", "lesson_minutes", "strong_lessons", "drills"),
    *("drill_minutes", "best_drill_score", "drill_modes", "squad_messages", "mates_helped", "days_active"),
)
SPANS = (1, 7, 28, 90)


def features_sql() -> str:
    """A query over `snapshots` (user_id, base_day): user_id, base_day and columns named as Nightquest names them."""
    counts = ", ".join(_of_count(name) for name in COUNTS)
    means = ", ".join(
        _of_mean(name, total, n)
        for name, total, n in (
            ("average_drill_score", "drill_score_sum", "drills"),
            ("win_rate", "won_sum", "trades_closed"),
            ("stop_rate", "protected_trades", "trades_closed"),
            ("average_volume", "volume_sum", "trades_closed"),
        )
    )
    best = _measures("best_drill_score", "best_drill_score", "max", null_is_zero=False)
    keyed = ", ".join(
        f"count(*) FILTER (metric = '{name}' AND age <= {n}) AS {name}__{n}" for name in KEYED for n in SPANS
    )
    return f"""
        WITH days AS (
            SELECT *, day - lag(day) OVER (PARTITION BY user_id, actions > 0 ORDER BY day) AS gap,
                   min(day) OVER (PARTITION BY user_id, actions > 0) AS first_day,
                   row_number() OVER (PARTITION BY user_id, actions > 0 ORDER BY day) AS nth
            FROM player_days SEMI JOIN snapshots USING (user_id)
        ),
        runs AS (
            SELECT *, row_number() OVER (PARTITION BY user_id, actions > 0, day - nth::INTEGER ORDER BY day) AS run
            FROM days
        ),
        aged AS (
            SELECT s.base_day, s.base_day - d.day AS age, d.*
            FROM snapshots AS s JOIN runs AS d ON d.user_id = s.user_id AND d.day < s.base_day
        ),
        measured AS (
            SELECT user_id, base_day, {_PLAY}, {counts}, {means}, {best}
            FROM aged GROUP BY user_id, base_day
        ),
        keys AS (
            SELECT user_id, base_day, {keyed}
            FROM (SELECT s.user_id, s.base_day, k.metric, k.key, min(s.base_day - k.day) AS age
                  FROM snapshots AS s JOIN player_day_keys AS k
                      ON k.user_id = s.user_id AND k.day BETWEEN s.base_day - 90 AND s.base_day - 1
                  GROUP BY ALL)
            GROUP BY user_id, base_day
        )
        SELECT measured.*, coalesce(COLUMNS(keys.* EXCLUDE (user_id, base_day)), 0)
        FROM measured LEFT JOIN keys USING (user_id, base_day)
        ORDER BY user_id, base_day"""


_ACTIVE = "actions > 0 AND age <= 90"
_PLAY = f"""
    min(age) FILTER (actions > 0) AS recency_days,
    max(base_day - first_day) FILTER (actions > 0) AS tenure_days,
    count(*) FILTER (actions > 0) AS active_days_life,
    max(run) FILTER (actions > 0) AS best_streak_days,
    coalesce(arg_min(run, age) FILTER (actions > 0 AND age <= 2), 0) AS streak_days,
    {", ".join(f"count(*) FILTER (actions > 0 AND age <= {n}) AS active_days_{n}" for n in (1, 3, 7, 14, 28, 90))},
    {", ".join(f"coalesce(sum(actions) FILTER (age <= {n}), 0) AS events_{n}" for n in SPANS)},
    coalesce(sum(sessions) FILTER (age <= 28), 0) AS sessions_28,
    coalesce(sum(minutes) FILTER (age <= 28), 0) AS minutes_28,
    avg(gap) FILTER (actions > 0 AND age <= 28) AS gap_mean_28,
    stddev_pop(gap) FILTER (actions > 0 AND age <= 28) AS gap_sd_28,
    sum(hour_sin) FILTER ({_ACTIVE}) / sum(actions) FILTER ({_ACTIVE}) AS hour_sin,
    sum(hour_cos) FILTER ({_ACTIVE}) / sum(actions) FILTER ({_ACTIVE}) AS hour_cos,
    avg((isodow(day) >= 6)::INTEGER) FILTER ({_ACTIVE}) AS weekend_share,
    {", ".join(f"coalesce(sum(exp(-age / {n}.0)) FILTER ({_ACTIVE}), 0) AS heat_{n}" for n in (3, 10, 30))},
    {
    ", ".join(
        f"count(*) FILTER (actions > 0 AND age <= 56 AND isodow(day) = {i}) / 8.0 AS on_{name}"
        for i, name in enumerate(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), 1)
    )
}"""


def _of_count(name: str) -> str:
    return _measures(name, f"nullif({name}, 0)", "sum", null_is_zero=True)


def _of_mean(name: str, total: str, n: str) -> str:
    spans = ", ".join(
        f"round(sum({total}) FILTER (age <= {s}) / nullif(sum({n}) FILTER (age <= {s}), 0), 9) AS {name}__{s}"
        for s in SPANS
    )
    return f"{spans}, {_shape(name, f'round({total} / nullif({n}, 0), 9)')}"


def _measures(name: str, day: str, over: str, *, null_is_zero: bool) -> str:
    values = (f"{over}({day}) FILTER (age <= {n})" for n in SPANS)
    spans = (f"coalesce({v}, 0)" if null_is_zero else v for v in values)
    named = ", ".join(f"{value} AS {name}__{n}" for n, value in zip(SPANS, spans, strict=True))
    return f"{named}, {_shape(name, day)}"


def _shape(name: str, day: str) -> str:
    week, month = (f"coalesce(sum({day}) FILTER (age <= {n}), 0) / {n}.0 + 0.05" for n in (7, 28))
    known = f"count({day}) FILTER (age <= 90) > 0"
    return f"""
        max({day}) FILTER (age <= 90) AS {name}__best, avg({day}) FILTER (age <= 28) AS {name}__per_day,
        stddev_pop({day}) FILTER (age <= 28) AS {name}__sd,
        coalesce(sum({day} * exp(-age / 10.0)) FILTER (age <= 90), 0) AS {name}__heat,
        CASE WHEN {known} THEN ln(({week}) / ({month})) END AS {name}__trend"""
