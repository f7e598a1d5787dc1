-- The tables of an open university as typed events, with the joins of configs/sources/oulad.sql, and a course's player-days.

CREATE TEMP TABLE presentations AS
SELECT DISTINCT code_module, code_presentation, code_module || '_' || code_presentation AS course,
       make_date(left(code_presentation, 4)::BIGINT, if(right(code_presentation, 1) = 'B', 2, 10), 1) AS starts
FROM read_parquet($folder || '/studentRegistration.parquet');

CREATE TABLE events AS
SELECT 'row:' || row_number() OVER () AS event_id, visit.id_student::VARCHAR AS user_id, 'view' AS event, starts + visit.date AS day,
       course, visit.sum_click AS clicks, visit.id_site::VARCHAR AS site, activity_type AS activity, NULL::DOUBLE AS score
FROM read_parquet($folder || '/studentVle.parquet') AS visit
JOIN presentations USING (code_module, code_presentation)
LEFT JOIN read_parquet($folder || '/vle.parquet') AS sites USING (id_site);

INSERT INTO events
SELECT 'assessment:' || done.id_assessment::BIGINT || ':' || done.id_student::BIGINT, done.id_student::BIGINT, 'assessment',
       starts + done.date_submitted::INTEGER,
       course, NULL, NULL, assessment_type, done.score
FROM read_parquet($folder || '/studentAssessment.parquet') AS done
JOIN read_parquet($folder || '/assessments.parquet') AS tasks USING (id_assessment)
JOIN presentations USING (code_module, code_presentation)
WHERE done.is_banked = 0;

INSERT INTO events
SELECT kind || ':' || course || ':' || id_student::BIGINT, id_student::BIGINT, kind, starts + on_day::INTEGER, course, NULL, NULL, NULL, NULL
FROM (FROM read_parquet($folder || '/studentRegistration.parquet')
      UNPIVOT (on_day FOR kind IN (date_registration AS registered, date_unregistration AS unregistered)))
JOIN presentations USING (code_module, code_presentation);

CREATE TABLE player_days AS
SELECT user_id, day, course, count(*) FILTER (event = 'view') AS page_visits, sum(clicks) AS clicks,
       sum(clicks) FILTER (activity = 'oucontent') AS content_clicks, sum(clicks) FILTER (activity = 'forumng') AS forum_clicks,
       sum(clicks) FILTER (activity = 'quiz') AS quiz_clicks, sum(clicks) FILTER (activity IN ('resource', 'url')) AS resource_clicks,
       count(*) FILTER (event = 'assessment') AS submitted, max(score) AS best_score, sum(score) AS score_sum,
       count(*) FILTER (score >= 40) AS passed, count(*) FILTER (score >= 85) AS distinctions
FROM events
WHERE event IN ('view', 'assessment')
GROUP BY ALL
ORDER BY day, user_id;

CREATE TABLE player_day_keys AS
SELECT user_id, day, site, count(*) AS visits, bool_or(activity IN ('oucontent', 'resource', 'url')) AS of_study
FROM events
WHERE event = 'view'
GROUP BY ALL
ORDER BY day, user_id;
