-- Everything issued since $since and before $as_of that its player was shown or answered, as known at $cut: player_key, content_type,
-- as_of, well. It went well when it was kept, or rated 4 or more; nothing came of the rest, whether it was dismissed or passed over.
WITH issued AS (
    SELECT content_id, player_key, content_type, as_of FROM challenges WHERE as_of >= $since AND as_of < $as_of
    UNION ALL
    SELECT content_id, player_key, content_type, as_of FROM messages WHERE as_of >= $since AND as_of < $as_of
    UNION ALL
    SELECT content_id, player_key, content_type, as_of FROM achievements WHERE as_of >= $since AND as_of < $as_of
),
answers AS (
    SELECT try_cast(properties ->> 'content_id' AS UUID) AS content_id, player_key,
           arg_max(value, (occurred_at, sequence, event_id)) FILTER (event = 'nightquest.rated' AND value BETWEEN 1 AND 5) AS rating
    FROM reserved_at($cut)
    WHERE event IN ('nightquest.shown', 'nightquest.rated', 'nightquest.dismissed') AND day >= $since AND day < $as_of
    GROUP BY ALL
),
kept AS (
    SELECT content_id FROM settlements WHERE as_of BETWEEN $since AND $as_of
    QUALIFY row_number() OVER (PARTITION BY content_id ORDER BY revision DESC) = 1 AND state = 'completed'
    UNION
    SELECT content_id FROM achievements_at($as_of) WHERE as_of >= $since
)
SELECT i.player_key, i.content_type, i.as_of,
       coalesce(a.rating >= 4, false) OR i.content_id IN (SELECT content_id FROM kept) AS well
FROM issued i
JOIN answers a ON a.content_id = i.content_id AND a.player_key = i.player_key
