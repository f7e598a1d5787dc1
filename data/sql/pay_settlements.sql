-- The XP of what the night $as_of settled as completed: the ledger follows the settlements that stand, once each.
INSERT INTO xp_ledger BY NAME
SELECT 'challenge:' || content_id || ':' || revision AS entry_id, player_key, as_of, xp, 'challenge completed' AS reason,
       completed_at AS occurred_at
FROM settlements
WHERE as_of = $as_of AND state = 'completed' AND xp > 0
ON CONFLICT DO NOTHING
