-- The achievements out by a night: those reached, and the open ones that `achievement_progress` (content_id, value,
-- progress, eta_days) still counts. Input: `opted_out` (player_key).
WITH extra AS (
    SELECT content_id, list(struct_pack(kind := kind, item := item, amount := amount, words := words) ORDER BY offer) AS extra_rewards
    FROM promised_rewards WHERE kind <> 'xp' GROUP BY content_id
)
SELECT a.content_id::VARCHAR AS content_id, p.user_id, a.title, a.description, a.category, a.tier, a.metric, a.target,
       coalesce(r.value, g.value) AS value,
       CASE WHEN r.content_id IS NOT NULL THEN 1.0 ELSE g.progress END AS progress,
       CASE WHEN r.content_id IS NULL THEN g.eta_days END AS eta_days,
       CASE WHEN r.content_id IS NOT NULL THEN 'reached' ELSE 'open' END AS state,
       r.reached_on, a.as_of AS issued_on, a.as_of = $as_of AS is_new, struct_pack(xp := a.xp) AS rewards,
       coalesce(e.extra_rewards, []) AS extra_rewards, coalesce(a.reward_words, CASE WHEN a.xp > 0 THEN a.xp || ' XP' END) AS reward_words,
       a.ai_provider, a.model, a.prompt_version, a.variant, a.propensity, a.generated_at, a.metadata
FROM achievements a
ANTI JOIN opted_out USING (player_key)
LEFT JOIN players p USING (player_key)
LEFT JOIN achievements_at($as_of) r USING (content_id)
LEFT JOIN extra e ON e.content_id = a.content_id
LEFT JOIN achievement_progress g ON g.content_id = a.content_id::VARCHAR
WHERE (a.as_of < $as_of OR a.as_of = $as_of AND a.revision <= $revision)
  AND (r.content_id IS NOT NULL OR g.content_id IS NOT NULL)
