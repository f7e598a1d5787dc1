-- The messages out for a night: of each kind a player gets the newest revision's.
-- Input: `opted_out` (player_key).
WITH written AS (
    FROM messages WHERE as_of = $as_of AND revision <= $revision
    QUALIFY revision = max(revision) OVER (PARTITION BY player_key, content_type)
)
SELECT m.content_id::VARCHAR AS content_id, p.user_id, m.content_type, m.title, m.body,
       m.ai_provider, m.model, m.prompt_version, m.variant, m.propensity, m.generated_at, m.metadata
FROM written m
ANTI JOIN opted_out USING (player_key)
LEFT JOIN players p USING (player_key)
