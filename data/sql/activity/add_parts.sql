-- Add the parts of the player-days in `touched` (player_key, day), which have none, from the events, which `parsed_events` holds:
-- {{days}} and {{keys}} are what they and `derived_parts` bring (pipelines.activity.metric_sql.Parsed), {{active_days}} is
-- active_days.sql.

-- While they are added up and sorted, names are numbers in the order of names.
CREATE OR REPLACE TEMP TYPE metric_name AS ENUM (SELECT metric FROM metrics ORDER BY metric);

CREATE OR REPLACE TEMP TYPE cohort_name AS ENUM (
    SELECT cohort FROM (
        SELECT cohort FROM parsed_events UNION SELECT cohort FROM derived_events SEMI JOIN touched USING (player_key, day)
        UNION SELECT 'all')
    ORDER BY cohort
);

ALTER TABLE parsed_events ALTER cohort TYPE cohort_name;

CREATE OR REPLACE TEMP TABLE derived_parts AS
SELECT * REPLACE (cohort::cohort_name AS cohort) FROM derived_events SEMI JOIN touched USING (player_key, day);

INSERT INTO player_days
SELECT player_key, day, cohort, metric::metric_name AS metric,
       count(*), sum(value), min(value), max(value), max(available_at)
FROM ({days})
GROUP BY ALL
ORDER BY day, player_key, metric, cohort;

INSERT INTO player_day_keys
SELECT player_key, day, metric::metric_name AS metric, key, count(*), max(available_at)
FROM ({keys})
GROUP BY ALL
ORDER BY day, player_key, metric, key;

INSERT INTO active_days
SELECT player_key, day, n_events, n_sessions, active_minutes, first_at, last_at, hour_sin, hour_cos, available_at
FROM ({active_days})
ORDER BY day, player_key;
