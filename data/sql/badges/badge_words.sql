-- What people have said of badges that are earned by rule (`by_rule`: badge_id, rule_version), as known at the night's cut:
-- each award after the last refusal of the player and badge, or that refusal where none followed. Parameters: as_of, cut.
WITH said AS (
    SELECT properties ->> '$.badge_id' AS badge_id, player_key, event_id, occurred_at, sequence, day,
           event = 'nightquest.awarded' AS gives, properties ->> '$.reason' AS reason,
           properties ->> '$.citation' AS citation, properties ->> '$.by' AS said_by
    FROM reserved_at($cut)
    WHERE event IN ('nightquest.awarded', 'nightquest.refused') AND day < $as_of
),
since AS (
    SELECT *, count(*) FILTER (NOT gives) OVER later AS refusals_after, count(*) FILTER (gives) OVER later AS awards_after
    FROM said JOIN by_rule USING (badge_id)
    WINDOW later AS (PARTITION BY badge_id, player_key ORDER BY occurred_at, sequence, event_id
                     ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
)
SELECT badge_id, player_key, event_id, occurred_at, day - DATE '1970-01-01' AS day_no, gives, rule_version, reason, citation,
       said_by
FROM since WHERE refusals_after = 0 AND (gives OR awards_after = 0)
ORDER BY occurred_at, sequence, event_id
