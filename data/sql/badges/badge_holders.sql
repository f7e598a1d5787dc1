-- Holders of each badge and their share of all players who ever played. Input: `app_badges` (badge_id); parameter: as_of.
WITH played AS (SELECT count(DISTINCT player_key) AS n FROM known_active_days),
held AS (SELECT badge_id, count(DISTINCT player_key) AS holders FROM badges_at($as_of) GROUP BY badge_id)
SELECT badge_id, coalesce(holders, 0) AS holders, least(1, coalesce(holders, 0) / greatest(1, played.n)) AS share
FROM app_badges FULL JOIN held USING (badge_id) CROSS JOIN played
ORDER BY badge_id
