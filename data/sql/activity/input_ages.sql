-- How old the newest known event was at the beginning of the day $base_day, as known at $cut, and at the same time on each
-- of the $days days before it on which any was known: days_ago, age_h.
WITH hours AS (
    SELECT date_trunc('hour', occurred_at) AS hour, min(available_at) AS available_at
    FROM events_at($cut) WHERE active AND day > $base_day::DATE - 2 * $days::INTEGER
    GROUP BY ALL
),
looks AS (
    SELECT days_ago, to_days(days_ago::INTEGER) AS ago, timezone($zone, $base_day::TIMESTAMP + $shift) AS begins
    FROM (SELECT unnest(range(0, $days::BIGINT + 1)) AS days_ago)
)
SELECT days_ago, date_diff('hour', max(hour), any_value(begins - ago)) AS age_h
FROM looks JOIN hours ON hour < begins - ago AND available_at <= $cut - ago
GROUP BY days_ago
ORDER BY days_ago
