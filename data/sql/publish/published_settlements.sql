-- What was settled since the night published before.
SELECT s.content_id::VARCHAR AS content_id, s.revision, s.state, s.completed_at, s.progress, s.xp, s.reason, p.user_id, c.title
FROM settlements s
LEFT JOIN players p USING (player_key)
LEFT JOIN challenges c USING (content_id)
WHERE s.as_of <= $as_of
  AND s.as_of > coalesce((SELECT max(as_of) FROM nights WHERE status = 'published' AND as_of < $as_of), DATE '0001-01-01')
