-- What the players of `players_hit` hold by the rules in `rules` (badge_id, rule_version), no person gave, and may have lost:
-- the rows of the ledger, with the XP that they paid. Parameters: as_of, cut.
CREATE OR REPLACE TEMP TABLE badge_resting AS
SELECT l.*, coalesce(x.xp, 0) AS xp
FROM badge_ledger l
SEMI JOIN players_hit USING (player_key)
SEMI JOIN rules USING (badge_id, rule_version)
ANTI JOIN (FROM events_at($cut) WHERE starts_with(event, 'nightquest.')) USING (event_id)
LEFT JOIN xp_ledger x ON x.entry_id = 'badge:' || l.award_id
WHERE l.as_of < $as_of
