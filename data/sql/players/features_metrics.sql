-- What was done, per metric, in long form. One row per snapshot in `snapshots` and metric with anything to say.
-- Nothing older than 90 days counts. A distinct metric counts its keys, over a day as over a window: the same key on two days is one.
WITH recent_keys AS (
    FROM known_player_day_keys SEMI JOIN snapshots USING (player_key)
    WHERE day >= (SELECT min(base_day) FROM snapshots) - 90
),
keys_per_day AS (
    SELECT player_key, metric, day, count(DISTINCT key) AS n_keys
    FROM recent_keys
    GROUP BY player_key, metric, day
),
keyed AS (
    SELECT player_key, base_day, metric,
           count(*) FILTER (age <= 1)::DOUBLE AS v_1, count(*) FILTER (age <= 7)::DOUBLE AS v_7,
           count(*) FILTER (age <= 28)::DOUBLE AS v_28, count(*)::DOUBLE AS v_90
    FROM (
        SELECT s.player_key, s.base_day, k.metric, k.key, min(s.base_day - k.day) AS age
        FROM snapshots s
        JOIN recent_keys k ON k.player_key = s.player_key AND k.day BETWEEN s.base_day - 90 AND s.base_day - 1
        GROUP BY s.player_key, s.base_day, k.metric, k.key
    )
    GROUP BY player_key, base_day, metric
),
per_day AS (
    SELECT player_key, metric, day, sum(n) AS n, sum(sum) AS sum, min(min) AS min, max(max) AS max
    FROM known_player_days SEMI JOIN snapshots USING (player_key)
    WHERE day >= (SELECT min(base_day) FROM snapshots) - 90
    GROUP BY player_key, metric, day
),
aged AS (
    SELECT s.player_key, s.base_day, d.metric, m.agg, s.base_day - d.day AS age, d.n, d.sum, d.min, d.max,
           part_value(m.agg, d.n, d.sum, d.min, d.max, 1, k.n_keys) AS day_value
    FROM snapshots s
    JOIN per_day d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
    JOIN metrics m ON m.metric = d.metric
    LEFT JOIN keys_per_day k ON k.player_key = d.player_key AND k.metric = d.metric AND k.day = d.day
),
summed AS (
    SELECT player_key, base_day, metric,
           part_value(agg, sum(n) FILTER (age <= 1), sum(sum) FILTER (age <= 1), min(min) FILTER (age <= 1),
                      max(max) FILTER (age <= 1), count(*) FILTER (age <= 1), NULL) AS v_1,
           part_value(agg, sum(n) FILTER (age <= 7), sum(sum) FILTER (age <= 7), min(min) FILTER (age <= 7),
                      max(max) FILTER (age <= 7), count(*) FILTER (age <= 7), NULL) AS v_7,
           part_value(agg, sum(n) FILTER (age <= 28), sum(sum) FILTER (age <= 28), min(min) FILTER (age <= 28),
                      max(max) FILTER (age <= 28), count(*) FILTER (age <= 28), NULL) AS v_28,
           part_value(agg, sum(n), sum(sum), min(min), max(max), count(*), NULL) AS v_90,
           CASE WHEN agg = 'min' THEN min(day_value) ELSE max(day_value) END AS best,
           avg(day_value) FILTER (age <= 28) AS per_day,
           stddev_pop(day_value) FILTER (age <= 28) AS sd,
           sum(day_value * exp(-age / 10.0)) AS heat,
           ln((coalesce(sum(day_value) FILTER (age <= 7), 0) / 7.0 + 0.05)
              / (coalesce(sum(day_value) FILTER (age <= 28), 0) / 28.0 + 0.05)) AS trend
    FROM aged
    GROUP BY player_key, base_day, metric, agg
)
SELECT t.* REPLACE (coalesce(k.v_1, t.v_1) AS v_1, coalesce(k.v_7, t.v_7) AS v_7, coalesce(k.v_28, t.v_28) AS v_28,
                    coalesce(k.v_90, t.v_90) AS v_90)
FROM summed t LEFT JOIN keyed k USING (player_key, base_day, metric)
