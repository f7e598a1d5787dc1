-- What became of each retraction: retraction_id and fate. 'done': it took its event back; 'waits': that is still to come;
-- any other: why it is without effect.
WITH asked AS (SELECT DISTINCT event_id FROM retractions),
here AS (
    SELECT event_id, player_key, CAST(NULL AS VARCHAR) AS taken_by, true AS stands FROM events SEMI JOIN asked USING (event_id)
    UNION ALL
    SELECT event_id, player_key, retraction_id, false FROM retracted_events SEMI JOIN asked USING (event_id)
),
targets AS (
    SELECT event_id, any_value(player_key) AS player_key, list(taken_by) AS taken_by,
           bool_or(taken_by IS NOT NULL) AS is_gone
    FROM here GROUP BY event_id
)
SELECT r.retraction_id,
       CASE WHEN list_contains(t.taken_by, r.retraction_id) THEN 'done'
            WHEN r.event_id IN (SELECT retraction_id FROM retractions) THEN 'a retraction of a retraction'
            WHEN t.event_id IS NULL THEN 'waits'
            WHEN r.user_id <> p.user_id THEN 'a retraction of another player''s event'
            WHEN t.is_gone THEN 'a retraction of what was taken back before'
            ELSE 'waits' END AS fate
FROM retractions r
LEFT JOIN targets t USING (event_id)
LEFT JOIN players p ON p.player_key = t.player_key
