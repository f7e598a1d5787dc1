-- The days with events of the players in `badge_touched_all` from their `start_day` on. Parameters: as_of, cut.
CREATE OR REPLACE TEMP TABLE badge_event_days AS
SELECT e.player_key, e.day, count(*) AS n_events, min(e.occurred_at) AS first_at, max(e.occurred_at) AS last_at
FROM events_at($cut) e JOIN badge_touched_all t ON t.player_key = e.player_key AND e.day >= t.start_day
WHERE e.day < $as_of AND NOT starts_with(e.event, 'nightquest.')
GROUP BY e.player_key, e.day;
