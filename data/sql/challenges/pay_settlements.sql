-- The XP of what the night $as_of settled: the ledger follows the settlements that stand, by what each revision is worth beyond
-- the one before. What is taken back with an event is a row below zero, of the night's $cut.
INSERT INTO xp_ledger BY NAME
SELECT 'challenge:' || s.content_id || ':' || s.revision AS entry_id, s.player_key, s.as_of,
       s.xp - coalesce(before.xp, 0) AS xp,
       CASE WHEN s.xp < before.xp THEN 'an event that it rested on was taken back'
            WHEN c.content_type = 'adaptive_mission' THEN 'mission completed' ELSE 'challenge completed' END AS reason,
       coalesce(s.completed_at, $cut) AS occurred_at
FROM settlements s
LEFT JOIN settlements before ON before.content_id = s.content_id AND before.revision = s.revision - 1
LEFT JOIN challenges c ON c.content_id = s.content_id
WHERE s.as_of = $as_of AND s.xp <> coalesce(before.xp, 0)
ON CONFLICT DO NOTHING
