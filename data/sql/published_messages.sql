-- The messages that a revision of a night wrote. A player whose latest word is to be left alone gets none.
WITH opted_out AS (
    SELECT player_key FROM player_records GROUP BY player_key
    HAVING last(opted_out ORDER BY recorded_at, available_at) FILTER (opted_out IS NOT NULL)
)
SELECT m.content_id::VARCHAR AS content_id, p.user_id, m.content_type, m.title, m.body,
       m.ai_provider, m.model, m.prompt_version, m.variant, m.propensity, m.generated_at, m.metadata
FROM messages m
ANTI JOIN opted_out USING (player_key)
LEFT JOIN players p USING (player_key)
WHERE m.as_of = $as_of AND m.revision = $revision
