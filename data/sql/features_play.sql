-- Habit and recency of play. One row per snapshot in `snapshots` (player_key, base_day); only days before base_day count.
WITH days AS (
    SELECT s.player_key, s.base_day, d.day, d.n_events, d.n_sessions, d.active_minutes, d.hour_sin, d.hour_cos,
           s.base_day - d.day AS age,
           d.day - lag(d.day) OVER w AS gap,
           d.day - (row_number() OVER w)::INTEGER AS run
    FROM snapshots s JOIN known_active_days d ON d.player_key = s.player_key AND d.day < s.base_day
    WINDOW w AS (PARTITION BY s.player_key, s.base_day ORDER BY d.day)
),
streaks AS (
    SELECT player_key, base_day, max(length) AS best_streak_days, max(length) FILTER (age <= 2) AS streak_days
    FROM (SELECT player_key, base_day, run, count(*) AS length, min(age) AS age FROM days GROUP BY ALL)
    GROUP BY player_key, base_day
),
habits AS (
    SELECT player_key, base_day,
           min(age) AS recency_days,
           max(age) AS tenure_days,
           count(*) FILTER (age <= 1) AS active_days_1,
           count(*) FILTER (age <= 3) AS active_days_3,
           count(*) FILTER (age <= 7) AS active_days_7,
           count(*) FILTER (age <= 14) AS active_days_14,
           count(*) FILTER (age <= 28) AS active_days_28,
           count(*) FILTER (age <= 90) AS active_days_90,
           count(*) AS active_days_life,
           coalesce(sum(n_events) FILTER (age <= 1), 0) AS events_1,
           coalesce(sum(n_events) FILTER (age <= 7), 0) AS events_7,
           coalesce(sum(n_events) FILTER (age <= 28), 0) AS events_28,
           coalesce(sum(n_events) FILTER (age <= 90), 0) AS events_90,
           sum(n_events) AS events_life,
           coalesce(sum(n_sessions) FILTER (age <= 28), 0) AS sessions_28,
           coalesce(sum(active_minutes) FILTER (age <= 28), 0) AS minutes_28,
           sum(active_minutes) FILTER (age <= 90) / greatest(sum(n_sessions) FILTER (age <= 90), 1) AS minutes_per_session,
           sum(hour_sin) FILTER (age <= 90) / sum(n_events) FILTER (age <= 90) AS hour_sin,
           sum(hour_cos) FILTER (age <= 90) / sum(n_events) FILTER (age <= 90) AS hour_cos,
           avg((isodow(day) >= 6)::INTEGER) FILTER (age <= 90) AS weekend_share,
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
SELECT s.player_key, s.base_day, h.* EXCLUDE (player_key, base_day), t.best_streak_days,
       coalesce(t.streak_days, 0) AS streak_days
FROM snapshots s
LEFT JOIN habits h USING (player_key, base_day)
LEFT JOIN streaks t USING (player_key, base_day)
