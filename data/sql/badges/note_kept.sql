-- Of `badge_resting` what is earned at no moment of what is left, or was judged, and kept as the app says: its evidence stays that of the grant, and
-- `kept` in it names the night that found so and what was taken back since the grant of the events in `counted` (badge_id, event): how
-- many, the first twenty, and when the last was. Input: `found` (badge_id, player_key, round_no). Parameters: as_of, cut.
INSERT OR REPLACE INTO award_moments BY NAME
WITH unearned AS (
    SELECT r.*, n.cut, n.started_at
    FROM (FROM badge_resting ANTI JOIN found USING (badge_id, player_key, round_no)) r
    JOIN (SELECT as_of, min(cut) AS cut, min(started_at) AS started_at FROM nights GROUP BY as_of) n USING (as_of)
),
gone AS (
    SELECT u.award_id, count(*) AS events, list(e.event_id ORDER BY e.retracted_at, e.event_id)[:20] AS event_ids,
           strftime(timezone('UTC', max(e.retracted_at)), '%Y-%m-%dT%H:%M:%SZ') AS last_at
    FROM unearned u
    JOIN counted c USING (badge_id)
    JOIN retracted_events e ON e.player_key = u.player_key AND e.event = c.event
    WHERE e.available_at <= u.cut AND e.retracted_at <= $cut AND (e.retracted_at > u.cut OR e.moved_at > u.started_at)
    GROUP BY u.award_id
),
now AS (
    SELECT award_id, arg_max(granted_at, as_of) AS granted_at, arg_max(evidence, as_of) AS evidence
    FROM award_moments SEMI JOIN unearned USING (award_id) WHERE as_of < $as_of GROUP BY award_id
)
SELECT u.award_id, u.player_key, $as_of::DATE AS as_of, NULL::VARCHAR AS event_id, NULL::VARCHAR AS citation,
       coalesce(n.granted_at, u.granted_at) AS granted_at,
       json_merge_patch(coalesce(n.evidence, u.evidence), json_object('kept', json_object(
           'as_of', $as_of::DATE::VARCHAR, 'taken_back', g.events, 'event_ids', g.event_ids, 'taken_back_at', g.last_at
       ))) AS evidence
FROM unearned u
JOIN gone g USING (award_id)
LEFT JOIN now n USING (award_id)
WHERE coalesce((n.evidence ->> '$.kept.taken_back')::BIGINT, 0) <> g.events
