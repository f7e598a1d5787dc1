-- What each metric of `asked` (metric) has come to in the lives of `who` (player_key), of metrics that add up, and how much
-- of it from the day $since on. One row for each player and metric with any of it. `pace_days`: the days from $since to
-- $as_of, for newcomers those since their first, but at least $fewest.
WITH mine AS (
    SELECT d.player_key, d.metric, m.agg, d.day, d.n, d.sum, CASE WHEN m.agg = 'days' THEN d.day END AS d -- to tell apart costs
    FROM known_player_days d
    SEMI JOIN who USING (player_key)
    SEMI JOIN asked USING (metric)
    JOIN metrics m ON m.metric = d.metric
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
    SELECT player_key, metric,
           part_value(agg, sum(m.n), sum(m.sum), NULL, NULL, count(DISTINCT d), any_value(k.n)) AS value,
           part_value(agg, sum(m.n) FILTER (day >= $since), sum(m.sum) FILTER (day >= $since), NULL, NULL,
                      count(DISTINCT d) FILTER (day >= $since), any_value(k.n_since)) AS gain
    FROM mine m LEFT JOIN keyed k USING (player_key, metric)
    WHERE adds_up(agg)
    GROUP BY player_key, metric, agg
),
first_days AS (SELECT player_key, min(day) AS first_day FROM known_active_days SEMI JOIN who USING (player_key) GROUP BY player_key)
SELECT l.player_key, l.metric, l.value, l.gain,
       least($as_of::DATE - $since::DATE, greatest($fewest, $as_of::DATE - coalesce(f.first_day, $since::DATE)))::DOUBLE AS pace_days
FROM lives l LEFT JOIN first_days f USING (player_key)
ORDER BY l.player_key, l.metric
