-- Where the texts of player $user come from that are in `shown` (content_id).
WITH mine AS (
    SELECT 1 AS part, content_id, player_key, content_type, title, description AS text, brief_id,
           ai_provider, variant, propensity, metadata
    FROM challenges c
    UNION ALL
    SELECT 2, content_id, player_key, content_type, title, body, brief_id, ai_provider, variant,
           propensity, metadata
    FROM messages m
    UNION ALL
    SELECT 3, content_id, player_key, content_type, title, description, brief_id, ai_provider,
           variant, propensity, metadata
    FROM achievements a
)
SELECT m.content_id::VARCHAR AS content_id, m.content_type, m.title, m.text, m.ai_provider, m.variant, m.propensity,
       m.metadata::VARCHAR AS metadata, m.brief_id, b.persona, b.metric, b.difficulty, b.language, b.occasion, b.writer,
       b.profile, b.made_on, t.text AS template, t.call_key, t.metadata::VARCHAR AS told
FROM mine m
JOIN players p USING (player_key)
SEMI JOIN shown ON shown.content_id = m.content_id::VARCHAR
LEFT JOIN briefs b USING (brief_id)
LEFT JOIN texts t USING (brief_id, variant)
WHERE p.user_id = $user
ORDER BY m.part, m.content_type, m.content_id
