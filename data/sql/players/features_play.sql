-- Habit and recency of play. One row per snapshot in `snapshots` (player_key, base_day); only days before base_day count.
-- What spans a whole life is counted once per player and day, and looked up; the rest looks back 90 days.
WITH played AS (
    SELECT *, row_number() OVER w AS nth, day - lag(day) OVER w AS gap, min(day) OVER (PARTITION BY player_key) AS first_day
    FROM known_active_days SEMI JOIN snapshots USING (player_key)
    WINDOW w AS (PARTITION BY player_key ORDER BY day)
),
runs AS (
    SELECT player_key, day, nth, first_day,
           row_number() OVER (PARTITION BY player_key, day - nth::INTEGER ORDER BY day) AS length
    FROM played
),
lives AS (SELECT *, max(length) OVER (PARTITION BY player_key ORDER BY day) AS longest FROM runs),
latest AS (
    SELECT s.player_key, s.base_day,
           s.base_day - l.day AS recency_days,
           s.base_day - l.first_day AS tenure_days,
           l.nth AS active_days_life,
           l.longest AS best_streak_days,
           CASE WHEN s.base_day - l.day <= 2 THEN l.length ELSE 0 END AS streak_days
    FROM snapshots s ASOF JOIN lives l ON s.player_key = l.player_key AND s.base_day > l.day
),
days AS (
    SELECT s.player_key, s.base_day, s.base_day - d.day AS age, d.day, d.gap, d.n_events, d.n_sessions, d.active_minutes,
           d.hour_sin, d.hour_cos
    FROM snapshots s JOIN played d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
),
habits AS (
    SELECT player_key, base_day,
           count(*) FILTER (age <= 1) AS active_days_1,
           count(*) FILTER (age <= 3) AS active_days_3,
           count(*) FILTER (age <= 7) AS active_days_7,
           count(*) FILTER (age <= 14) AS active_days_14,
           count(*) FILTER (age <= 28) AS active_days_28,
           count(*) AS active_days_90,
           coalesce(sum(n_events) FILTER (age <= 1), 0) AS events_1,
           coalesce(sum(n_events) FILTER (age <= 7), 0) AS events_7,
           coalesce(sum(n_events) FILTER (age <= 28), 0) AS events_28,
           sum(n_events) AS events_90,
           coalesce(sum(n_sessions) FILTER (age <= 28), 0) AS sessions_28,
           coalesce(sum(active_minutes) FILTER (age <= 28), 0) AS minutes_28,
           sum(active_minutes) / greatest(sum(n_sessions), 1) AS minutes_per_session,
           sum(hour_sin) / sum(n_events) AS hour_sin,
           sum(hour_cos) / sum(n_events) AS hour_cos,
           avg((isodow(day) >= 6)::INTEGER) AS weekend_share,
           avg(gap) FILTER (age <= 28) AS gap_mean_28,
           stddev_pop(gap) FILTER (age <= 28) AS gap_sd_28,
           sum(exp(-age / 3.0)) AS heat_3,
           sum(exp(-age / 10.0)) AS heat_10,
           sum(exp(-age / 30.0)) AS heat_30,
           count(*) FILTER (age <= 56 AND isodow(day) = 1) / 8.0 AS on_monday,
           count(*) FILTER (age <= 56 AND isodow(day) = 2) / 8.0 AS on_tuesday,
           count(*) FILTER (age <= 56 AND isodow(day) = 3) / 8.0 AS on_wednesday,
           count(*) FILTER (age <= 56 AND isodow(day) = 4) / 8.0 AS on_thursday,
           count(*) FILTER (age <= 56 AND isodow(day) = 5) / 8.0 AS on_friday,
           count(*) FILTER (age <= 56 AND isodow(day) = 6) / 8.0 AS on_saturday,
           count(*) FILTER (age <= 56 AND isodow(day) = 7) / 8.0 AS on_sunday
    FROM days
    GROUP BY player_key, base_day
)
SELECT s.player_key, s.base_day, l.* EXCLUDE (player_key, base_day, streak_days),
       coalesce(l.streak_days, 0) AS streak_days, h.* EXCLUDE (player_key, base_day)
FROM snapshots s
LEFT JOIN latest l USING (player_key, base_day)
LEFT JOIN habits h USING (player_key, base_day)
