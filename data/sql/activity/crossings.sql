-- When did each window in `windows` (window_id, player_key, metric, start_day, end_day, target, op) reach its target?
WITH steps AS (
    SELECT w.window_id, w.target, w.op, m.agg, e.occurred_at, e.sequence, e.event_id, e.value,
           CASE m.agg WHEN 'distinct' THEN (row_number() OVER (PARTITION BY w.window_id, e.key ORDER BY e.occurred_at, e.sequence, e.event_id) = 1)::INTEGER
                      WHEN 'days' THEN (row_number() OVER (PARTITION BY w.window_id, e.day ORDER BY e.occurred_at, e.sequence, e.event_id) = 1)::INTEGER
                      WHEN 'sum' THEN e.value
                      ELSE 1 END AS step
    FROM windows w
    JOIN metrics m ON m.metric = w.metric
    JOIN known_metric_events e ON e.player_key = w.player_key AND e.metric = w.metric AND e.day BETWEEN w.start_day AND w.end_day
),
running AS (
    SELECT window_id, target, op, occurred_at, sequence, event_id,
           CASE agg WHEN 'max' THEN max(value) OVER w WHEN 'min' THEN min(value) OVER w 
                WHEN 'sum' THEN round(sum(step) OVER w, 9) ELSE sum(step) OVER w END AS reached
    FROM steps
    WINDOW w AS (PARTITION BY window_id ORDER BY occurred_at, sequence, event_id ROWS UNBOUNDED PRECEDING)
)
SELECT window_id, occurred_at AS crossed_at, event_id
FROM running
WHERE CASE op WHEN '<=' THEN reached <= target ELSE reached >= target END
QUALIFY row_number() OVER (PARTITION BY window_id ORDER BY occurred_at, sequence, event_id) = 1
