-- How long players pause who come back: the $share quantile of the days between two days of play, over the $back days
-- before the base day. Null without any.
SELECT quantile_cont(gap, $share) AS pause
FROM (
    SELECT day, day - lag(day) OVER (PARTITION BY player_key ORDER BY day) AS gap
    FROM known_active_days
    WHERE day BETWEEN $base_day::DATE - $back::INTEGER AND $base_day::DATE - 1
)
WHERE gap IS NOT NULL
