-- What players have of points, titles and unlocks at a night: the ledger's sums. Badges are in badges_held.
SELECT p.user_id, l.kind, l.item, sum(l.amount)::INTEGER AS amount, min(l.occurred_at) AS since
FROM reward_ledger l
LEFT JOIN players p USING (player_key)
WHERE l.as_of <= $as_of AND l.kind <> 'badge'
GROUP BY p.user_id, l.kind, l.item
HAVING sum(l.amount) <> 0
