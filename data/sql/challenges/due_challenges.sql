-- Challenges of earlier published nights that no earlier night saw completed: open ones, also those whose window is yet to
-- begin, and expired ones still within grace; and completed ones with a window that went on to $doubted_from, the first
-- day of which a night in grace knew nothing: events that were missing may have completed them earlier; and those of `lost`
-- (content_id): with an event in their window that was taken back since they were settled.
SELECT c.content_id::VARCHAR AS content_id, c.player_key, c.metric, c.op, c.target, c.also, c.window_days, c.xp,
       c.valid_from AS start_day, c.valid_until AS end_day, s.revision AS settled_revision,
       s.state = 'completed' AS is_completed, s.completed_at AS known_completed_at, s.state = 'reopened' AS is_reopened,
       coalesce(s.xp, 0) AS known_xp, s.stays_paid, t.content_id IS NOT NULL AS lost_events
FROM challenges c
SEMI JOIN (FROM nights WHERE status = 'published') n ON n.as_of = c.as_of AND n.revision >= c.revision
LEFT JOIN (
    FROM settlements WHERE as_of < $as_of
    QUALIFY row_number() OVER (PARTITION BY content_id ORDER BY revision DESC) = 1
) s USING (content_id)
LEFT JOIN lost t ON t.content_id = c.content_id::VARCHAR
WHERE c.as_of < $as_of
  AND (s.content_id IS NULL OR s.state = 'reopened' OR (s.state = 'completed' AND t.content_id IS NOT NULL)
       OR (s.state = 'expired' AND c.valid_until >= $grace_from)
       OR (s.state = 'completed' AND c.valid_until >= $doubted_from::DATE))
ORDER BY c.content_id
