-- How the content issued since $since was received, as known at the night's cut. Only the player it was written for counts.
-- Times run from the start of the challenge's first day where the player lives, and from when it was first shown.
-- A challenge has an outcome once its window is over where the player lives and known: before, it can be kept but not missed.
-- Input: `costs` (content_type, ai_provider, prompt_version, cost_usd), spread by number of pieces over what was written for
-- them, and over all pieces of the type where that is nothing: judging, and answers of which nothing could be used;
-- `running` (player_key, running_day), `unknown` (player_key, first_day, last_day), and `begins` (player_key, day, begins_at).
WITH issued AS (
    SELECT content_id, player_key, content_type, ai_provider, prompt_version, variant, persona, valid_from,
           valid_until, personalization_score
    FROM challenges WHERE as_of >= $since AND (as_of < $as_of OR as_of = $as_of AND revision <= $revision)
    UNION ALL BY NAME
    SELECT content_id, player_key, content_type, ai_provider, prompt_version, variant
    FROM messages WHERE as_of >= $since AND (as_of < $as_of OR as_of = $as_of AND revision <= $revision)
    UNION ALL BY NAME
    SELECT content_id, player_key, content_type, ai_provider, prompt_version, variant, persona
    FROM achievements WHERE as_of >= $since AND (as_of < $as_of OR as_of = $as_of AND revision <= $revision)
),
settled AS (
    SELECT content_id, state = 'completed' AS kept, completed_at
    FROM settlements WHERE as_of BETWEEN $since AND $as_of
    QUALIFY row_number() OVER (PARTITION BY content_id ORDER BY revision DESC) = 1
    UNION ALL
    SELECT content_id, true, reached_at FROM achievements_at($as_of) WHERE as_of >= $since
),
answers AS (
    SELECT try_cast(properties ->> 'content_id' AS UUID) AS content_id, player_key, event, occurred_at, sequence, event_id, value
    FROM reserved_at($cut)
    WHERE event IN ('nightquest.shown', 'nightquest.rated') AND day >= $since AND day < $as_of
),
shown AS (
    SELECT content_id, player_key, min(occurred_at) AS shown_at
    FROM answers WHERE event = 'nightquest.shown' GROUP BY content_id, player_key
),
rated AS (
    SELECT content_id, player_key, last(value ORDER BY occurred_at, sequence, event_id) AS rating
    FROM answers WHERE event = 'nightquest.rated' AND value BETWEEN 1 AND 5 GROUP BY content_id, player_key
),
content AS (
    SELECT i.*,
           CASE WHEN i.valid_until IS NULL
                     OR i.valid_until < n.running_day
                        AND NOT EXISTS (FROM unknown u WHERE u.player_key = i.player_key
                                        AND u.first_day <= i.valid_until AND u.last_day >= i.valid_from)
                THEN s.kept END AS kept, h.shown_at, r.rating,
           greatest(0, date_diff('second', b.begins_at, s.completed_at) / 60) AS minutes_from_start,
           CASE WHEN h.shown_at <= s.completed_at
                THEN date_diff('second', h.shown_at, s.completed_at) / 60 END AS minutes_from_shown
    FROM issued i
    LEFT JOIN settled s USING (content_id)
    LEFT JOIN shown h ON h.content_id = i.content_id AND h.player_key = i.player_key
    LEFT JOIN rated r ON r.content_id = i.content_id AND r.player_key = i.player_key
    LEFT JOIN begins b ON b.player_key = i.player_key AND b.day = i.valid_from
    LEFT JOIN running n ON n.player_key = i.player_key
),
performance AS (
    SELECT content_type, ai_provider, prompt_version, variant, persona,
           count(*) AS issued,
           count(shown_at) AS shown,
           count(kept) AS settled,
           count(*) FILTER (kept) AS completed,
           CASE WHEN content_type <> 'custom_achievement' -- which has no end, so that none is ever missed
                THEN count(*) FILTER (kept) / nullif(count(kept), 0) END AS kept_rate,
           count(rating) AS rated,
           avg(rating) AS mean_rating,
           round(avg(personalization_score), 9) AS mean_personalization, -- whichever way threads add up
           median(minutes_from_start) FILTER (kept) AS median_minutes_from_start,
           median(minutes_from_shown) FILTER (kept) AS median_minutes_from_shown
    FROM content
    GROUP BY content_type, ai_provider, prompt_version, variant, persona
),
spread AS (
    SELECT content_type, sum(cost_usd) AS cost_usd
    FROM costs ANTI JOIN performance USING (content_type, ai_provider, prompt_version)
    GROUP BY content_type
),
costed AS (
    SELECT p.*, coalesce(c.cost_usd * p.issued / sum(p.issued) OVER written, 0)
                + coalesce(s.cost_usd * p.issued / sum(p.issued) OVER alike, 0) AS cost_usd
    FROM performance p
    LEFT JOIN costs c USING (content_type, ai_provider, prompt_version)
    LEFT JOIN spread s USING (content_type)
    WINDOW written AS (PARTITION BY p.content_type, p.ai_provider, p.prompt_version), alike AS (PARTITION BY p.content_type)
)
SELECT *, cost_usd / nullif(completed, 0) AS cost_per_completion_usd
FROM costed
