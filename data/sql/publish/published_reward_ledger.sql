-- Everything that was paid beside XP up to a night; `posted_on` is the night that posted it.
SELECT l.entry_id, p.user_id, l.as_of AS posted_on, l.kind, l.item, l.amount, coalesce(r.words, l.item) AS words,
       l.content_id::VARCHAR AS content_id, l.offer, l.reason,
       l.occurred_at
FROM reward_ledger l
LEFT JOIN players p USING (player_key)
LEFT JOIN promised_rewards r ON r.content_id = l.content_id AND r.offer = l.offer
WHERE l.as_of <= $as_of
