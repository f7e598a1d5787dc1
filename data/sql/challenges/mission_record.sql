-- The missions issued since $since by published nights, and by the night $as_of itself, with what the nights up to it
-- settled: `hit` and `played` are null while that is open. Who paused in one has not played it. Input: `pauses`.
SELECT c.player_key, c.metric, c.probability_if_active, c.valid_from AS start_day, c.valid_until AS end_day,
       s.state = 'completed' AS hit,
       s.played AND NOT EXISTS (FROM pauses p WHERE p.player_key = c.player_key
                                AND p.first_day <= c.valid_until AND p.last_day >= c.valid_from) AS played
FROM challenges c
LEFT JOIN (
    FROM (FROM settlements WHERE as_of <= $as_of
          QUALIFY row_number() OVER (PARTITION BY content_id ORDER BY revision DESC) = 1)
    WHERE state <> 'reopened'
) s USING (content_id)
WHERE c.content_type = 'adaptive_mission' AND c.as_of BETWEEN $since AND $as_of
  AND (c.as_of = $as_of
       OR EXISTS (FROM nights n WHERE n.status = 'published' AND n.as_of = c.as_of AND n.revision >= c.revision))
ORDER BY c.player_key, c.valid_from, c.metric
