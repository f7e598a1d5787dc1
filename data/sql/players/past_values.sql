-- What each metric came to in a player's own recent windows in which they played: the evidence for empirical Bayes.
-- Input: `snapshots` (player_key, base_day), `lengths` (window_days), `asked` (metric); $since: 90 days before the earliest snapshot.
-- Windows tile the 90 days before base_day backwards; at most 20 played ones count, the latest.
-- Rows are told apart and sorted by one number each: metrics, snapshots, windows and what is asked of them are numbered.
WITH numbered AS (
    SELECT metric, agg, row_number() OVER (ORDER BY metric)::INTEGER AS m,
           part_value(agg, NULL, NULL, NULL, NULL, NULL, NULL) AS of_none
    FROM metrics SEMI JOIN asked USING (metric)
),
seen AS (
    SELECT player_key, base_day, row_number() OVER (ORDER BY player_key, base_day) AS s, dense_rank() OVER (ORDER BY player_key) AS p
    FROM snapshots
),
spans AS (SELECT window_days, row_number() OVER (ORDER BY window_days) - 1 AS w FROM lengths),
who AS (SELECT DISTINCT player_key, p FROM seen),
days AS ( -- of all cohorts together, so that a day is one row
    SELECT min(p) AS p, min(d.day) AS day, min(m) AS m, sum(d.n) AS n, sum(sum) AS sum, min(min) AS min, max(max) AS max
    FROM known_player_days d JOIN who USING (player_key) JOIN numbered USING (metric)
    WHERE d.day >= $since::DATE
    GROUP BY (p * 100_000 + (d.day - $since::DATE)) * 1_000 + m
),
tiles AS (
    SELECT DISTINCT s.s * 100 + l.w AS u, l.window_days, (s.base_day - 1 - d.day) // l.window_days AS tile
    FROM seen s
    JOIN known_active_days d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
    CROSS JOIN spans l
    WHERE d.day >= $since::DATE
),
latest AS (
    SELECT u, u * 100 + tile AS t, pow(2, -(tile * window_days) / 28.0) AS weight
    FROM tiles
    WHERE (tile + 1) * window_days <= 90 -- whole ones
    QUALIFY row_number() OVER (PARTITION BY u ORDER BY tile) <= 20
),
in_windows AS (
    FROM (
        SELECT (s.s * 100 + l.w) * 100 + (s.base_day - 1 - d.day) // l.window_days AS t, l.window_days, d.m, d.n, d.sum, d.min, d.max
        FROM seen s
        JOIN days d ON d.p = s.p AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
        CROSS JOIN spans l
    )
    SEMI JOIN latest USING (t)
),
done AS ( -- a day is a window of its own where they are a day long
    SELECT t, m, n, sum, min, max, 1 AS days FROM in_windows WHERE window_days = 1
    UNION ALL BY NAME
    SELECT min(t) AS t, min(m) AS m, sum(n) AS n, sum(sum) AS sum, min(min) AS min, max(max) AS max, count(*) AS days
    FROM in_windows
    WHERE window_days > 1
    GROUP BY t * 1_000 + m
),
keyed AS (
    SELECT (s.s * 100 + l.w) * 100 + (s.base_day - 1 - d.day) // l.window_days AS t, m, count(DISTINCT d.key) AS n_keys
    FROM seen s
    JOIN known_player_day_keys d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
    JOIN numbered USING (metric)
    CROSS JOIN spans l
    WHERE d.day >= $since::DATE
    GROUP BY ALL
),
valued AS (
    SELECT l.u * 1_000 + d.m AS k, l.weight, part_value(a.agg, d.n, d.sum, d.min, d.max, d.days, k.n_keys) AS value
    FROM done d
    JOIN latest l USING (t)
    JOIN numbered a ON a.m = d.m
    LEFT JOIN keyed k ON k.t = d.t AND k.m = d.m
),
whole AS (SELECT u, count(*) AS n, sum(weight) AS weight FROM latest GROUP BY u),
had AS (SELECT k, count(*) AS n, sum(weight) AS weight FROM valued GROUP BY k),
idle AS ( -- windows with play and none of it
    SELECT w.u * 1_000 + a.m AS k, w.weight - coalesce(h.weight, 0) AS weight, a.of_none AS value
    FROM whole w
    CROSS JOIN numbered a
    LEFT JOIN had h ON h.k = w.u * 1_000 + a.m
    WHERE w.n > coalesce(h.n, 0)
),
added AS (
    SELECT k, value, round(sum(weight), 9) AS weight
    FROM (FROM valued UNION ALL BY NAME FROM idle)
    WHERE value IS NOT NULL
    GROUP BY ALL
)
SELECT s.player_key, s.base_day, l.window_days, (SELECT list(metric ORDER BY m) FROM numbered)[k % 1_000] AS metric, value, weight
FROM added
JOIN seen s ON s.s = k // 100_000
JOIN spans l ON l.w = k // 1_000 % 100
ORDER BY k, value
