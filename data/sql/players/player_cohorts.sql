-- The cohort that each of `snapshots` (player_key, base_day) played most in the days before, by the metrics in `asked`
-- (metric): $within days back. Play that belongs to no cohort ('all') counts only where there is no other.
SELECT s.player_key, s.base_day, coalesce(c.cohort, 'all') AS cohort
FROM snapshots s
LEFT JOIN (
    SELECT s.player_key, s.base_day, d.cohort
    FROM snapshots s
    JOIN known_player_days d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - $within AND s.base_day - 1
    SEMI JOIN asked a ON a.metric = d.metric
    WHERE d.cohort <> 'all'
    GROUP BY s.player_key, s.base_day, d.cohort
    QUALIFY row_number() OVER (PARTITION BY s.player_key, s.base_day ORDER BY sum(d.n) DESC, d.cohort) = 1
) c USING (player_key, base_day)
ORDER BY s.base_day, s.player_key
