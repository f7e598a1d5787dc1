-- For each player in `served` (player_key): the first local day from $as_of on that begins in their zone at or after $cut.
-- A player's night in the past is cut at their own day's start, so the zone may lead the app's by a day's beginning.
WITH zones AS (
    SELECT player_key, timezone FROM player_records
    WHERE timezone IS NOT NULL AND available_at <= $cut
    QUALIFY row_number() OVER (PARTITION BY player_key ORDER BY recorded_at DESC) = 1
),
begun AS (
    SELECT s.player_key,
           timezone(coalesce(z.timezone, $zone), $cut) - $shift AS wall
    FROM served s LEFT JOIN zones z USING (player_key)
)
SELECT player_key,
       greatest($as_of::DATE, CASE WHEN wall = date_trunc('day', wall) THEN wall::DATE ELSE wall::DATE + 1 END) AS start_day
FROM begun
