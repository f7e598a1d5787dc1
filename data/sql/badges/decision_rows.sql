-- What a file of decisions comes to, line by line. Input: `said` (line, broken, user_id, badge_id, decision, reason, citation,
-- by: text) and `badges` (badge_id, rule_version, is_judged, repeats, is_withdrawn). Parameters: moment (when a decision
-- counts that follows no other).
WITH words AS (
    SELECT properties ->> '$.badge_id' AS badge_id, player_key, event_id, occurred_at,
           CASE event WHEN 'nightquest.awarded' THEN 'award' ELSE 'refuse' END AS decision
    FROM events
    WHERE event IN ('nightquest.awarded', 'nightquest.refused')
    QUALIFY row_number() OVER (PARTITION BY properties ->> '$.badge_id', player_key
                               ORDER BY occurred_at DESC, sequence DESC, event_id DESC) = 1
),
outdated AS (
    SELECT v.call_key AS event_id FROM verdicts v ANTI JOIN badges USING (badge_id, rule_version)
    WHERE v.decided_by = 'person'
),
cases AS (
    SELECT s.*, p.player_key, j.rule_version, j.repeats, j.is_withdrawn,
           b.badge_id IS NOT NULL AS is_held, w.occurred_at AS last_at,
           coalesce(w.decision = s.decision AND o.event_id IS NULL, false) AS is_known,
           count(DISTINCT s.decision) OVER (PARTITION BY s.user_id, s.badge_id) > 1 AS contradicts,
           row_number() OVER (PARTITION BY s.user_id, s.badge_id ORDER BY s.line) AS place
    FROM said s
    LEFT JOIN players p USING (user_id)
    LEFT JOIN badges j USING (badge_id)
    LEFT JOIN (SELECT DISTINCT player_key, badge_id FROM badge_ledger) b ON b.player_key = p.player_key AND b.badge_id = s.badge_id
    LEFT JOIN words w ON w.player_key = p.player_key AND w.badge_id = s.badge_id
    LEFT JOIN (SELECT DISTINCT event_id FROM outdated) o ON o.event_id = w.event_id
)
SELECT line, user_id, badge_id,
       CASE WHEN broken IS NOT NULL THEN broken
            WHEN user_id IS NULL THEN 'user_id is missing'
            WHEN badge_id IS NULL THEN 'badge_id is missing'
            WHEN decision IS NULL THEN 'decision is missing'
            WHEN decision NOT IN ('award', 'refuse') THEN format('decision is ''{}'', not award or refuse', decision[:40])
            WHEN rule_version IS NULL THEN format('''{}'' is not a badge of the app', badge_id[:60])
            WHEN player_key IS NULL THEN format('the app has no player ''{}''', user_id[:60])
            WHEN contradicts THEN 'the file has both decisions on this player and badge'
            WHEN is_withdrawn AND decision = 'award' THEN 'the badge is withdrawn; no more are given'
            WHEN is_held AND NOT repeats AND decision = 'refuse' THEN 'the player has the badge; none is taken back'
       END AS fault,
       is_known OR is_held AND NOT repeats OR place > 1 AS is_known,
       CASE decision WHEN 'award' THEN 'nightquest.awarded' ELSE 'nightquest.refused' END AS event,
       strftime(timezone('UTC', greatest($moment::TIMESTAMPTZ, last_at + INTERVAL 1 MILLISECOND)),
                '%Y-%m-%dT%H:%M:%S.%fZ') AS occurred_at,
       CAST(json_merge_patch(json_object('badge_id', badge_id),
                             CASE WHEN reason IS NULL THEN '{}'::JSON ELSE json_object('reason', reason) END,
                             CASE WHEN citation IS NULL THEN '{}'::JSON ELSE json_object('citation', citation) END,
                             CASE WHEN "by" IS NULL THEN '{}'::JSON ELSE json_object('by', "by") END)
            AS VARCHAR) AS properties
FROM cases
ORDER BY line
