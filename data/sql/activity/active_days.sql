-- Play of the player-days that `parsed_events` holds; 30 minutes without an event end a session. Within half an hour of the
-- clock none ends, so that events are put together by those before they are sorted.
WITH halves AS (
    SELECT player_key, day, local_hour, count(*) AS n, min(occurred_at) AS first_at, max(occurred_at) AS last_at,
           max(available_at) AS available_at
    FROM parsed_events
    WHERE active
    GROUP BY player_key, day, local_hour, epoch_us(occurred_at) // 1_800_000_000
),
gaps AS (
    SELECT *, date_diff('second', lag(last_at) OVER (PARTITION BY player_key, day ORDER BY first_at), first_at) AS gap_s
    FROM halves
)
SELECT player_key, day,
       sum(n)::BIGINT AS n_events,
       count(*) FILTER (gap_s IS NULL OR gap_s >= 1800) AS n_sessions,
       (date_diff('second', min(first_at), max(last_at)) - coalesce(sum(gap_s) FILTER (gap_s >= 1800), 0)) / 60 AS active_minutes,
       min(first_at) AS first_at,
       max(last_at) AS last_at,
       sum(n * sin(2 * pi() * local_hour / 24)) AS hour_sin,
       sum(n * cos(2 * pi() * local_hour / 24)) AS hour_cos,
       max(available_at) AS available_at
FROM gaps
GROUP BY player_key, day
