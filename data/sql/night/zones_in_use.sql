-- The time zone of each player as known at $cut; $zone, the app's, where none is known.
SELECT player_key, coalesce(known.timezone, $zone) AS zone
FROM players
LEFT JOIN (
    SELECT player_key, timezone FROM player_records
    WHERE timezone IS NOT NULL AND available_at <= $cut
    QUALIFY row_number() OVER (PARTITION BY player_key ORDER BY recorded_at DESC, available_at DESC) = 1
) known USING (player_key)
