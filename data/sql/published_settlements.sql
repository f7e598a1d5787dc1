-- What a night settled, and the challenges still open that night with the progress made.
-- Input: `open_progress` (content_id, player_key, progress).
SELECT s.content_id::VARCHAR AS content_id, s.revision, p.user_id, s.state, s.completed_at, s.progress, s.xp, s.reason
FROM settlements s
LEFT JOIN players p USING (player_key)
WHERE s.as_of = $as_of
UNION ALL BY NAME
SELECT o.content_id, 0 AS revision, p.user_id, 'open' AS state, NULL::TIMESTAMPTZ AS completed_at, o.progress, 0 AS xp,
       'window still open' AS reason
FROM open_progress o
LEFT JOIN players p USING (player_key)
