-- A fitness game's own tables: Workouts (id, userId, score, startedAt, completedWorkout) and, for each workout, RaceConfigs
-- (workoutId, mode, difficulty, startSpeed, duration in seconds). Users and HealthData are read by fitness_players.sql.
--
-- Difficulty is a number in the table: -1 is Expert, 0 to 2 are Easy, Medium and Hard; any other keeps its number. `length` is
-- the planned duration in whole minutes, as a word: with mode and difficulty it says which workouts are comparable.
--
-- Not read: weight and height (personal, and nothing here rests on them). A workout that is delivered again keeps what its first
-- delivery said. What cannot be read as a number stays as it is, so that one bad row is quarantined and the rest goes in.
WITH races AS (
    SELECT CAST(workoutId AS VARCHAR) AS workout, mode, difficulty, startSpeed, duration
    FROM raw_raceconfigs
    QUALIFY row_number() OVER (PARTITION BY CAST(workoutId AS VARCHAR) ORDER BY _delivery_id DESC, _row DESC) = 1
)
SELECT 'workout:' || done.id AS event_id, done.userId AS user_id, 'workout' AS event,
       done.startedAt AS occurred_at,
       json_object('mode', race.mode,
                   'difficulty', CASE TRY_CAST(race.difficulty AS BIGINT)
                                     WHEN -1 THEN 'expert' WHEN 0 THEN 'easy' WHEN 1 THEN 'medium' WHEN 2 THEN 'hard'
                                     ELSE 'level ' || race.difficulty END,
                   'length', CAST(round(TRY_CAST(race.duration AS DOUBLE) / 60) AS BIGINT) || ' min',
                   'minutes', coalesce(to_json(round(TRY_CAST(race.duration AS DOUBLE) / 60, 2)), to_json(race.duration)),
                   'start_speed', coalesce(to_json(TRY_CAST(race.startSpeed AS DOUBLE)), to_json(race.startSpeed)),
                   'score', coalesce(to_json(TRY_CAST(done.score AS BIGINT)), to_json(done.score)),
                   'completed', coalesce(to_json(TRY_CAST(done.completedWorkout AS BOOLEAN)), to_json(done.completedWorkout))
       ) AS properties,
       done._delivery_id, done._row
FROM raw_workouts AS done
LEFT JOIN races AS race ON race.workout = CAST(done.id AS VARCHAR)
