-- Nominees who may be decided on tonight, with their place in the queue of their badge: the longest waiting first.
-- Input: `judged` (badge_id, rule_version, per_night, again_after_days, …), `shown_events` (badge_id, event), `found` (nominations
-- of tonight) and `spoken` (badge_id, player_key: decided by a person tonight). Parameters: as_of, revision, cut,
-- active_within_days, asked (whether anybody can be asked).
WITH mine AS (
    SELECT badge_id, player_key, rule_version, as_of, crossed_at, event_id, crossing FROM nominations WHERE as_of <= $as_of
    UNION
    SELECT badge_id, player_key, rule_version, $as_of, crossed_at, event_id, crossing FROM found
),
stands AS (
    SELECT * FROM verdicts WHERE as_of <= $as_of
    QUALIFY row_number() OVER (PARTITION BY badge_id, player_key, rule_version ORDER BY as_of DESC, revision DESC) = 1
),
lately AS (SELECT player_key FROM known_active_days WHERE day >= $as_of - $active_within_days::INTEGER GROUP BY player_key),
news AS (
    SELECT v.badge_id, v.player_key
    FROM stands v
    JOIN shown_events s USING (badge_id)
    JOIN events_at($cut) e ON e.player_key = v.player_key AND e.event = s.event AND e.day >= v.as_of
    WHERE e.day < $as_of
    GROUP BY v.badge_id, v.player_key
),
open AS (
    SELECT n.*, j.per_night,
           CASE WHEN v.decided_by = 'model' OR v.decision = 'lapse' THEN (v.as_of + j.again_after_days::INTEGER)::TIMESTAMPTZ
                ELSE n.crossed_at END AS waiting_since
    FROM mine n
    JOIN judged j USING (badge_id, rule_version)
    SEMI JOIN lately USING (player_key)
    ANTI JOIN badge_ledger USING (badge_id, player_key)
    ANTI JOIN spoken USING (badge_id, player_key)
    LEFT JOIN stands v USING (badge_id, player_key, rule_version)
    LEFT JOIN news USING (badge_id, player_key)
    WHERE v.verdict_id IS NULL
       OR v.decision = 'award' AND v.decided_by = 'model'  -- and taken back since
       OR $asked AND v.decision = 'hold' AND v.decided_by = 'nobody'
          AND (v.as_of < $as_of OR v.as_of = $as_of AND v.revision < $revision)
       OR (v.decision = 'lapse' OR $asked AND v.decided_by = 'model') AND v.as_of + j.again_after_days::INTEGER <= $as_of AND news.badge_id IS NOT NULL
),
tonight AS (
    SELECT badge_id, count(DISTINCT player_key) AS decided
    FROM verdicts ANTI JOIN open USING (badge_id, player_key)
    WHERE as_of = $as_of AND decided_by <> 'person' AND decision <> 'lapse'
    GROUP BY badge_id
)
SELECT o.badge_id, o.player_key, p.user_id, o.rule_version, o.crossed_at, o.event_id, o.crossing, o.waiting_since,
       o.per_night - coalesce(t.decided, 0) AS room,
       row_number() OVER (PARTITION BY o.badge_id ORDER BY o.waiting_since, p.user_id) AS place
FROM open o
LEFT JOIN tonight t USING (badge_id)
LEFT JOIN players p USING (player_key)
ORDER BY o.badge_id, place
