-- Play of the player-days in `touched`, from what was available by a time; 30 minutes without an event end a session.
CREATE OR REPLACE TEMP MACRO active_days_of_touched(known_until) AS TABLE
WITH gaps AS (
    SELECT player_key, day, occurred_at, local_hour, available_at,
           date_diff('second', lag(occurred_at) OVER (PARTITION BY player_key, day ORDER BY occurred_at, sequence, event_id),
                     occurred_at) / 60.0 AS gap_minutes
    FROM events SEMI JOIN touched USING (player_key, day)
    WHERE active AND available_at <= known_until
)
SELECT player_key, day,
       count(*) AS n_events,
       count(*) FILTER (gap_minutes IS NULL OR gap_minutes >= 30) AS n_sessions,
       coalesce(sum(gap_minutes) FILTER (gap_minutes < 30), 0) AS active_minutes,
       min(occurred_at) AS first_at,
       max(occurred_at) AS last_at,
       sum(sin(2 * pi() * local_hour / 24)) AS hour_sin,
       sum(cos(2 * pi() * local_hour / 24)) AS hour_cos,
       max(available_at) AS available_at
FROM gaps
GROUP BY player_key, day;

-- What merged parts come to under a metric's aggregation. A count without events is 0; a best without events is null.
-- Sums are rounded to nine decimals, so that neither the order of adding nor 0.1 + 0.2 decides what reaches a target.
CREATE OR REPLACE TEMP MACRO part_value(agg, n, total, lowest, highest, n_days) AS
    CASE agg WHEN 'count' THEN coalesce(n, 0)::DOUBLE
             WHEN 'entity' THEN coalesce(n, 0)::DOUBLE
             WHEN 'distinct' THEN coalesce(n, 0)::DOUBLE
             WHEN 'days' THEN coalesce(n_days, 0)::DOUBLE
             WHEN 'sum' THEN round(coalesce(total, 0)::DOUBLE, 9)
             WHEN 'max' THEN highest
             WHEN 'streak' THEN highest
             WHEN 'min' THEN lowest
             WHEN 'mean' THEN round(total / nullif(n, 0), 9) END;
