-- Move the events that somebody has taken back out of what stands, among the new ones (`landed`) and those that the new
-- retractions (`new_retractions`) speak of. Parameters: now. Afterwards `taken_back` (player_key, day, event_id, retraction_id).
CREATE OR REPLACE TEMP TABLE taken_back AS
SELECT e.player_key, e.day, e.event_id, min(r.available_at) AS retracted_at,
       arg_min(r.retraction_id, (r.available_at, r.retraction_id)) AS retraction_id
FROM (
    SELECT event_id FROM landed SEMI JOIN retractions USING (event_id)
    UNION SELECT event_id FROM new_retractions
) AS asked
JOIN events e USING (event_id)
JOIN players p ON p.player_key = e.player_key
JOIN retractions r ON r.event_id = e.event_id AND coalesce(r.user_id = p.user_id, true)
GROUP BY ALL;

INSERT INTO retracted_events BY NAME
SELECT e.*, t.retracted_at, $now::TIMESTAMPTZ AS moved_at, t.retraction_id
FROM events e JOIN taken_back t USING (event_id) ORDER BY e.occurred_at, e.event_id;

DELETE FROM events WHERE event_id IN (SELECT event_id FROM taken_back);
