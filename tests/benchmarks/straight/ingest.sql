-- One delivery: load, drop known ids, and add up the player-days that it touches.

CREATE TABLE IF NOT EXISTS events (
    event_id VARCHAR, user_id VARCHAR, event VARCHAR, occurred_at TIMESTAMPTZ, sequence BIGINT, day DATE, local_hour UTINYINT,
    p STRUCT(instrument VARCHAR, mode VARCHAR, difficulty VARCHAR, volume DOUBLE, outcome VARCHAR, won BOOLEAN,
             stop_set BOOLEAN, minutes BIGINT, score BIGINT, course VARCHAR, kind VARCHAR, mate VARCHAR, entry_id VARCHAR),
    properties VARCHAR
);

CREATE OR REPLACE TEMP TABLE new_events AS
SELECT event_id, user_id, event, occurred_at, sequence, CAST(wall - INTERVAL 4 HOUR AS DATE) AS day,
       CAST(hour(wall) AS UTINYINT) AS local_hour,
       from_json(properties, '{"instrument": "VARCHAR", "mode": "VARCHAR", "difficulty": "VARCHAR", "volume": "DOUBLE",
           "outcome": "VARCHAR", "won": "BOOLEAN", "stop_set": "BOOLEAN", "minutes": "BIGINT", "score": "BIGINT",
           "course": "VARCHAR", "kind": "VARCHAR", "mate": "VARCHAR", "entry_id": "VARCHAR"}') AS p, properties
FROM (
    SELECT e.*, timezone(coalesce(timezone, 'America/New_York'), occurred_at) AS wall
    FROM (SELECT DISTINCT ON (event_id) * FROM read_parquet($files)) AS e LEFT JOIN players USING (user_id)
)
ANTI JOIN events USING (event_id);

INSERT INTO events SELECT * FROM new_events ORDER BY occurred_at, sequence, event_id;

CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT user_id, day FROM new_events;

CREATE TABLE IF NOT EXISTS player_days (
    user_id VARCHAR, day DATE, actions BIGINT, sessions BIGINT, minutes DOUBLE, hour_sin DOUBLE, hour_cos DOUBLE,
    protected_trades BIGINT, stops_set BIGINT, journal_entries BIGINT, lessons BIGINT, lesson_minutes BIGINT,
    strong_lessons BIGINT, drills BIGINT, drill_minutes BIGINT, drill_score_sum BIGINT, best_drill_score BIGINT,
    veteran_drills BIGINT, squad_messages BIGINT, trades_closed BIGINT, winning_trades BIGINT, won_sum BIGINT,
    volume_sum DOUBLE, kudos BIGINT
);
DELETE FROM player_days USING touched WHERE player_days.user_id = touched.user_id AND player_days.day = touched.day;
INSERT INTO player_days
SELECT user_id, day, count(*) FILTER (active), count(*) FILTER (active AND (gap IS NULL OR gap >= 30)),
       coalesce(sum(gap) FILTER (active AND gap < 30), 0), sum(sin(2 * pi() * local_hour / 24)) FILTER (active),
       sum(cos(2 * pi() * local_hour / 24)) FILTER (active),
       count(*) FILTER (event = 'trade_closed' AND p.stop_set), count(*) FILTER (event = 'stop_loss_set'),
       count(*) FILTER (event = 'journal_entry'), count(*) FILTER (event = 'lesson_completed'),
       coalesce(sum(p.minutes) FILTER (event = 'lesson_completed'), 0),
       count(*) FILTER (event = 'lesson_completed' AND p.score >= 80), count(*) FILTER (event = 'drill_finished'),
       coalesce(sum(p.minutes) FILTER (event = 'drill_finished'), 0), sum(p.score) FILTER (event = 'drill_finished'),
       max(p.score) FILTER (event = 'drill_finished'),
       count(*) FILTER (event = 'drill_finished' AND p.difficulty = 'veteran' AND p.score >= 600),
       count(*) FILTER (event = 'squad_message'), count(*) FILTER (event = 'trade_closed'),
       count(*) FILTER (event = 'trade_closed' AND p.outcome = 'win'), count(*) FILTER (event = 'trade_closed' AND p.won),
       sum(p.volume) FILTER (event = 'trade_closed'), count(*) FILTER (event = 'kudos_received')
FROM (
    SELECT *, event <> 'kudos_received' AS active,
           date_diff('second', lag(occurred_at) OVER (PARTITION BY user_id, day, event = 'kudos_received'
                                                      ORDER BY occurred_at, sequence, event_id), occurred_at) / 60.0 AS gap
    FROM events SEMI JOIN touched USING (user_id, day)
)
GROUP BY user_id, day
ORDER BY day, user_id;

CREATE TABLE IF NOT EXISTS player_day_keys (user_id VARCHAR, day DATE, metric VARCHAR, key VARCHAR);
DELETE FROM player_day_keys USING touched
WHERE player_day_keys.user_id = touched.user_id AND player_day_keys.day = touched.day;
INSERT INTO player_day_keys
SELECT DISTINCT user_id, day, CASE event WHEN 'trade_closed' THEN 'instruments' WHEN 'drill_finished' THEN 'drill_modes'
                                         ELSE 'mates_helped' END AS metric,
       CASE event WHEN 'trade_closed' THEN p.instrument WHEN 'drill_finished' THEN p.mode ELSE p.mate END AS key
FROM events SEMI JOIN touched USING (user_id, day)
WHERE event IN ('trade_closed', 'drill_finished') OR (event = 'squad_message' AND p.kind = 'help')
ORDER BY day, user_id;
