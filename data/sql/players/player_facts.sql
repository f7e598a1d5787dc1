-- What the newest record that tells it says of each of `snapshots` (player_key, base_day): age in years, to the hundredth, so
-- that who was born on a day is as old whatever the zone. Records count from the day on which they hold, if known by $cut.
SELECT s.player_key, s.base_day, round(date_diff('day', r.born_on, s.base_day) / 365.25, 2)::DOUBLE AS age
FROM snapshots s
LEFT JOIN player_records r
       ON r.player_key = s.player_key AND r.available_at <= $cut AND r.born_on IS NOT NULL AND r.recorded_at < s.base_day
QUALIFY row_number() OVER (PARTITION BY s.player_key, s.base_day ORDER BY r.recorded_at DESC, r.available_at DESC) = 1
ORDER BY s.base_day, s.player_key
