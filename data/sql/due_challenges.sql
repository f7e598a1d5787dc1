-- Challenges of earlier published nights that no earlier night saw completed: open ones, also those whose window is yet to
-- begin, and expired ones still within grace.
SELECT c.content_id::VARCHAR AS content_id, c.player_key, c.metric, c.op, c.target, c.window_days, c.xp,
       c.valid_from AS start_day, c.valid_until AS end_day, s.revision AS settled_revision
FROM challenges c
SEMI JOIN (FROM nights WHERE status = 'published') n ON n.as_of = c.as_of AND n.revision >= c.revision
LEFT JOIN (
    FROM settlements WHERE as_of < $as_of
    QUALIFY row_number() OVER (PARTITION BY content_id ORDER BY revision DESC) = 1
) s USING (content_id)
WHERE c.as_of < $as_of
  AND (s.content_id IS NULL OR (s.state = 'expired' AND c.valid_until >= $grace_from))
ORDER BY c.content_id
