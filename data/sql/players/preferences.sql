-- What each of `asked` (player_key) chose from $since until before $base_day, of `wanted` (name, event, path).
WITH chosen AS (
    SELECT player_key, w.name, json_extract_string(properties, w.path) AS value
    FROM events_at($cut) e SEMI JOIN asked USING (player_key)
    JOIN wanted w ON w.event = e.event
    WHERE day >= $since AND day < $base_day
),
counted AS (
    SELECT player_key, name, value, count(*) AS n
    FROM chosen WHERE value IS NOT NULL GROUP BY player_key, name, value
),
medians AS (SELECT player_key, name, round(median(try_cast(value AS DOUBLE)), 3) AS median FROM chosen GROUP BY player_key, name)
SELECT player_key, name, first(value ORDER BY n DESC, value) AS value, round(max(n) / sum(n), 3) AS share,
       any_value(median) AS median, sum(n)::BIGINT AS times
FROM counted JOIN medians USING (player_key, name)
GROUP BY player_key, name
ORDER BY player_key, name
