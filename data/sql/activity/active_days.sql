-- Play of the player-days that `parsed_events` holds; 30 minutes without an event end a session.
WITH gaps AS (
    SELECT player_key, day, occurred_at, local_hour, available_at,
           date_diff('second', lag(occurred_at) OVER (PARTITION BY player_key, day ORDER BY occurred_at),
                     occurred_at) / 60.0 AS gap_minutes
    FROM parsed_events
    WHERE active
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
GROUP BY player_key, day
