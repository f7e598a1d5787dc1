-- Of `badge_resting` that is still earned, by another event than its own, which was taken back: the moment of that one, `found`
-- (badge_id, player_key, round_no, granted_at). Parameters: as_of, cut.
INSERT INTO award_moments BY NAME
SELECT r.award_id, r.player_key, $as_of::DATE AS as_of, f.granted_at
FROM badge_resting r JOIN found f USING (badge_id, player_key, round_no)
ANTI JOIN events_at($cut) e ON e.event_id = r.event_id
ON CONFLICT DO NOTHING
