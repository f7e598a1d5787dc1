-- The XP of what the night $as_of settled as completed: the ledger follows the settlements that stand, once each.
INSERT INTO xp_ledger BY NAME
SELECT 'challenge:' || s.content_id || ':' || s.revision AS entry_id, s.player_key, s.as_of, s.xp,
       CASE c.content_type WHEN 'adaptive_mission' THEN 'mission completed' ELSE 'challenge completed' END AS reason,
       s.completed_at AS occurred_at
FROM settlements s
LEFT JOIN challenges c USING (content_id)
WHERE s.as_of = $as_of AND s.state = 'completed' AND s.xp > 0
  AND NOT EXISTS (FROM settlements b WHERE b.content_id = s.content_id AND b.state = 'completed' AND b.revision < s.revision)
ON CONFLICT DO NOTHING
