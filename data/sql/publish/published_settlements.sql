-- What was settled since the night published before, and of who paused until this night since the pause began. Input: `waiting`
-- (player_key, news_from, waits).
SELECT s.content_id::VARCHAR AS content_id, s.revision, s.state, s.completed_at, s.progress, s.so_far, s.xp, s.reason, p.user_id,
       c.content_type, c.title, c.description, asked_for(c.metric, c.op, c.target, c.window_days, c.also) AS requirements
FROM settlements s
LEFT JOIN players p USING (player_key)
LEFT JOIN challenges c USING (content_id)
LEFT JOIN (FROM waiting WHERE NOT waits) w ON w.player_key = s.player_key
WHERE s.as_of <= $as_of
  AND (s.as_of > coalesce((SELECT max(as_of) FROM nights WHERE status = 'published' AND as_of < $as_of), DATE '0001-01-01')
       OR s.as_of >= w.news_from)
