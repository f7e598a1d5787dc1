-- Promises of rewards that count at a night against limits and budgets, by player and offer: tonight's of earlier revisions, and of
-- the offers in `counted` (offer) all that were not missed for good. Parameters: as_of, revision, week_from, grace_from.
WITH promised AS (
    SELECT r.* FROM promised_rewards r
    WHERE (r.as_of = $as_of AND r.revision < $revision)
       OR (r.as_of < $as_of AND r.offer IN (SELECT offer FROM counted))
),
missed AS (
    SELECT content_id FROM settlements SEMI JOIN promised USING (content_id)
    WHERE as_of <= $as_of
    GROUP BY content_id HAVING arg_max(xp, revision) = 0 AND arg_max(state, revision) = 'expired'
)
SELECT r.player_key, r.offer, r.kind, r.item,
       count(*) FILTER (r.as_of = $as_of) AS n_night,
       count(*) FILTER (r.as_of >= $week_from) AS n_week,
       count(*) AS n_ever,
       coalesce(sum(r.amount) FILTER (r.as_of = $as_of), 0)::BIGINT AS worst,
       coalesce(sum(r.amount * r.probability) FILTER (r.as_of = $as_of), 0) AS expected
FROM promised r
LEFT JOIN missed m USING (content_id)
WHERE m.content_id IS NULL OR r.valid_until >= $grace_from::DATE
GROUP BY r.player_key, r.offer, r.kind, r.item
ORDER BY r.player_key, r.offer
