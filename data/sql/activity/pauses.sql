-- Local days on which players paused, as known by a time: from the day of a `nightquest.paused` on, for so many `days`, or
-- until the day before the next `nightquest.resumed`. player_key, first_day, last_day; several may overlap.
CREATE OR REPLACE TEMP MACRO pauses_known(known_until) AS TABLE
SELECT player_key, day AS first_day, last_day
FROM (
    SELECT player_key, day, event,
           least(coalesce(day - 1 + (properties ->> '$.days')::INTEGER, DATE '9999-12-31'),
                 coalesce(min(CASE WHEN event = 'nightquest.resumed' THEN day - 1 END) OVER later, DATE '9999-12-31'))
               AS last_day
    FROM reserved_at(known_until)
    WHERE event IN ('nightquest.paused', 'nightquest.resumed')
    WINDOW later AS (PARTITION BY player_key ORDER BY occurred_at, sequence, event, event_id
                     ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)
)
WHERE event = 'nightquest.paused' AND last_day >= day;
