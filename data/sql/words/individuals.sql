-- Who of `asked` (player_key, spent, p_plays) gets a brief of their own, and why; the first reason that fits. Shares are of
-- all asked. The sample is drawn by a hash that stays with the player.
WITH ranked AS (
    SELECT a.player_key,
           row_number() OVER (ORDER BY a.spent DESC NULLS LAST, a.player_key) AS by_spent, a.spent,
           row_number() OVER (ORDER BY a.p_plays NULLS LAST, a.player_key) AS by_risk, a.p_plays,
           ('0x' || left(sha256($app || '/individual/' || p.user_id), 8))::UBIGINT / 4294967296 AS luck,
           count(*) OVER () AS n
    FROM asked a JOIN players p USING (player_key)
)
SELECT player_key,
       CASE WHEN spent > 0 AND by_spent <= ceil($top_spenders * n) THEN 'top spender'
            WHEN p_plays IS NOT NULL AND by_risk <= ceil($at_risk * n) THEN 'at risk of leaving'
            WHEN luck < $sample THEN 'sample' END AS chosen_as
FROM ranked
WHERE chosen_as IS NOT NULL
ORDER BY player_key
