-- What was settled since the night published before, and the challenges still open that night with the progress made.
-- Input: `open_progress` (content_id, player_key, progress).
WITH found AS (
    SELECT content_id::VARCHAR AS content_id, player_key, revision, state, completed_at, progress, xp, reason
    FROM settlements
    WHERE as_of <= $as_of
      AND as_of > coalesce((SELECT max(as_of) FROM nights WHERE status = 'published' AND as_of < $as_of), DATE '0001-01-01')
    UNION ALL BY NAME
    SELECT content_id, player_key, 0 AS revision, 'open' AS state, NULL::TIMESTAMPTZ AS completed_at, progress, 0 AS xp,
           'window still open' AS reason
    FROM open_progress
)
SELECT f.* EXCLUDE (player_key), p.user_id, c.title
FROM found f
LEFT JOIN players p USING (player_key)
LEFT JOIN challenges c ON c.content_id::VARCHAR = f.content_id
