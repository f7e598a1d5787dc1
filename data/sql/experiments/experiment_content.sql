-- What an experiment's players got since $since and what came of it, as known at the night $as_of with its cut: a row per piece.
-- Only nights that went out count, only the player it was written for, and only what they did after it was first shown.
-- Input: `running` (player_key, running_day), `unknown` (player_key, first_day, last_day).
CREATE OR REPLACE TEMP TABLE experiment_content AS
WITH taken AS (
    SELECT a.as_of, a.revision, a.player_key, a.arm, a.propensity
    FROM assignments a
    SEMI JOIN (FROM nights WHERE status = 'published') n ON n.as_of = a.as_of AND n.revision >= a.revision
    WHERE a.experiment = $experiment AND a.as_of >= $since AND a.as_of < $as_of
),
issued AS (
    SELECT content_id, as_of, player_key, ai_provider, valid_from, valid_until FROM challenges
    UNION ALL BY NAME
    SELECT content_id, as_of, player_key, ai_provider FROM messages
    UNION ALL BY NAME
    SELECT content_id, as_of, player_key, ai_provider FROM achievements
),
answers AS (
    SELECT try_cast(properties ->> 'content_id' AS UUID) AS content_id, player_key, event, occurred_at, sequence, event_id, value,
           day
    FROM reserved_at($cut)
    WHERE event IN ('nightquest.shown', 'nightquest.rated') AND day < $as_of
      AND day >= (SELECT min(as_of) FROM taken)
),
shown AS (
    SELECT content_id, player_key, min(occurred_at) AS shown_at, min(day) AS shown_on
    FROM answers WHERE event = 'nightquest.shown' GROUP BY content_id, player_key
),
settled AS (
    SELECT content_id, arg_max(state, revision) = 'completed' AS kept, arg_max(completed_at, revision) AS completed_at
    FROM settlements SEMI JOIN shown USING (content_id) WHERE as_of <= $as_of GROUP BY content_id
),
rated AS (
    SELECT content_id, player_key, arg_max(value, (occurred_at, sequence, event_id)) AS rating, max(day) AS rated_on
    FROM answers WHERE event = 'nightquest.rated' AND value BETWEEN 1 AND 5 GROUP BY content_id, player_key
)
SELECT t.as_of, t.revision, t.player_key, t.arm, t.propensity, i.content_id, i.ai_provider, h.shown_on,
       -- A window that runs on or is not known in whole can be completed but not be missed: counting it would flatter.
       CASE WHEN h.shown_on <= i.valid_until AND i.valid_until < r.running_day AND s.kept IS NOT NULL
                 AND NOT EXISTS (FROM unknown u WHERE u.player_key = t.player_key
                                 AND u.first_day <= i.valid_until AND u.last_day >= i.valid_from)
                 AND (s.completed_at IS NULL OR s.completed_at >= h.shown_at) THEN s.kept::INTEGER END AS kept,
       i.valid_until + 1 AS kept_known_on,
       CASE WHEN h.shown_on IS NOT NULL THEN g.rating END AS rating,
       g.rated_on + 1 AS rating_known_on,
       r.running_day
FROM taken t
JOIN issued i USING (as_of, player_key)
LEFT JOIN settled s USING (content_id)
LEFT JOIN shown h ON h.content_id = i.content_id AND h.player_key = t.player_key
LEFT JOIN rated g ON g.content_id = i.content_id AND g.player_key = t.player_key
LEFT JOIN running r ON r.player_key = t.player_key
