-- What was done, per metric, in long form. One row per snapshot in `snapshots` and metric with anything to say.
-- Nothing older than 90 days counts; $since is that of the earliest snapshot, so that older days are not even read. A distinct
-- metric counts its keys, over a day as over a window: the same key on two days is one.
-- Rows are told apart by one number each: metrics and snapshots are numbered.
WITH numbered AS (SELECT metric, agg, row_number() OVER (ORDER BY metric)::INTEGER AS m FROM metrics),
seen AS (SELECT player_key, base_day, row_number() OVER (ORDER BY player_key, base_day) AS s FROM snapshots),
recent_keys AS (
    SELECT player_key, day, m, key
    FROM known_player_day_keys SEMI JOIN snapshots USING (player_key) JOIN numbered USING (metric)
    WHERE day >= $since::DATE
),
keys_per_day AS (SELECT player_key, day, m, count(*) AS n_keys FROM recent_keys GROUP BY player_key, day, m),
keyed AS (
    SELECT s * 1_000 + m AS k,
           count(*) FILTER (age <= 1)::DOUBLE AS v_1, count(*) FILTER (age <= 7)::DOUBLE AS v_7,
           count(*) FILTER (age <= 28)::DOUBLE AS v_28, count(*)::DOUBLE AS v_90
    FROM (
        SELECT s.s, k.m, k.key, min(s.base_day - k.day) AS age
        FROM seen s
        JOIN recent_keys k ON k.player_key = s.player_key AND k.day BETWEEN s.base_day - 90 AND s.base_day - 1
        GROUP BY s.s, k.m, k.key
    )
    GROUP BY k
),
per_day AS ( -- of all cohorts together
    SELECT min(player_key) AS player_key, min(day) AS day, min(m) AS m, sum(n) AS n, sum(sum) AS sum, min(min) AS min, max(max) AS max
    FROM known_player_days SEMI JOIN snapshots USING (player_key) JOIN numbered USING (metric)
    WHERE day >= $since::DATE
    GROUP BY (player_key * 100_000 + (day - $since::DATE)) * 1_000 + m
),
valued AS (
    SELECT d.*, agg, part_value(agg, d.n, sum, min, max, 1, n_keys) AS day_value
    FROM per_day d JOIN numbered USING (m) LEFT JOIN keys_per_day USING (player_key, day, m)
),
aged AS (
    SELECT s.s * 1_000 + d.m AS k, s.base_day - d.day AS age, d.* EXCLUDE (player_key, day, m)
    FROM seen s JOIN valued d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 90 AND s.base_day - 1
),
quarter AS (
    SELECT k, sum(n) AS n, sum(sum) AS sum, min(min) AS min, max(max) AS max, count(*) AS days,
           min(day_value) AS least, max(day_value) AS most, sum(day_value * exp(-age / 10.0)) AS heat
    FROM aged GROUP BY k
),
month AS (
    SELECT k,
           sum(n) FILTER (age <= 1) AS n_1, sum(sum) FILTER (age <= 1) AS sum_1, min(min) FILTER (age <= 1) AS min_1,
           max(max) FILTER (age <= 1) AS max_1, count(*) FILTER (age <= 1) AS days_1,
           sum(n) FILTER (age <= 7) AS n_7, sum(sum) FILTER (age <= 7) AS sum_7, min(min) FILTER (age <= 7) AS min_7,
           max(max) FILTER (age <= 7) AS max_7, count(*) FILTER (age <= 7) AS days_7, sum(day_value) FILTER (age <= 7) AS in_7,
           sum(n) AS n_28, sum(sum) AS sum_28, min(min) AS min_28, max(max) AS max_28, count(*) AS days_28, sum(day_value) AS in_28,
           avg(day_value) AS per_day, stddev_pop(day_value) AS sd
    FROM aged WHERE age <= 28 GROUP BY k
)
SELECT s.player_key, s.base_day, a.metric,
       coalesce(k.v_1, part_value(agg, n_1, sum_1, min_1, max_1, coalesce(days_1, 0), NULL)) AS v_1,
       coalesce(k.v_7, part_value(agg, n_7, sum_7, min_7, max_7, coalesce(days_7, 0), NULL)) AS v_7,
       coalesce(k.v_28, part_value(agg, n_28, sum_28, min_28, max_28, coalesce(days_28, 0), NULL)) AS v_28,
       coalesce(k.v_90, part_value(agg, q.n, q.sum, q.min, q.max, q.days, NULL)) AS v_90,
       CASE WHEN agg = 'min' THEN least ELSE most END AS best,
       per_day, sd, heat,
       ln((coalesce(in_7, 0) / 7.0 + 0.05) / (coalesce(in_28, 0) / 28.0 + 0.05)) AS trend
FROM quarter q
LEFT JOIN month USING (k)
LEFT JOIN keyed k USING (k)
JOIN seen s ON s.s = q.k // 1_000
JOIN numbered a ON a.m = q.k % 1_000
