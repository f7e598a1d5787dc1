-- Badges that the night $as_of pays as rewards and that are not given yet: what an award is made of.
WITH texts AS (
    SELECT content_id, title FROM challenges UNION ALL SELECT content_id, title FROM achievements
)
SELECT l.player_key, l.item AS badge_id, 0::BIGINT AS round_no, l.occurred_at AS granted_at,
       coalesce(s.event_id, a.event_id, l.entry_id) AS event_id, 'reward' AS rule_version, 1.0::DOUBLE AS confidence,
       json_object('decided_by', 'reward', 'content_id', l.content_id::VARCHAR, 'offer', l.offer)::VARCHAR AS evidence,
       t.title AS kept
FROM (FROM reward_ledger WHERE as_of = $as_of AND kind = 'badge' AND amount > 0) l
JOIN texts t USING (content_id)
LEFT JOIN settlements s ON s.content_id = l.content_id AND s.as_of = l.as_of
LEFT JOIN achievements_reached a ON a.content_id = l.content_id
ANTI JOIN badge_ledger b ON b.player_key = l.player_key AND b.badge_id = l.item
ORDER BY l.entry_id
