-- How many players acted in each hour of the app's own time (its zone, days moved to begin at midnight) from $since on,
-- before $base_day, as known at $cut. Hours without anybody have no row. Until they are counted hours are numbers.
WITH acted AS (
    SELECT player_key, epoch_us(timezone($zone, occurred_at) - $shift) // 3_600_000_000 AS h
    FROM events_at($cut)
    WHERE active AND day >= $since - INTERVAL 1 DAY
),
told AS (SELECT player_key, h FROM acted GROUP BY player_key, h)
SELECT make_timestamp(h * 3_600_000_000) AS hour, count(*) AS players
FROM told
GROUP BY h
HAVING hour >= $since AND hour < $base_day::DATE
ORDER BY hour
