-- What the metrics in `asked` (metric) came to in 28 days in each cohort that each of `snapshots` (player_key, base_day) played;
-- none for play that belongs to no cohort ('all').
SELECT s.player_key, s.base_day, d.cohort, d.metric,
       part_value(any_value(m.agg), sum(d.n), sum(d.sum), min(d.min), max(d.max), count(DISTINCT d.day), NULL)::DOUBLE AS value
FROM snapshots s
JOIN known_player_days d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 28 AND s.base_day - 1
JOIN asked a ON a.metric = d.metric
JOIN metrics m ON m.metric = d.metric
WHERE d.cohort <> 'all'
GROUP BY s.player_key, s.base_day, d.cohort, d.metric
ORDER BY s.base_day, s.player_key, d.cohort, d.metric
