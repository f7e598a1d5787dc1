-- What published nights promised, and what became of it: one row per challenge of the kind $content_type that was out.
-- `over`: its window had ended when the newest night looked, so that it is settled whichever way it went.
WITH seen AS (
    SELECT max(base_day) AS base_day FROM nights WHERE status = 'published'
),
newest AS (
    SELECT content_id, arg_max(state, revision) AS state FROM settlements GROUP BY content_id
)
SELECT c.as_of, c.player_key, c.completion_probability, c.valid_until < seen.base_day AS over,
       coalesce(newest.state = 'completed', false) AS completed
FROM challenges c
CROSS JOIN seen
SEMI JOIN (FROM nights WHERE status = 'published') n ON n.as_of = c.as_of AND n.revision >= c.revision
LEFT JOIN newest USING (content_id)
WHERE c.content_type = $content_type
ORDER BY c.as_of, c.content_id
