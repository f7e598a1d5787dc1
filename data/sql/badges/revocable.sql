-- Awards by rule of `rules` (badge_id, rule_version) that the players of `badge_again` hold and that no person gave, unless their
-- rule still holds at some moment: `found` (badge_id, player_key). With the XP they paid. Parameters: as_of, cut.
SELECT l.*, coalesce(x.xp, 0) AS xp
FROM badge_ledger l
SEMI JOIN badge_again USING (player_key)
SEMI JOIN rules USING (badge_id, rule_version)
ANTI JOIN found USING (badge_id, player_key)
ANTI JOIN (FROM events_at($cut) WHERE starts_with(event, 'nightquest.')) USING (event_id)
LEFT JOIN xp_ledger x ON x.entry_id = 'badge:' || l.award_id
WHERE l.as_of < $as_of
ORDER BY l.award_id
