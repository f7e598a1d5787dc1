-- The messages that hold at a night: of each kind a player gets the newest revision's, and the briefs of earlier nights whose
-- mission is still open.
-- Input: `left_alone` (player_key), `open_progress` (content_id, progress): what is still open of earlier nights.
WITH written AS (
    FROM messages WHERE as_of = $as_of AND revision <= $revision
    UNION ALL
    (FROM messages m
     SEMI JOIN open_progress o ON o.content_id = m.metadata ->> 'mission'
     SEMI JOIN (FROM nights WHERE status = 'published') n ON n.as_of = m.as_of AND n.revision >= m.revision
     WHERE m.content_type = 'mission_brief' AND m.as_of < $as_of)
),
newest AS (
    FROM written QUALIFY revision = max(revision) OVER (PARTITION BY as_of, player_key, content_type)
)
SELECT m.content_id::VARCHAR AS content_id, p.user_id, m.content_type, m.title, m.body, m.metadata ->> 'mission' AS mission,
       m.ai_provider, m.model, m.prompt_version, m.variant, m.propensity, m.as_of AS issued_on, m.as_of = $as_of AS is_new,
       m.generated_at, m.metadata
FROM newest m
ANTI JOIN left_alone USING (player_key)
LEFT JOIN players p USING (player_key)
