-- Days to the next and since the last entry of `entries` (on, cohort, attributes, known_at, gone_at) for each of `snapshots`
-- (player_key, base_day). `moments` (base_day, moment) says what was known: entries known by then and not called off.
-- A player's cohort is the one they played most in the 28 days before; of attributes the newest records by then and $cut count.
WITH dates AS (
    SELECT DISTINCT m.base_day, e."on", e.cohort, e.attributes
    FROM moments m
    JOIN entries e ON coalesce(e.known_at <= m.moment, true) AND coalesce(e.gone_at > m.moment, true)
),
cohorts AS (
    SELECT s.player_key, s.base_day, d.cohort
    FROM snapshots s
    JOIN known_player_days d ON d.player_key = s.player_key AND d.day BETWEEN s.base_day - 28 AND s.base_day - 1
    WHERE EXISTS (FROM entries WHERE cohort IS NOT NULL)
    GROUP BY s.player_key, s.base_day, d.cohort
    QUALIFY row_number() OVER (PARTITION BY s.player_key, s.base_day ORDER BY sum(d.n) DESC, d.cohort) = 1
),
asked AS (
    SELECT attributes, n, key, attributes ->> ('$."' || key || '"') AS value
    FROM (SELECT attributes, len(json_keys(attributes)) AS n, unnest(json_keys(attributes)) AS key
          FROM (SELECT DISTINCT attributes FROM entries))
),
said AS (
    SELECT s.player_key, s.base_day, k.key, r.attributes ->> ('$."' || k.key || '"') AS value
    FROM snapshots s
    JOIN moments m USING (base_day)
    JOIN player_records r ON r.player_key = s.player_key AND r.available_at <= $cut AND r.recorded_at <= m.moment
    JOIN (SELECT DISTINCT key FROM asked) k ON (r.attributes ->> ('$."' || k.key || '"')) IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY s.player_key, s.base_day, k.key ORDER BY r.recorded_at DESC, r.available_at DESC) = 1
),
fitting AS (
    SELECT said.player_key, said.base_day, asked.attributes
    FROM said JOIN asked USING (key, value)
    GROUP BY said.player_key, said.base_day, asked.attributes
    HAVING count(*) = max(asked.n)
),
theirs AS (
    SELECT s.player_key, s.base_day, e."on"
    FROM snapshots s JOIN dates e USING (base_day) WHERE e.cohort IS NULL AND e.attributes IS NULL
    UNION ALL
    SELECT c.player_key, c.base_day, e."on"
    FROM cohorts c JOIN dates e USING (base_day, cohort) WHERE e.attributes IS NULL
    UNION ALL
    SELECT f.player_key, f.base_day, e."on"
    FROM fitting f JOIN dates e USING (base_day, attributes) LEFT JOIN cohorts c USING (player_key, base_day)
    WHERE e.cohort IS NULL OR e.cohort = c.cohort
)
SELECT s.player_key, s.base_day,
       min(t."on" - s.base_day) FILTER (t."on" >= s.base_day) AS next_calendar_days,
       min(s.base_day - t."on") FILTER (t."on" < s.base_day) AS last_calendar_days
FROM snapshots s
LEFT JOIN theirs t USING (player_key, base_day)
GROUP BY s.player_key, s.base_day
