-- Of `badge_resting` that is still earned, and on something else than it says, since events were taken back: what it rests on now,
-- `found` (badge_id, player_key, round_no, granted_at, event_id, evidence). Where its own event stands, or the app keeps what
-- was granted ($keeps), it goes on to open what requires it from the moment that it did. Parameters: as_of, cut, keeps.
INSERT OR REPLACE INTO award_moments BY NAME
WITH now AS (
    SELECT award_id, arg_max(granted_at, as_of) AS granted_at, arg_max(event_id, as_of) AS event_id,
           arg_max(evidence, as_of) AS evidence
    FROM award_moments SEMI JOIN badge_resting USING (award_id) WHERE as_of < $as_of GROUP BY award_id
)
SELECT r.award_id, r.player_key, $as_of::DATE AS as_of, f.event_id, f.evidence, NULL::VARCHAR AS citation,
       CASE WHEN $keeps OR e.event_id IS NOT NULL THEN coalesce(n.granted_at, r.granted_at) ELSE f.granted_at END AS granted_at
FROM badge_resting r
JOIN found f USING (badge_id, player_key, round_no)
LEFT JOIN now n ON n.award_id = r.award_id
LEFT JOIN (SELECT event_id FROM events_at($cut)) e ON e.event_id = coalesce(n.event_id, r.event_id)
WHERE f.evidence::VARCHAR <> coalesce(n.evidence, r.evidence)::VARCHAR
