-- What became of what was recommended first. Input: `firsts` (row, player_key, kind, start_day, end_day, back_day, item), and
-- `answered` (player_key, content_type, as_of, well).
SELECT f.row,
       EXISTS (SELECT 1 FROM known_active_days d
               WHERE d.player_key = f.player_key AND d.day BETWEEN f.start_day AND f.back_day) AS back,
       f.kind = 'badge'
       AND EXISTS (SELECT 1 FROM badge_ledger l JOIN events_at($cut) e USING (event_id)
                   WHERE l.player_key = f.player_key AND l.badge_id = f.item
                     AND e.day BETWEEN f.start_day AND f.end_day)
       OR f.kind = 'content_type'
       AND EXISTS (SELECT 1 FROM answered a WHERE a.player_key = f.player_key AND a.content_type = f.item AND a.well
                   AND a.as_of BETWEEN f.start_day AND f.end_day) AS came
FROM firsts f
