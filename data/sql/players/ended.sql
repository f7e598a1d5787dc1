-- Whether the last that each of `snapshots` (player_key, base_day) did was what play ends with: something that the metric $last
-- counts. Who has played on a later day has not come to the end.
SELECT s.player_key, s.base_day, coalesce(e.day >= p.day, FALSE)::DOUBLE AS ended
FROM snapshots s
ASOF LEFT JOIN known_active_days p ON p.player_key = s.player_key AND s.base_day > p.day
ASOF LEFT JOIN (SELECT DISTINCT player_key, day FROM known_player_days WHERE metric = $last AND n > 0) e
    ON e.player_key = s.player_key AND s.base_day > e.day
ORDER BY s.base_day, s.player_key
