-- Every achievement given up to the night $as_of, of a metric in `asked` (metric), that nobody had reached by then.
SELECT a.content_id::VARCHAR AS content_id, a.player_key, a.metric, a.target, a.started_from, a.title, a.xp, a.as_of
FROM achievements a
SEMI JOIN asked USING (metric)
ANTI JOIN achievements_at($as_of) USING (content_id)
WHERE a.as_of <= $as_of
ORDER BY content_id
