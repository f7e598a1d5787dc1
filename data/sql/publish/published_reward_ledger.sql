-- Everything that was paid beside XP up to a night; `posted_on` is the night that posted it.
SELECT l.entry_id, p.user_id, l.as_of AS posted_on, l.kind, l.item, l.amount, l.content_id::VARCHAR AS content_id, l.offer, l.reason,
       l.occurred_at
FROM reward_ledger l
LEFT JOIN players p USING (player_key)
WHERE l.as_of <= $as_of
