-- Players to whom nothing is to be said on the day $as_of, as known by $cut, and the reason: the latest record that tells says
-- that they have opted out, or they have paused over that day.
SELECT player_key, min(reason) AS reason
FROM (
    SELECT player_key, 'opted out' AS reason
    FROM player_records
    WHERE available_at <= $cut AND opted_out IS NOT NULL
    GROUP BY player_key
    HAVING arg_max(opted_out, (recorded_at, available_at))
    UNION ALL
    SELECT player_key, 'paused'
    FROM pauses_known($cut::TIMESTAMPTZ)
    WHERE $as_of::DATE BETWEEN first_day AND last_day
)
GROUP BY player_key
ORDER BY player_key
