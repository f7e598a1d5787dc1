-- How many players acted in each hour of the app's own time (its zone, days moved to begin at midnight) from $since on,
-- before $base_day, as known at $cut. Hours without anybody have no row.
SELECT date_trunc('hour', timezone($zone, occurred_at) - $shift) AS hour, count(DISTINCT player_key) AS players
FROM events_at($cut)
WHERE active AND day >= $since - INTERVAL 1 DAY
  AND (timezone($zone, occurred_at) - $shift)::DATE BETWEEN $since AND $base_day::DATE - 1
GROUP BY ALL
ORDER BY hour
