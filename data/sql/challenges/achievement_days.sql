-- The rows of achievements_reached for `crossed` (content_id, player_key, title, xp, value, crossed_at, event_id), with the
-- local day of the event that crossed the line; the title, and `again`: what marks its entry in the ledgers.
SELECT c.content_id, c.player_key, $as_of::DATE AS as_of, e.day AS reached_on, c.crossed_at AS reached_at, c.event_id, c.value,
       c.xp, c.title,
       reached_again(c.content_id::UUID) AS again
FROM crossed c
JOIN events_at($cut) e ON e.player_key = c.player_key AND e.event_id = c.event_id
ORDER BY c.content_id
