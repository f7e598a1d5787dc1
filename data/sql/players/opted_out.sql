-- Players whose latest record known by $cut says that they want to be left alone.
SELECT player_key
FROM player_records
WHERE available_at <= $cut AND opted_out IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY player_key ORDER BY recorded_at DESC, available_at DESC) = 1 AND opted_out
