-- When did each window in `windows` (window_id, player_key, metric, start_day, end_day, target, op) reach its target?
-- $metrics, $first and $last say again which metrics and days: what is told as constants is read no further.
WITH steps AS (
    SELECT w.window_id, w.target, w.op, m.agg, e.occurred_at, e.sequence, e.event_id, e.value,
           row_number() OVER (PARTITION BY w.window_id, e.key ORDER BY e.occurred_at, e.sequence, e.event_id) = 1 AS new_key,
           row_number() OVER (PARTITION BY w.window_id, e.day ORDER BY e.occurred_at, e.sequence, e.event_id) = 1 AS new_day
    FROM windows w
    JOIN metrics m ON m.metric = w.metric
    JOIN known_metric_events e ON e.player_key = w.player_key AND e.metric = w.metric AND e.day BETWEEN w.start_day AND w.end_day
    WHERE e.day BETWEEN $first::DATE AND $last::DATE AND list_contains($metrics::VARCHAR[], e.metric)
),
running AS (
    SELECT window_id, target, op, occurred_at, sequence, event_id,
           part_value(agg, count(*) OVER w, sum(value) OVER w, min(value) OVER w, max(value) OVER w,
                      sum(new_day::INTEGER) OVER w, sum(new_key::INTEGER) OVER w) AS reached
    FROM steps
    WINDOW w AS (PARTITION BY window_id ORDER BY occurred_at, sequence, event_id ROWS UNBOUNDED PRECEDING)
)
SELECT window_id, occurred_at AS crossed_at, event_id
FROM running
WHERE CASE op WHEN '<=' THEN reached <= target ELSE reached >= target END
QUALIFY row_number() OVER (PARTITION BY window_id ORDER BY occurred_at, sequence, event_id) = 1
