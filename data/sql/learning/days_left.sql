-- When each of `snapshots` (player_key, base_day) left: days from the base day to the first of $quiet days in a row without
-- play, looking $reach days ahead; who is there to the end of them is null.
WITH played AS (
    SELECT s.player_key, s.base_day, d.day - s.base_day AS ahead,
           lead(d.day) OVER (PARTITION BY s.player_key, s.base_day ORDER BY d.day) - s.base_day AS next_ahead
    FROM snapshots s
    JOIN known_active_days d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day AND s.base_day + $reach::INTEGER - 1
),
ends AS (
    SELECT player_key, base_day, min(ahead) AS first_ahead,
           min(ahead + 1) FILTER (coalesce(next_ahead, $reach) - ahead > $quiet) AS leaves_at
    FROM played
    GROUP BY player_key, base_day
)
SELECT s.player_key, s.base_day,
       CASE WHEN coalesce(e.first_ahead, $quiet) >= $quiet THEN 0 ELSE e.leaves_at END::INTEGER AS days_left
FROM snapshots s
LEFT JOIN ends e USING (player_key, base_day)
ORDER BY s.base_day, s.player_key
