-- Everybody who was nominated for a judged badge under its rule of tonight, or was given one by judgement, and how it
-- stands. Input: `judged` (badge_id, rule_version), `held_since`. Parameters: as_of, revision.
WITH stands AS (
    SELECT * FROM verdicts
    WHERE as_of < $as_of OR as_of = $as_of AND revision <= $revision
    QUALIFY row_number() OVER (PARTITION BY badge_id, player_key, rule_version ORDER BY as_of DESC, revision DESC) = 1
),
given AS (
    SELECT badge_id, player_key, rule_version, evidence ->> 'verdict_id' AS verdict_id FROM badges_at($as_of)
    WHERE evidence ->> 'verdict_id' IS NOT NULL
),
no_award AS (FROM stands WHERE decision <> 'award'),  -- an award that stands is given; another one was taken back
asked AS (
    SELECT badge_id, player_key, rule_version FROM nominations WHERE as_of <= $as_of
    UNION SELECT badge_id, player_key, rule_version FROM no_award
),
cases AS (
    SELECT badge_id, player_key, rule_version, verdict_id FROM given
    UNION ALL
    SELECT a.badge_id, a.player_key, a.rule_version, s.verdict_id
    FROM asked a
    SEMI JOIN judged USING (badge_id, rule_version)
    LEFT JOIN no_award s USING (badge_id, player_key, rule_version)
    ANTI JOIN badges_at($as_of) USING (badge_id, player_key)
)
SELECT p.user_id, c.badge_id,
       CASE v.decision WHEN 'award' THEN 'awarded' WHEN 'hold' THEN 'held' WHEN 'refuse' THEN 'refused'
                       WHEN 'lapse' THEN 'lapsed'
                       ELSE 'waiting' END AS state,
       CASE WHEN v.verdict_id IS NULL THEN n.as_of
            WHEN v.decision = 'hold' THEN coalesce(h.since, v.as_of) END AS open_since,
       n.as_of AS nominated_on, v.as_of AS decided_on, coalesce(v.provider, v.decided_by) AS decided_by,
       v.model, v.prompt_version, v.confidence, v.reasons, v.evidence::VARCHAR AS evidence,
       v.evidence_ids::VARCHAR AS evidence_ids, v.second_opinion::VARCHAR AS second_opinion, c.rule_version
FROM cases c
LEFT JOIN verdicts v USING (verdict_id)
LEFT JOIN nominations n ON n.badge_id = c.badge_id AND n.player_key = c.player_key AND n.rule_version = c.rule_version
LEFT JOIN held_since h ON h.badge_id = c.badge_id AND h.player_key = c.player_key AND h.rule_version = c.rule_version
LEFT JOIN players p ON p.player_key = c.player_key
