-- What each player's answers to challenges say of the metrics they were about: content issued since $since, as known at $cut.
-- A challenge counts once it was shown to, rated or dismissed by the player it was written for; the last rating is theirs.
-- A kept or missed window counts once it is over where the player lives and known, and only of what was shown.
-- Input: `running` (player_key, running_day), `unknown` (player_key, first_day, last_day).
WITH answers AS (
    SELECT try_cast(properties ->> 'content_id' AS UUID) AS content_id, player_key,
           min(occurred_at) FILTER (event = 'nightquest.shown') AS shown_at,
           arg_max(value, (occurred_at, sequence, event_id)) FILTER (event = 'nightquest.rated' AND value BETWEEN 1 AND 5) AS rating,
           bool_or(event = 'nightquest.dismissed') AS dismissed
    FROM reserved_at($cut)
    WHERE event IN ('nightquest.shown', 'nightquest.rated', 'nightquest.dismissed')
          AND day >= $since AND day < $as_of
    GROUP BY ALL
    HAVING content_id IS NOT NULL
),
settled AS (
    SELECT content_id, state = 'completed' AS kept, completed_at
    FROM settlements WHERE as_of BETWEEN $since AND $as_of
    QUALIFY row_number() OVER (PARTITION BY content_id ORDER BY revision DESC) = 1
),
told AS (
    SELECT c.player_key, c.metric, c.as_of, c.content_id, a.shown_at, a.rating, a.dismissed, c.completion_probability AS expected,
           CASE WHEN a.shown_at IS NOT NULL AND c.valid_until < r.running_day
                     AND NOT EXISTS (FROM unknown u WHERE u.player_key = c.player_key
                                     AND u.first_day <= c.valid_until AND u.last_day >= c.valid_from)
                THEN s.kept END AS kept,
           CASE WHEN a.shown_at <= s.completed_at THEN date_diff('second', a.shown_at, s.completed_at) / 60 END AS minutes,
           c.window_days
    FROM challenges c
    JOIN answers a ON a.content_id = c.content_id AND a.player_key = c.player_key
    LEFT JOIN settled s ON s.content_id = c.content_id
    LEFT JOIN running r ON r.player_key = c.player_key
    WHERE c.as_of >= $since AND c.as_of < $as_of
),
-- What one answer says, from -1 to 1: two stars are a half below three; a dismissal says no; what was kept against the odds, and
-- soon, says yes, half as loudly. An answer of a month ago counts half.
felt AS (
    SELECT *, greatest(-1, least(1,
               coalesce((rating - 3) / 2, 0) - CASE WHEN dismissed AND rating IS NULL THEN 1 ELSE 0 END
               + coalesce(0.5 * (kept::INTEGER - expected), 0)
               + CASE WHEN kept THEN coalesce(0.25 * greatest(0, 1 - minutes / (1440 * window_days)), 0) ELSE 0 END)) AS said,
           power(0.5, date_diff('day', as_of, $as_of) / 30) AS weight,
           coalesce(kept, false) OR coalesce(rating >= 4, false) AS went_well,
           dismissed OR coalesce(NOT kept, false) OR coalesce(rating <= 2, false) AS went_badly
    FROM told WHERE rating IS NOT NULL OR dismissed OR kept IS NOT NULL
),
last_good AS (SELECT player_key, metric, max(as_of) AS good FROM felt WHERE went_well GROUP BY ALL)
SELECT f.player_key, f.metric,
       count(*) AS answered,
       count(rating) AS rated,
       avg(rating) AS mean_rating,
       count(*) FILTER (dismissed) AS dismissed,
       avg(kept::INTEGER) AS kept_rate,
       median(minutes) FILTER (kept) AS median_minutes_from_shown,
       round(sum(weight * said ORDER BY f.as_of, content_id) / (sum(weight ORDER BY f.as_of, content_id) + $prior), 6) AS liking,
       least(1, count(*) FILTER (went_badly AND NOT went_well AND (g.good IS NULL OR f.as_of > g.good)
                                 AND f.as_of >= $as_of - 28) / $wears_out) AS worn
FROM felt f
LEFT JOIN last_good g ON g.player_key = f.player_key AND g.metric = f.metric
GROUP BY f.player_key, f.metric
ORDER BY f.player_key, f.metric
