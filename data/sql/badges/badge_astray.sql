-- Which of the players in `badge_touched_all` are astray: their local days do not follow one another in time, as of those
-- who travel.
CREATE OR REPLACE TEMP TABLE badge_touched_all AS
WITH turned AS (
    SELECT player_key, first_at <= max(last_at) OVER (
               PARTITION BY player_key ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS back
    FROM badge_event_days
)
SELECT t.*, coalesce(astray, false) AS astray
FROM badge_touched_all t
LEFT JOIN (SELECT player_key, coalesce(bool_or(back), false) AS astray FROM turned GROUP BY player_key) USING (player_key);
