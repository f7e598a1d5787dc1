-- What models awarded to the players of `players_hit` under `rules` (badge_id, rule_version) and rests on what was taken back: the
-- rows of the ledger, with the XP that they paid and the reason. Input: `found` (badge_id, player_key), whose nominating rule still
-- holds at some moment, `seen_events` (badge_id, event), and `events_gone`, the events. Parameters: as_of, review.
SELECT l.*, coalesce(x.xp, 0) AS xp,
       CASE WHEN f.badge_id IS NULL THEN 'an event that it rested on was taken back' ELSE $review END AS reason
FROM badge_ledger l
SEMI JOIN players_hit USING (player_key)
SEMI JOIN rules USING (badge_id, rule_version)
JOIN verdicts v ON v.verdict_id = l.evidence ->> '$.verdict_id' AND v.decided_by = 'model'
LEFT JOIN found f ON f.badge_id = l.badge_id AND f.player_key = l.player_key
LEFT JOIN xp_ledger x ON x.entry_id = 'badge:' || l.award_id
WHERE l.as_of < $as_of
  AND (f.badge_id IS NULL
       OR EXISTS (FROM events_gone g JOIN seen_events s USING (event)
                  WHERE s.badge_id = l.badge_id AND g.player_key = l.player_key
                    AND g.day < l.as_of AND g.available_at <= l.granted_at))
ORDER BY l.award_id
