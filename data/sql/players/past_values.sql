-- What each metric came to in a player's own recent windows in which they played: the evidence for empirical Bayes.
-- Input: `snapshots` (player_key, base_day), `lengths` (window_days), `asked` (metric).
-- Windows tile the 90 days before base_day backwards; at most 20 played ones count, the latest.
WITH days AS ( -- of all cohorts together, so that a day is one row
    SELECT player_key, day, metric, sum(n) AS n, sum(sum) AS sum, min(min) AS min, max(max) AS max
    FROM known_player_days SEMI JOIN snapshots USING (player_key) SEMI JOIN asked USING (metric)
    WHERE day >= (SELECT min(base_day) FROM snapshots) - 90
    GROUP BY ALL
),
day_keys AS (
    FROM known_player_day_keys SEMI JOIN snapshots USING (player_key) SEMI JOIN asked USING (metric)
    WHERE day >= (SELECT min(base_day) FROM snapshots) - 90
),
recent AS (
    SELECT s.player_key, s.base_day, d.day
    FROM snapshots s
    JOIN known_active_days d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
),
tiles AS (
    SELECT DISTINCT player_key, base_day, window_days, (base_day - 1 - day) // window_days AS tile
    FROM recent CROSS JOIN lengths
),
latest AS (
    FROM tiles
    WHERE (tile + 1) * window_days <= 90 -- whole ones
    QUALIFY row_number() OVER (PARTITION BY player_key, base_day, window_days ORDER BY tile) <= 20
),
done AS (
    SELECT s.player_key, s.base_day, l.window_days, (s.base_day - 1 - d.day) // l.window_days AS tile, d.metric,
           sum(d.n) AS n, sum(d.sum) AS sum, min(d.min) AS min, max(d.max) AS max, count(*) AS days
    FROM snapshots s
    JOIN days d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
    CROSS JOIN lengths l
    GROUP BY ALL
),
keyed AS (
    SELECT s.player_key, s.base_day, l.window_days, (s.base_day - 1 - d.day) // l.window_days AS tile, d.metric,
           count(DISTINCT d.key) AS n_keys
    FROM snapshots s
    JOIN day_keys d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
    CROSS JOIN lengths l
    GROUP BY ALL
)
SELECT t.player_key, t.base_day, t.window_days, m.metric,
       part_value(m.agg, d.n, d.sum, d.min, d.max, d.days, k.n_keys) AS value,
       round(sum(pow(2, -(t.tile * t.window_days) / 28.0)), 9) AS weight
FROM latest t
CROSS JOIN (SELECT * FROM metrics SEMI JOIN asked USING (metric)) m
LEFT JOIN done d ON d.player_key = t.player_key AND d.base_day = t.base_day AND d.window_days = t.window_days
                AND d.tile = t.tile AND d.metric = m.metric
LEFT JOIN keyed k ON k.player_key = t.player_key AND k.base_day = t.base_day AND k.window_days = t.window_days
                 AND k.tile = t.tile AND k.metric = m.metric
GROUP BY t.player_key, t.base_day, t.window_days, m.metric, value
HAVING value IS NOT NULL
ORDER BY t.player_key, t.base_day, t.window_days, m.metric, value
