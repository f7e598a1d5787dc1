-- Days to the next and since the last entry of `entries` (on, cohort) for each of `snapshots` (player_key, base_day).
-- A player's cohort is the one they played most in the 28 days before.
WITH cohorts AS (
    SELECT s.player_key, s.base_day, d.cohort
    FROM snapshots s
    JOIN known_player_days d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 28 AND s.base_day - 1
    WHERE EXISTS (FROM entries)
    GROUP BY s.player_key, s.base_day, d.cohort
    QUALIFY row_number() OVER (PARTITION BY s.player_key, s.base_day ORDER BY sum(d.n) DESC, d.cohort) = 1
)
SELECT s.player_key, s.base_day,
       min(e."on" - s.base_day) FILTER (e."on" >= s.base_day) AS next_calendar_days,
       min(s.base_day - e."on") FILTER (e."on" < s.base_day) AS last_calendar_days
FROM snapshots s
LEFT JOIN cohorts c USING (player_key, base_day)
LEFT JOIN entries e ON e.cohort IS NULL OR e.cohort = c.cohort
GROUP BY s.player_key, s.base_day
