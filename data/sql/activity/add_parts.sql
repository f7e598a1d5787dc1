-- Add the parts of the player-days in `touched` (player_key, day), which have none, from the events, which `parsed_events` holds.

INSERT INTO player_days
SELECT player_key, day, cohort, metric, count(*), sum(value), min(value), max(value), max(available_at)
FROM touched_metric_events
GROUP BY ALL
ORDER BY day, player_key, metric, cohort;

INSERT INTO player_day_keys
SELECT player_key, day, metric, key, count(*), max(available_at)
FROM touched_keys
GROUP BY ALL
ORDER BY day, player_key, metric, key;

INSERT INTO active_days
SELECT player_key, day, n_events, n_sessions, active_minutes, first_at, last_at, hour_sin, hour_cos, available_at
FROM active_days_of_touched(TIMESTAMPTZ 'infinity')
ORDER BY day, player_key;
