-- Players whose rules may have changed since the last evaluated night: who has events that it could not see.
-- Such an event has a day that it did not serve yet, or became available after its cut, or came in a delivery taken since
-- (past data taken in late is available from the moment it occurred), or its day has moved since. Parameters: as_of, cut; since_day, since_cut,
-- since_taken of the last night; margin_days, badge_ids, once (those of them that are earned once). Input: `badge_done`
-- (badge_id, player_key), who is past a badge, and `badge_gates`: whom a badge of that night or since has let come to
-- another one is looked at from there on.
CREATE OR REPLACE TEMP TABLE badge_touched_all AS
WITH taken_back AS (
    SELECT player_key FROM retracted_events
    WHERE retracted_at <= $cut AND (retracted_at > $since_cut OR moved_at > $since_taken)
),
fresh AS (
    SELECT player_key, day, occurred_at FROM events_at($cut) WHERE day >= $since_day AND day < $as_of
    UNION ALL
    SELECT player_key, day, occurred_at FROM events_at($cut) WHERE day < $since_day AND available_at > $since_cut
    UNION ALL
    SELECT player_key, day, occurred_at FROM events_at($cut)
    WHERE delivery_id IN (SELECT delivery_id FROM deliveries WHERE taken_at > $since_taken) AND day < $since_day
    UNION ALL  -- a day before or after, whatever the zone
    SELECT player_key, open_at::DATE - 2, open_at FROM badge_gates WHERE as_of >= $since_day
    UNION ALL
    SELECT player_key, day, occurred_at FROM events_at($cut)
    SEMI JOIN (FROM moved_days WHERE moved_at > $since_taken) USING (player_key, day)
    WHERE day < $since_day
    UNION ALL  -- a life of which something was taken back may have crossed a line anywhere
    SELECT player_key, day, occurred_at FROM events_at($cut) SEMI JOIN taken_back USING (player_key) WHERE day < $as_of
),
complete AS (
    SELECT player_key FROM badge_done WHERE badge_id IN (SELECT unnest($once))
    GROUP BY player_key HAVING count(DISTINCT badge_id) >= len($badge_ids)
)
SELECT player_key,
       min(day) AS first_day,
       min(day) - $margin_days::INTEGER AS start_day,   -- days before are before all others in time, whatever the zone
       min(occurred_at) AS first_at                     -- rules are evaluated from here
FROM fresh ANTI JOIN complete USING (player_key)
GROUP BY player_key
