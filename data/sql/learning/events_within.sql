-- How much was done within each of `windows` (window_id, player_key, start_day, end_day), in active events, and whether
-- there was any play.
SELECT w.window_id, coalesce(sum(d.n_events), 0)::DOUBLE AS value, count(d.day) > 0 AS played
FROM windows w
LEFT JOIN known_active_days d ON d.player_key = w.player_key AND d.day BETWEEN w.start_day AND w.end_day
GROUP BY w.window_id
