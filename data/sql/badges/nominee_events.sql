-- The newest events of `nominees` (badge_id, player_key) among `shown_events` (badge_id, event), one row for each property
-- (key null: none). No kind of event crowds out the others: the newest of each kind come first, until there are $newest.
-- Parameters: as_of, cut.
WITH ranked AS (
    SELECT n.badge_id, n.player_key, e.event_id, e.event, e.occurred_at, e.sequence, e.value, e.properties,
           row_number() OVER (PARTITION BY n.badge_id, n.player_key, e.event
                              ORDER BY e.occurred_at DESC, e.sequence DESC, e.event_id DESC) AS of_kind
    FROM nominees n
    JOIN shown_events s USING (badge_id)
    JOIN events_at($cut) e ON e.player_key = n.player_key AND e.event = s.event
    WHERE e.day < $as_of
    QUALIFY of_kind <= $newest
),
chosen AS (
    SELECT *, row_number() OVER (PARTITION BY badge_id, player_key
                                 ORDER BY occurred_at DESC, sequence DESC, event_id DESC) AS place
    FROM (
        SELECT * FROM ranked
        QUALIFY row_number() OVER (PARTITION BY badge_id, player_key
                                   ORDER BY of_kind, occurred_at DESC, sequence DESC, event_id DESC) <= $newest
    )
),
pairs AS (
    SELECT badge_id, player_key, place, key, json_extract_string(properties, '$."' || key || '"') AS said
    FROM (SELECT *, unnest(json_keys(properties)) AS key FROM chosen)
    UNION ALL
    SELECT badge_id, player_key, place, 'value', value::VARCHAR FROM chosen WHERE value IS NOT NULL
)
SELECT badge_id, player_key, p.user_id, place, event, occurred_at, key, said
FROM chosen
LEFT JOIN players p USING (player_key)
LEFT JOIN pairs USING (badge_id, player_key, place)
ORDER BY badge_id, player_key, place, key
