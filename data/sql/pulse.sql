-- How much play of each of the last $days days was known when its own night came: kind, name, back (0 is the newest day) and n.
-- Day by day as it was known then, so that an app whose input always arrives late is compared with itself.
WITH lately AS (
    SELECT player_key, ($base_day::DATE - 1 - day)::INTEGER AS back
    FROM events
    WHERE active AND day < $base_day AND day >= $base_day::DATE - $days::INTEGER
      AND available_at <= $cut::TIMESTAMPTZ - to_days(($base_day::DATE - 1 - day)::INTEGER)
),
parts AS (
    SELECT metric, cohort, n, ($base_day::DATE - 1 - day)::INTEGER AS back
    FROM known_player_days
    WHERE day < $base_day AND day >= $base_day::DATE - $days::INTEGER
      AND available_at <= $cut::TIMESTAMPTZ - to_days(($base_day::DATE - 1 - day)::INTEGER)
)
SELECT 'play' AS kind, 'events' AS name, back, count(*)::DOUBLE AS n FROM lately GROUP BY ALL
UNION ALL SELECT 'play', 'players', back, count(DISTINCT player_key)::DOUBLE FROM lately GROUP BY ALL
UNION ALL SELECT 'metric', metric, back, sum(n)::DOUBLE FROM parts GROUP BY ALL
UNION ALL SELECT 'cohort', cohort, back, sum(n)::DOUBLE FROM parts GROUP BY ALL
ORDER BY kind, name, back
