-- How much play of each of the last $days days was known when its own night came: kind, name, cohort, back (0 is the
-- newest day) and n. Day by day as it was known then, so that an app whose input always arrives late is compared with itself.
--   here: players of a cohort            had: players with a metric, by name      done: how often they had it
--   play: events, and players once each, in the cohort of most of a player's day
--   sent: rows, and copies of others, that came in with the day
-- Of the players from $first to $last; what players come to adds up.
WITH parts AS (
    SELECT metric, cohort, player_key, n, ($base_day::DATE - 1 - day)::INTEGER AS back
    FROM known_player_days SEMI JOIN (FROM metrics WHERE NOT is_derived(agg)) USING (metric)
    WHERE player_key BETWEEN $first AND $last AND day < $base_day AND day >= $base_day::DATE - $days::INTEGER
      AND epoch_us(available_at) <= epoch_us($cut::TIMESTAMPTZ) - ($base_day::DATE - 1 - day) * 86_400_000_000
),
cohorts AS (SELECT player_key, cohort, back, sum(n) AS n FROM parts GROUP BY ALL),
homes AS (SELECT player_key, back, max_by(cohort, (n, cohort)) AS cohort FROM cohorts GROUP BY ALL),
lately AS (
    SELECT player_key, ($base_day::DATE - 1 - day)::INTEGER AS back, count(*) AS n
    FROM events_at($cut::TIMESTAMPTZ)
    WHERE active AND player_key BETWEEN $first AND $last AND day < $base_day AND day >= $base_day::DATE - $days::INTEGER
      AND epoch_us(available_at) <= epoch_us($cut::TIMESTAMPTZ) - ($base_day::DATE - 1 - day) * 86_400_000_000
    GROUP BY ALL
),
play AS (SELECT coalesce(cohort, 'all') AS cohort, back, n FROM lately LEFT JOIN homes USING (player_key, back)),
came AS (
    SELECT player_key, content_hash, available_at,
           ((epoch_us($cut::TIMESTAMPTZ) // 1_000_000 - epoch_us(available_at) // 1_000_000) // 86_400)::INTEGER AS back
    FROM events_at($cut::TIMESTAMPTZ)
    WHERE active AND player_key BETWEEN $first AND $last AND day >= $base_day::DATE - $days::INTEGER
),
copied AS (SELECT player_key, content_hash FROM came GROUP BY ALL HAVING count(*) > 1),
copies AS ( -- all but the first of each; those of one moment came with the same day
    SELECT back FROM came SEMI JOIN copied USING (player_key, content_hash)
    QUALIFY row_number() OVER (PARTITION BY player_key, content_hash ORDER BY available_at) > 1
)
SELECT 'here' AS kind, 'players' AS name, cohort, back, count(*)::DOUBLE AS n FROM cohorts GROUP BY ALL
UNION ALL SELECT 'had', metric, cohort, back, count(*)::DOUBLE FROM parts GROUP BY ALL
UNION ALL SELECT 'done', metric, cohort, back, sum(n)::DOUBLE FROM parts GROUP BY ALL
UNION ALL SELECT 'play', 'events', cohort, back, sum(n)::DOUBLE FROM play GROUP BY ALL
UNION ALL SELECT 'play', 'players', cohort, back, count(*)::DOUBLE FROM play GROUP BY ALL
UNION ALL SELECT 'sent', 'rows', '', back, count(*)::DOUBLE FROM came WHERE back < $days GROUP BY ALL
UNION ALL SELECT 'sent', 'copies', '', back, count(*)::DOUBLE FROM copies WHERE back < $days GROUP BY ALL
ORDER BY kind, name, cohort, back
