-- Take out the nominations of the players of `players_hit` under `rules` (badge_id, rule_version) that would not be made any more and
-- led to no award that stands. Input: `found` (badge_id, player_key), whose rule still holds at some moment. Parameters: as_of.
DELETE FROM nominations n
WHERE n.as_of < $as_of
  AND EXISTS (FROM players_hit a WHERE a.player_key = n.player_key)
  AND EXISTS (FROM rules r WHERE r.badge_id = n.badge_id AND r.rule_version = n.rule_version)
  AND NOT EXISTS (FROM found f WHERE f.badge_id = n.badge_id AND f.player_key = n.player_key)
  AND NOT EXISTS (FROM badge_ledger l WHERE l.badge_id = n.badge_id AND l.player_key = n.player_key)
