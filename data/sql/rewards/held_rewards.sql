-- Titles, unlocks and badges that players hold by a night: player_key, item.
SELECT player_key, item FROM reward_ledger WHERE kind IN ('title', 'unlock') AND as_of <= $as_of
GROUP BY player_key, item HAVING sum(amount) > 0
UNION
SELECT player_key, badge_id FROM badge_ledger WHERE as_of <= $as_of
ORDER BY ALL
