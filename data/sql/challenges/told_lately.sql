-- The messages of the kind $content_type that players got from the night $since to the night $as_of, and what about.
SELECT player_key, metadata ->> 'metric' AS metric, as_of
FROM messages
WHERE content_type = $content_type AND as_of BETWEEN $since AND $as_of
ORDER BY player_key, as_of, metric
