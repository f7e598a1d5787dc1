-- For each player: the first local day, in their zone, that was not over at $cut; never later than $as_of.
WITH zones AS (
    SELECT player_key, timezone FROM player_records
    WHERE timezone IS NOT NULL AND available_at <= $cut
    QUALIFY row_number() OVER (PARTITION BY player_key ORDER BY recorded_at DESC, available_at DESC) = 1
)
SELECT p.player_key, least($as_of::DATE, (timezone(coalesce(z.timezone, $zone), $cut) - $shift)::DATE) AS running_day
FROM players p LEFT JOIN zones z USING (player_key)
