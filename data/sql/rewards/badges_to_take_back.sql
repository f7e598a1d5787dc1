-- Badges given as rewards whose challenge the night $as_of takes back: the ledger's rows, with the XP they paid.
SELECT b.*, coalesce(x.xp, 0) AS xp
FROM badge_ledger b
LEFT JOIN xp_ledger x ON x.entry_id = 'badge:' || b.award_id
WHERE EXISTS (
    FROM reward_ledger l
    WHERE l.as_of = $as_of AND l.kind = 'badge' AND l.amount < 0 AND l.player_key = b.player_key AND l.item = b.badge_id
      AND l.content_id::VARCHAR = b.evidence ->> 'content_id'
)
ORDER BY b.award_id
