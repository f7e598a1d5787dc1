-- Who was active within $within days before each base day in `base_days` (base_day), and may be addressed.
SELECT DISTINCT d.player_key, b.base_day
FROM base_days b
JOIN known_active_days d ON d.day BETWEEN b.base_day - $within AND b.base_day - 1
ORDER BY b.base_day, d.player_key
