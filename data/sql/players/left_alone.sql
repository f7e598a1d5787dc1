-- Players to whom nothing is to be said on the day $as_of, as known by $cut, and the reason: the latest record that tells says
-- that they have opted out, or they have paused over that day.
SELECT player_key, 'opted out' AS reason
FROM (
    SELECT player_key, opted_out
    FROM player_records
    WHERE available_at <= $cut AND opted_out IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY player_key ORDER BY recorded_at DESC, available_at DESC) = 1
)
WHERE opted_out
UNION
SELECT player_key, 'paused' AS reason FROM pauses_known($cut::TIMESTAMPTZ) WHERE $as_of::DATE BETWEEN first_day AND last_day
