-- What is known of each of `asked` (player_key) by $cut: user_id, language, opted_out, and how their challenges went that
-- the nights up to $as_of settled and whose window is over, so that those kept early do not flatter.
-- Input: `running` (player_key, running_day), `unknown` (player_key, first_day, last_day).
WITH known AS (
    SELECT player_key,
           arg_max(language, (recorded_at, available_at)) FILTER (language IS NOT NULL) AS language,
           arg_max(opted_out, (recorded_at, available_at)) FILTER (opted_out IS NOT NULL) AS opted_out
    FROM player_records SEMI JOIN asked USING (player_key)
    WHERE available_at <= $cut
    GROUP BY player_key
),
latest AS (
    SELECT content_id, s.player_key, s.state
    FROM settlements s
    JOIN challenges c USING (content_id)
    JOIN running r ON r.player_key = s.player_key
    WHERE s.as_of <= $as_of AND c.valid_until < r.running_day
      AND NOT EXISTS (FROM unknown u WHERE u.player_key = c.player_key
                      AND u.first_day <= c.valid_until AND u.last_day >= c.valid_from)
    QUALIFY s.revision = max(s.revision) OVER (PARTITION BY content_id)
),
settled AS (
    SELECT player_key, count(*) AS settled, count(*) FILTER (state = 'completed') AS completed
    FROM latest GROUP BY player_key
)
SELECT a.player_key, p.user_id, k.language, coalesce(k.opted_out, false) AS opted_out,
       coalesce(s.settled, 0) AS settled, coalesce(s.completed, 0) AS completed,
       (SELECT count(*) FILTER (state = 'completed') / count(*) FROM latest) AS usual_rate
FROM asked a
LEFT JOIN players p USING (player_key)
LEFT JOIN known k USING (player_key)
LEFT JOIN settled s USING (player_key)
ORDER BY a.player_key
