-- What the promises of earlier nights and revisions may still have to pay, by item of `bound` (item): of those that are neither paid nor
-- missed for good. Where what was paid may be taken back (for older settlements: $revokes), and completed and paid anew, it keeps its
-- share until its days of grace are over. Parameters: as_of, revision, grace_from, revokes.
WITH promised AS (
    SELECT r.* FROM promised_rewards r SEMI JOIN bound USING (item)
    WHERE r.as_of < $as_of OR (r.as_of = $as_of AND r.revision < $revision)
),
over AS (
    SELECT s.content_id, arg_max(s.xp, s.revision) > 0 AS is_paid,
           arg_max(coalesce(s.stays_paid, NOT $revokes), s.revision) AS stays_paid, arg_max(s.state, s.revision) AS state
    FROM settlements s SEMI JOIN promised USING (content_id)
    WHERE s.as_of <= $as_of GROUP BY s.content_id
)
SELECT r.item, sum(r.amount)::BIGINT AS amount
FROM promised r
LEFT JOIN over o USING (content_id)
ANTI JOIN achievements_at($as_of) a ON a.content_id = r.content_id
WHERE NOT (coalesce(o.is_paid AND o.stays_paid, false)
           OR coalesce(o.is_paid OR o.state = 'expired', false) AND r.valid_until < $grace_from::DATE)
GROUP BY r.item
ORDER BY r.item
