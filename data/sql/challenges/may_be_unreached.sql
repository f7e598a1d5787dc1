-- What the players of `players_hit` had reached before the night $as_of, of metrics in `asked` (metric), with the achievement's metric,
-- target and title, and `again`: what marks its next entry in the ledgers.
SELECT r.* REPLACE (r.content_id::VARCHAR AS content_id), a.metric, a.target, a.title, reached_again(r.content_id) AS again
FROM achievements_reached r
SEMI JOIN players_hit USING (player_key)
JOIN achievements a USING (content_id)
SEMI JOIN asked USING (metric)
WHERE r.as_of < $as_of
ORDER BY r.content_id
