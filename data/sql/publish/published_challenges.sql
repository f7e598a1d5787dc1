-- Every challenge that counts at a night: those it issues, where a refresh adds to what earlier revisions promised and takes
-- nothing back, and those of earlier nights that are still open.
-- Input: `left_alone` (player_key), `open_progress` (content_id, progress, so_far): what is still open of earlier nights, and
-- `running` (player_key, running_day): what is over and waits for missing input no longer counts. Nothing is done yet of
-- what is new, and of each thing it asks for so far is what its metric comes to of nothing.
-- What counts is found by ids alone, and the texts are joined to it last: DuckDB may hold either side of a join in memory.
WITH dismissed AS (
    SELECT DISTINCT player_key, try_cast(properties ->> 'content_id' AS UUID) AS content_id
    FROM reserved_at($cut) WHERE event = 'nightquest.dismissed' AND day >= $since AND day < $as_of
), counting AS (
    SELECT c.content_id, p.user_id, coalesce(o.progress, 0.0) AS progress, o.so_far, d.content_id IS NOT NULL AS dismissed
    FROM challenges c
    ANTI JOIN left_alone USING (player_key)
    LEFT JOIN players p USING (player_key)
    LEFT JOIN running r ON r.player_key = c.player_key
    LEFT JOIN dismissed d ON d.player_key = c.player_key AND d.content_id = c.content_id
    LEFT JOIN open_progress o ON o.content_id = c.content_id::VARCHAR
    WHERE (c.as_of = $as_of AND c.revision <= $revision) OR (c.as_of < $as_of AND o.content_id IS NOT NULL AND c.valid_until >= r.running_day)
), extra AS (
    SELECT content_id, list(struct_pack(kind := kind, item := item, amount := amount, words := words) ORDER BY offer) AS extra_rewards
    FROM promised_rewards SEMI JOIN counting USING (content_id) WHERE kind <> 'xp' GROUP BY content_id
)
SELECT c.content_id::VARCHAR AS content_id, n.user_id, c.content_type, c.title, c.description,
       asked_for(c.metric, c.op, c.target, c.window_days, c.also) AS requirements,
       struct_pack(xp := c.xp) AS rewards, coalesce(n.extra_rewards, []) AS extra_rewards,
       coalesce(c.reward_words, c.xp || ' XP') AS reward_words,
       c.difficulty_level, c.completion_probability, c.probability_if_active, c.personalization_score, c.estimated_minutes,
       c.ai_provider, c.model, c.prompt_version, c.variant, c.propensity,
       c.as_of AS issued_on, c.as_of = $as_of AS is_new, n.dismissed, n.progress,
       coalesce(n.so_far, list_transform(requirements, lambda part: struct_pack(value := nothing.values[part.metric],
                                                                                progress := 0.0))) AS so_far,
       c.valid_from, c.valid_until, c.generated_at, c.metadata
FROM (SELECT n.*, e.extra_rewards FROM counting n LEFT JOIN extra e USING (content_id)) n
JOIN challenges c USING (content_id)
CROSS JOIN (
    SELECT coalesce(map(list(metric), list(part_value(agg, NULL, NULL, NULL, NULL, NULL, NULL))), MAP {}) AS values FROM metrics
) nothing
