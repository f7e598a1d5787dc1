-- The local days of each player that the stretches in `silences` (since, until: the app's own time, days moved to begin
-- at midnight) touch: player_key, first_day, last_day.
WITH zones AS (
    SELECT player_key, timezone FROM player_records
    WHERE timezone IS NOT NULL AND available_at <= $cut
    QUALIFY row_number() OVER (PARTITION BY player_key ORDER BY recorded_at DESC, available_at DESC) = 1
)
SELECT p.player_key,
       (timezone(coalesce(z.timezone, $zone), timezone($zone, s.since + $shift)) - $shift)::DATE AS first_day,
       (timezone(coalesce(z.timezone, $zone), timezone($zone, s.until + $shift)) - $shift - INTERVAL 1 MICROSECOND)::DATE
           AS last_day
FROM players p CROSS JOIN silences s LEFT JOIN zones z USING (player_key)
