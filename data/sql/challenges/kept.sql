-- What the nights up to $as_of promised, and what became of it: one row per challenge of the kind $content_type that was out.
-- `over`: its window had ended where the player lives, and is known in whole, so that it is settled whichever way it went.
-- Input: `running` (player_key, running_day), `unknown` (player_key, first_day, last_day).
WITH newest AS (
    SELECT content_id, arg_max(state, revision) AS state FROM settlements WHERE as_of <= $as_of GROUP BY content_id
)
SELECT c.as_of, c.player_key, c.completion_probability, c.valid_until,
       coalesce(c.valid_until < r.running_day AND newest.state IS NOT NULL, false)
           AND NOT EXISTS (FROM unknown u WHERE u.player_key = c.player_key
                           AND u.first_day <= c.valid_until AND u.last_day >= c.valid_from) AS over,
       coalesce(newest.state = 'completed', false) AS completed
FROM challenges c
SEMI JOIN (FROM nights WHERE status = 'published') n ON n.as_of = c.as_of AND n.revision >= c.revision
LEFT JOIN running r USING (player_key)
LEFT JOIN newest USING (content_id)
WHERE c.content_type = $content_type AND c.as_of <= $as_of
ORDER BY c.as_of, c.content_id
