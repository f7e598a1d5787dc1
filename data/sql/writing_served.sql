-- The texts that the night $as_of serves, each once, with a reader's filled words where the text itself is not kept (offline).
WITH rows AS (
    SELECT brief_id, variant, content_type, persona, metric, language, title, description AS text, ai_provider, model,
           prompt_version, metadata FROM challenges WHERE as_of = $as_of
    UNION ALL BY NAME
    SELECT brief_id, variant, content_type, language, title, body AS text, ai_provider, model, prompt_version, metadata
    FROM messages WHERE as_of = $as_of
    UNION ALL BY NAME
    SELECT brief_id, variant, content_type, persona, metric, language, title, description AS text, ai_provider, model,
           prompt_version, metadata FROM achievements WHERE as_of = $as_of
),
served AS (
    SELECT brief_id, variant, content_type, ai_provider, model, prompt_version, count(*) AS readers,
           any_value(persona) AS persona, any_value(metric) AS metric, any_value(language) AS language,
           min(title) AS title, min(text) AS text, min(metadata) AS metadata
    FROM rows GROUP BY brief_id, variant, content_type, ai_provider, model, prompt_version
)
SELECT s.brief_id, s.variant, s.content_type, s.ai_provider, s.model, s.prompt_version, s.readers,
       coalesce(b.persona, s.persona, '') AS persona, coalesce(b.metric, s.metric, '') AS metric,
       coalesce(b.difficulty, '') AS difficulty, coalesce(b.language, s.language, '') AS language,
       coalesce(b.occasion, '') AS occasion, coalesce(b.profile, '') <> '' AS personal,
       coalesce(t.title, s.title) AS title, coalesce(t.text, s.text) AS text, coalesce(t.metadata, s.metadata)::VARCHAR AS metadata
FROM served s
LEFT JOIN briefs b USING (brief_id)
LEFT JOIN texts t USING (brief_id, variant)
ORDER BY md5(s.brief_id || s.variant || $as_of::VARCHAR), s.brief_id, s.variant
