-- What each metric of `asked` (metric) has come to in the lives of `who` (player_key), of metrics that add up, and how much
-- of it from the day $since on. One row for each player and metric with any of it. `pace_days`: the days from $since to
-- $as_of, for newcomers those since their first, but at least $fewest.
WITH mine AS (
    SELECT d.player_key, d.metric, m.agg, d.day, d.n, d.sum
    FROM known_player_days d
    SEMI JOIN who USING (player_key)
    SEMI JOIN asked USING (metric)
    JOIN metrics m ON m.metric = d.metric
    WHERE adds_up(agg)
),
summed AS (
    SELECT player_key, metric, agg, sum(n) AS n, sum(sum) AS sum,
           sum(n) FILTER (day >= $since) AS n_since, sum(sum) FILTER (day >= $since) AS sum_since
    FROM mine GROUP BY player_key, metric, agg
),
days AS ( -- to tell apart costs: only where they count
    SELECT player_key, metric, count(*) AS days, count(*) FILTER (day >= $since) AS days_since
    FROM (SELECT DISTINCT player_key, metric, day FROM mine WHERE agg = 'days') GROUP BY player_key, metric
),
keys AS (
    SELECT player_key, metric, key, min(day) AS first_day
    FROM known_player_day_keys SEMI JOIN who USING (player_key) SEMI JOIN asked USING (metric)
    GROUP BY player_key, metric, key
),
keyed AS (
    SELECT player_key, metric, count(*) AS n, count(*) FILTER (first_day >= $since) AS n_since FROM keys GROUP BY ALL
),
lives AS (
    SELECT player_key, metric, part_value(agg, s.n, s.sum, NULL, NULL, days, k.n) AS value,
           part_value(agg, s.n_since, s.sum_since, NULL, NULL, days_since, k.n_since) AS gain
    FROM summed s LEFT JOIN days USING (player_key, metric) LEFT JOIN keyed k USING (player_key, metric)
),
first_days AS (SELECT player_key, min(day) AS first_day FROM known_active_days SEMI JOIN who USING (player_key) GROUP BY player_key)
SELECT l.player_key, l.metric, l.value, l.gain,
       least($as_of::DATE - $since::DATE, greatest($fewest, $as_of::DATE - coalesce(f.first_day, $since::DATE)))::DOUBLE AS pace_days
FROM lives l LEFT JOIN first_days f USING (player_key)
ORDER BY l.player_key, l.metric
