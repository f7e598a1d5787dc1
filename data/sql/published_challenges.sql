-- The challenges out for a night: a refresh adds to what earlier revisions promised, and takes nothing back.
-- Input: `opted_out` (player_key).
SELECT c.content_id::VARCHAR AS content_id, p.user_id, c.content_type, c.title, c.description,
       [struct_pack(metric := c.metric, op := c.op, target := c.target, window_days := c.window_days)] AS requirements,
       struct_pack(xp := c.xp) AS rewards,
       c.difficulty_level, c.completion_probability, c.probability_if_active, c.personalization_score, c.estimated_minutes,
       c.ai_provider, c.model, c.prompt_version, c.variant, c.propensity,
       c.valid_from, c.valid_until, c.generated_at, c.metadata
FROM challenges c
ANTI JOIN opted_out USING (player_key)
LEFT JOIN players p USING (player_key)
WHERE c.as_of = $as_of AND c.revision <= $revision
