-- Rebuild the parts of the player-days in `touched` (player_key, day) from the events, which `parsed_events` holds.

DELETE FROM player_days USING touched
WHERE player_days.player_key = touched.player_key AND player_days.day = touched.day;

INSERT INTO player_days
SELECT player_key, day, cohort, metric, count(*), sum(value), min(value), max(value), max(available_at)
FROM touched_metric_events
GROUP BY ALL
ORDER BY day, player_key, metric, cohort;

DELETE FROM player_day_keys USING touched
WHERE player_day_keys.player_key = touched.player_key AND player_day_keys.day = touched.day;

INSERT INTO player_day_keys
SELECT player_key, day, metric, key, count(*), max(available_at)
FROM touched_keys
GROUP BY ALL
ORDER BY day, player_key, metric, key;

DELETE FROM active_days USING touched
WHERE active_days.player_key = touched.player_key AND active_days.day = touched.day;

INSERT INTO active_days
SELECT player_key, day, n_events, n_sessions, active_minutes, first_at, last_at, hour_sin, hour_cos, available_at
FROM active_days_of_touched(TIMESTAMPTZ 'infinity')
ORDER BY day, player_key;
