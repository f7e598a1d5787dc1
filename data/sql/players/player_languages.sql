-- The language that players' records give, the latest that was known by $cut: player_key, language.
SELECT player_key, arg_max(language, (recorded_at, available_at)) AS language
FROM player_records
WHERE available_at <= $cut AND language IS NOT NULL
GROUP BY player_key
