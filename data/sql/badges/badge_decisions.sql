-- The last word of people on judged badges (`judged`: badge_id, rule_version) as known at the night's cut, where it has
-- not been noted yet and the badge is not held. Parameters: as_of, cut.
WITH said AS (
    SELECT properties ->> 'badge_id' AS badge_id, player_key, event_id, occurred_at,
           properties ->> 'reason' AS reason, properties ->> 'citation' AS citation, properties ->> 'by' AS said_by,
           CASE event WHEN 'nightquest.awarded' THEN 'award' ELSE 'refuse' END AS decision
    FROM reserved_at($cut)
    WHERE event IN ('nightquest.awarded', 'nightquest.refused') AND day < $as_of
    QUALIFY row_number() OVER (PARTITION BY properties ->> 'badge_id', player_key
                               ORDER BY occurred_at DESC, sequence DESC, event_id DESC) = 1
)
SELECT s.badge_id, s.player_key, p.user_id, j.rule_version, s.event_id, s.occurred_at AS decided_at, s.decision, s.reason,
       s.citation, s.said_by, n.crossing
FROM said s
JOIN judged j USING (badge_id)
LEFT JOIN players p USING (player_key)
LEFT JOIN nominations n USING (badge_id, player_key, rule_version)
ANTI JOIN badge_ledger USING (badge_id, player_key)
ANTI JOIN (SELECT badge_id, player_key, call_key FROM verdicts WHERE decided_by = 'person') v
    ON v.badge_id = s.badge_id AND v.player_key = s.player_key AND v.call_key = s.event_id
ORDER BY s.badge_id, s.occurred_at, s.event_id
