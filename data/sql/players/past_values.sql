-- What each metric came to in a player's own recent windows in which they played: the evidence for empirical Bayes.
-- Input: `snapshots` (player_key, base_day), `lengths` (window_days), `asked` (metric).
-- Windows tile the 90 days before base_day backwards; at most 20 played ones count, the latest.
WITH numbered AS ( -- numbers are told apart and sorted faster than names
    SELECT metric, agg, row_number() OVER (ORDER BY metric)::USMALLINT AS m,
           part_value(agg, NULL, NULL, NULL, NULL, NULL, NULL) AS of_none
    FROM metrics SEMI JOIN asked USING (metric)
),
days AS ( -- of all cohorts together, so that a day is one row
    SELECT player_key, day, m, sum(n) AS n, sum(sum) AS sum, min(min) AS min, max(max) AS max
    FROM known_player_days SEMI JOIN snapshots USING (player_key) JOIN numbered USING (metric)
    WHERE day >= (SELECT min(base_day) FROM snapshots) - 90
    GROUP BY ALL
),
tiles AS (
    SELECT DISTINCT s.player_key, s.base_day, l.window_days, (s.base_day - 1 - d.day) // l.window_days AS tile
    FROM snapshots s
    JOIN known_active_days d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
    CROSS JOIN lengths l
),
latest AS (
    SELECT *, pow(2, -(tile * window_days) / 28.0) AS weight
    FROM tiles
    WHERE (tile + 1) * window_days <= 90 -- whole ones
    QUALIFY row_number() OVER (PARTITION BY player_key, base_day, window_days ORDER BY tile) <= 20
),
done AS (
    SELECT s.player_key, s.base_day, l.window_days, (s.base_day - 1 - d.day) // l.window_days AS tile, d.m,
           sum(d.n) AS n, sum(d.sum) AS sum, min(d.min) AS min, max(d.max) AS max, count(*) AS days
    FROM snapshots s
    JOIN days d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
    CROSS JOIN lengths l
    GROUP BY ALL
),
keyed AS (
    SELECT s.player_key, s.base_day, l.window_days, (s.base_day - 1 - d.day) // l.window_days AS tile, m,
           count(DISTINCT d.key) AS n_keys
    FROM snapshots s
    JOIN known_player_day_keys d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
    JOIN numbered USING (metric)
    CROSS JOIN lengths l
    GROUP BY ALL
),
valued AS (
    SELECT t.player_key, t.base_day, t.window_days, d.m, t.weight,
           part_value(a.agg, d.n, d.sum, d.min, d.max, d.days, k.n_keys) AS value
    FROM done d
    JOIN latest t USING (player_key, base_day, window_days, tile)
    JOIN numbered a ON a.m = d.m
    LEFT JOIN keyed k ON k.player_key = d.player_key AND k.base_day = d.base_day AND k.window_days = d.window_days
                     AND k.tile = d.tile AND k.m = d.m
),
whole AS (SELECT player_key, base_day, window_days, count(*) AS n, sum(weight) AS weight FROM latest GROUP BY ALL),
had AS (SELECT player_key, base_day, window_days, m, count(*) AS n, sum(weight) AS weight FROM valued GROUP BY ALL),
idle AS ( -- windows with play and none of it
    SELECT w.player_key, w.base_day, w.window_days, a.m, w.weight - coalesce(h.weight, 0) AS weight, a.of_none AS value
    FROM whole w
    CROSS JOIN numbered a
    LEFT JOIN had h ON h.player_key = w.player_key AND h.base_day = w.base_day AND h.window_days = w.window_days AND h.m = a.m
    WHERE w.n > coalesce(h.n, 0)
),
added AS (
    SELECT player_key, base_day, window_days, m, value, round(sum(weight), 9) AS weight
    FROM (FROM valued UNION ALL BY NAME FROM idle)
    WHERE value IS NOT NULL
    GROUP BY ALL
)
SELECT player_key, base_day, window_days, (SELECT list(metric ORDER BY m) FROM numbered)[m] AS metric, value, weight
FROM added
ORDER BY player_key, base_day, window_days, m, value
