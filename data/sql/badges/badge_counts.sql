-- Awards and holders of each badge, and those of the last $days days. Parameters: as_of, days.
SELECT badge_id, count(*) AS awards, count(DISTINCT player_key) AS holders,
       count(*) FILTER (granted_at::DATE >= $as_of::DATE - $days::INTEGER) AS lately
FROM badge_ledger WHERE as_of <= $as_of GROUP BY badge_id
