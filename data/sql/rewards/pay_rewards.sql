-- The rewards of what the night $as_of settled: the ledger follows the settlements that stand, as XP does; what pays its XP pays all
-- of its rewards. What is taken back with an event is a row below zero, of the night's $cut. A badge that is held by then gives
-- nothing more.
INSERT INTO reward_ledger BY NAME
WITH settled AS (
    SELECT content_id, player_key, 'challenge:' || content_id || ':' || revision AS entry, completed_at, xp > 0 AS paid
    FROM settlements WHERE as_of = $as_of
    UNION ALL
    SELECT content_id, player_key, 'achievement:' || content_id || reached_again(content_id), reached_at, true
    FROM achievements_reached WHERE as_of = $as_of
    UNION ALL
    SELECT content_id, player_key, 'revoked:achievement:' || content_id || reached_again(content_id), NULL, false
    FROM achievements_unreached WHERE revoked_on = $as_of
),
posted AS (
    SELECT content_id, offer, sum(amount)::INTEGER AS amount
    FROM reward_ledger SEMI JOIN settled USING (content_id)
    WHERE as_of < $as_of
    GROUP BY content_id, offer
),
due AS (
    SELECT s.entry || ':' || r.offer AS entry_id, s.content_id, r.offer, s.player_key, r.content_type, r.kind, r.item, s.completed_at,
           CASE WHEN s.paid THEN r.amount ELSE 0 END - coalesce(p.amount, 0) AS amount
    FROM settled s
    JOIN promised_rewards r USING (content_id)
    LEFT JOIN posted p ON p.content_id = r.content_id AND p.offer = r.offer
    WHERE r.kind <> 'xp'
)
SELECT entry_id, content_id, offer, player_key, $as_of::DATE AS as_of, kind, item, amount,
       CASE WHEN amount < 0 THEN 'an event that it rested on was taken back'
            WHEN content_type = 'adaptive_mission' THEN 'mission completed'
            WHEN content_type = 'custom_achievement' THEN 'achievement reached' ELSE 'challenge completed' END AS reason,
       coalesce(completed_at, $cut) AS occurred_at
FROM due d
WHERE amount <> 0
  AND NOT (kind = 'badge' AND amount > 0
           AND EXISTS (FROM badge_ledger b WHERE b.player_key = d.player_key AND b.badge_id = d.item))
ON CONFLICT DO NOTHING
