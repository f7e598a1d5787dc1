-- Every player active before the base day, as `players/snapshots.sql` has it: was anything written for them tonight, and if not, why?
-- Input: `addressed` (user_id), `reasons` (player_key, reason) and `left_alone` (player_key, reason).
WITH active AS (
    SELECT DISTINCT player_key FROM known_active_days
    WHERE day >= $base_day - $active_within_days::INTEGER AND day < $base_day
),
told AS (SELECT player_key, min(reason) AS reason FROM reasons GROUP BY player_key)
SELECT a.player_key, p.user_id, p.user_id IN (SELECT user_id FROM addressed) AS served,
       CASE WHEN p.user_id NOT IN (SELECT user_id FROM addressed)
            THEN coalesce(o.reason, t.reason) END AS reason
FROM active a
LEFT JOIN players p USING (player_key)
LEFT JOIN left_alone o USING (player_key)
LEFT JOIN told t USING (player_key)
ORDER BY a.player_key
