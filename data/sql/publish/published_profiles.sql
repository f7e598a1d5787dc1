-- What was made for each of `asked` (player_key) by a night, how they took it, and what they have achieved, over their whole
-- lives. Answers are those to content issued since $since, as known at $cut.
-- Input: `held` (player_key, tier), an award a row.
WITH made AS (
    SELECT player_key, content_type, content_id, as_of, valid_from, valid_until
    FROM challenges SEMI JOIN asked USING (player_key)
    WHERE as_of < $as_of OR as_of = $as_of AND revision <= $revision
    UNION ALL BY NAME
    SELECT player_key, content_type, content_id, as_of
    FROM messages SEMI JOIN asked USING (player_key)
    WHERE as_of < $as_of OR as_of = $as_of AND revision <= $revision
    UNION ALL BY NAME
    SELECT player_key, content_type, content_id, as_of
    FROM achievements SEMI JOIN asked USING (player_key)
    WHERE as_of < $as_of OR as_of = $as_of AND revision <= $revision
),
answers AS (
    SELECT try_cast(properties ->> 'content_id' AS UUID) AS content_id, player_key,
           bool_or(event = 'nightquest.shown') AS shown,
           arg_max(value, (occurred_at, sequence, event_id)) FILTER (event = 'nightquest.rated' AND value BETWEEN 1 AND 5) AS rating,
           bool_or(event = 'nightquest.dismissed') AS dismissed
    FROM reserved_at($cut)
    WHERE event IN ('nightquest.shown', 'nightquest.rated', 'nightquest.dismissed') AND day >= $since AND day < $as_of
    GROUP BY ALL
),
settled AS (
    SELECT content_id, state = 'completed' AS kept
    FROM settlements SEMI JOIN asked USING (player_key) WHERE as_of <= $as_of
    QUALIFY row_number() OVER (PARTITION BY content_id ORDER BY revision DESC) = 1
    UNION ALL
    SELECT content_id, true FROM achievements_at($as_of) SEMI JOIN asked USING (player_key)
),
taken AS (
    SELECT m.player_key, m.content_type, count(*) AS made,
           count(*) FILTER (a.shown) AS shown, count(a.rating) AS rated, round(avg(a.rating), 3) AS mean_rating,
           count(*) FILTER (a.dismissed) AS dismissed,
           -- two answers of no opinion stand against a player's own, as in tastes
           sum(coalesce((a.rating - 3) / 2, CASE WHEN a.dismissed THEN -1 END, 0))
               / (count(*) FILTER (a.dismissed OR a.rating IS NOT NULL) + 2) AS liking,
           count(*) FILTER (s.kept) AS kept
    FROM made m
    LEFT JOIN answers a ON a.content_id = m.content_id AND a.player_key = m.player_key AND m.as_of >= $since
    LEFT JOIN settled s ON s.content_id = m.content_id
    GROUP BY m.player_key, m.content_type
),
content AS (
    SELECT player_key, sum(made)::BIGINT AS generation_count,
           list(struct_pack(content_type, made, shown, rated, mean_rating, dismissed) ORDER BY content_type) AS content,
           list(content_type ORDER BY liking DESC, content_type) FILTER (liking > 0) AS preferred_types,
           sum(kept) FILTER (content_type = 'daily_challenge') AS challenges,
           sum(kept) FILTER (content_type = 'adaptive_mission') AS missions,
           sum(kept) FILTER (content_type = 'custom_achievement') AS achievements
    FROM taken GROUP BY player_key
),
badges AS (
    SELECT player_key, count(*) AS badges, count(*) FILTER (tier = 'bronze') AS bronze, count(*) FILTER (tier = 'silver') AS silver,
           count(*) FILTER (tier = 'gold') AS gold, count(*) FILTER (tier = 'platinum') AS platinum
    FROM held GROUP BY player_key
),
paid AS (SELECT player_key, sum(xp) AS xp FROM xp_ledger SEMI JOIN asked USING (player_key) WHERE as_of <= $as_of GROUP BY ALL)
SELECT q.player_key, coalesce(c.generation_count, 0) AS generation_count, coalesce(c.content, []) AS content,
       coalesce(c.preferred_types, []) AS preferred_types,
       struct_pack(badges := coalesce(b.badges, 0), bronze := coalesce(b.bronze, 0), silver := coalesce(b.silver, 0),
                   gold := coalesce(b.gold, 0), platinum := coalesce(b.platinum, 0),
                   challenges := coalesce(c.challenges, 0)::BIGINT, missions := coalesce(c.missions, 0)::BIGINT,
                   achievements := coalesce(c.achievements, 0)::BIGINT, xp := coalesce(p.xp, 0)::BIGINT) AS history
FROM asked q
LEFT JOIN content c USING (player_key)
LEFT JOIN badges b USING (player_key)
LEFT JOIN paid p USING (player_key)
