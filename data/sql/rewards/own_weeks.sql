-- Each player's own week, from the eight weeks before $base_day: player_key, weekday (1 Monday to 7 Sunday) and whether they mostly
-- play on it, that is, at least a seventh of their days with play fell on it. Of who has played on fewer than four days, or
-- for less than two weeks, nothing is known.
WITH played AS (
    SELECT player_key, day FROM known_active_days WHERE day < $base_day::DATE AND day >= $base_day::DATE - 56
),
everybody AS (
    SELECT player_key, count(*) AS days FROM played
    GROUP BY player_key HAVING count(*) >= 4 AND min(day) <= $base_day::DATE - 14
)
SELECT e.player_key, w.weekday, count(p.day) * 7 >= e.days AS usual
FROM everybody e
CROSS JOIN (SELECT unnest(range(1, 8)) AS weekday) w
LEFT JOIN played p ON p.player_key = e.player_key AND isodow(p.day) = w.weekday
GROUP BY e.player_key, w.weekday, e.days
ORDER BY e.player_key, w.weekday
