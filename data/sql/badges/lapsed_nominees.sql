-- Nominees on whom nobody has decided for `lapse_after_days`: never looked at since they were nominated, or held since.
-- Input: `judged` (badge_id, rule_version, lapse_after_days, …), `busy` (badge_id, player_key: decided on tonight) and
-- `held_since`.
-- Parameters: as_of, revision, cut.
WITH stands AS (
    SELECT * FROM verdicts WHERE as_of < $as_of OR as_of = $as_of AND revision < $revision
    QUALIFY row_number() OVER (PARTITION BY badge_id, player_key, rule_version ORDER BY as_of DESC, revision DESC) = 1
),
open AS (
    SELECT n.badge_id, n.player_key, n.rule_version, n.crossing, n.event_id, s.evidence, s.evidence_hash,
           j.lapse_after_days, s.decision IS NOT DISTINCT FROM 'hold' AS was_held,
           CASE WHEN s.verdict_id IS NULL THEN n.as_of
                WHEN s.decision = 'award' THEN r.revoked_on ELSE coalesce(h.since, s.as_of) END AS since
    FROM nominations n
    JOIN judged j USING (badge_id, rule_version)
    LEFT JOIN stands s USING (badge_id, player_key, rule_version)
    LEFT JOIN held_since h USING (badge_id, player_key, rule_version)
    LEFT JOIN (SELECT badge_id, player_key, rule_version, max(revoked_on) AS revoked_on FROM revoked_awards GROUP BY ALL) r
        USING (badge_id, player_key, rule_version)
    ANTI JOIN badge_ledger USING (badge_id, player_key)
    ANTI JOIN busy USING (badge_id, player_key)
    WHERE n.as_of <= $as_of AND (s.verdict_id IS NULL OR s.decision = 'hold' OR r.revoked_on IS NOT NULL AND s.decision = 'award')
)
SELECT o.badge_id, o.player_key, p.user_id, o.rule_version, coalesce(o.evidence::VARCHAR, '[]') AS evidence,
       coalesce(o.evidence_hash, '') AS evidence_hash, o.crossing::VARCHAR AS crossing, o.event_id,
       $cut::TIMESTAMPTZ AS decided_at,
       format('Nobody decided within {} days: {} since {}.', o.lapse_after_days,
              CASE WHEN o.was_held THEN 'held' ELSE 'waiting' END, o.since::VARCHAR) AS reasons
FROM open o
LEFT JOIN players p USING (player_key)
WHERE o.since + o.lapse_after_days::INTEGER <= $as_of
ORDER BY o.badge_id, o.since, p.user_id
