-- The messages that hold at a night: of each kind a player gets the newest revision's, and the briefs of earlier nights whose
-- mission is still open.
-- Input: `left_alone` (player_key), `open_progress` (content_id, player_key, progress): what is still open of earlier nights, and
-- `running` (player_key, running_day): the brief of a mission that is over and waits for missing input stands no longer, either.
WITH counting AS (
    SELECT c.content_id
    FROM open_progress o
    JOIN challenges c ON c.content_id = o.content_id::UUID
    JOIN running r ON r.player_key = o.player_key
    WHERE c.valid_until >= r.running_day
),
written AS (
    FROM messages WHERE as_of = $as_of AND revision <= $revision
    UNION ALL
    (FROM messages m
     SEMI JOIN counting c ON c.content_id::VARCHAR = m.metadata ->> 'mission'
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
