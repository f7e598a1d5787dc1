-- The one predicate's left side, for labels and for settlement alike: what a metric came to within whole local days.
-- Input: `windows` (window_id, player_key, metric, start_day, end_day). One row per window; value is null for a
-- metric without a value (a best score when nothing was scored).
-- $first and $last say again which days: what is told as constants is read no further, and how much there is is foreseen.
WITH spans AS (SELECT DISTINCT player_key, start_day, end_day FROM windows),
days AS (FROM known_player_days WHERE day BETWEEN $first::DATE AND $last::DATE),
day_keys AS (FROM known_player_day_keys WHERE day BETWEEN $first::DATE AND $last::DATE),
played AS (
    SELECT s.player_key, s.start_day, s.end_day, count(*) AS active_days
    FROM spans s JOIN known_active_days d ON d.player_key = s.player_key AND d.day BETWEEN s.start_day AND s.end_day
    GROUP BY ALL
),
parts AS (
    SELECT w.window_id, sum(d.n) AS n, sum(d.sum) AS sum, min(d.min) AS min, max(d.max) AS max,
           count(DISTINCT d.day) AS days
    FROM windows w
    JOIN days d ON d.player_key = w.player_key AND d.metric = w.metric AND d.day BETWEEN w.start_day AND w.end_day
    GROUP BY w.window_id
),
keys AS (
    SELECT w.window_id, count(DISTINCT d.key) AS n_keys
    FROM windows w
    JOIN day_keys d
      ON d.player_key = w.player_key AND d.metric = w.metric AND d.day BETWEEN w.start_day AND w.end_day
    GROUP BY w.window_id
)
SELECT w.window_id,
       part_value(m.agg, p.n, p.sum, p.min, p.max, p.days, k.n_keys) AS value,
       a.active_days IS NOT NULL AS played
FROM windows w
LEFT JOIN metrics m ON m.metric = w.metric
LEFT JOIN parts p ON p.window_id = w.window_id
LEFT JOIN keys k ON k.window_id = w.window_id
LEFT JOIN played a ON a.player_key = w.player_key AND a.start_day = w.start_day AND a.end_day = w.end_day
