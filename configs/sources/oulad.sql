-- Open University Learning Analytics data set (files studentVle, vle, studentAssessment, assessments, studentRegistration).
--
-- Days are offsets from the start of a presentation; no time of day is known, so every event stands at noon of the app's zone.
-- A row of studentVle repeated to the letter is a visit of its own (about one in twelve is): no event_id is made here, so
-- Nightquest tells repeats apart by their count within the delivery. Delivering a table again, longer, adds only what is new.
--
-- Not read: studentInfo (final_result is the future, the rest is personal and no play); assessments carried over from an
-- earlier presentation (is_banked: nothing was done); dates of week_from and week_to (plans).
--
-- What cannot be read as a number becomes null (clicks and scores stay as they are), so that one bad row is quarantined and
-- the rest goes in.
WITH presentations AS (
    SELECT DISTINCT code_module, code_presentation, code_module || '_' || code_presentation AS course,
           make_timestamp(TRY_CAST(left(code_presentation, 4) AS BIGINT),
                          CASE right(code_presentation, 1) WHEN 'B' THEN 2 ELSE 10 END, 1, 12, 0, 0.0) AS starts_at
    FROM raw_studentregistration
),
sites AS (
    SELECT TRY_CAST(id_site AS BIGINT) AS id_site, min(activity_type) AS activity FROM raw_vle GROUP BY TRY_CAST(id_site AS BIGINT)
),
tasks AS (
    SELECT DISTINCT TRY_CAST(id_assessment AS BIGINT) AS id_assessment, assessment_type, code_module, code_presentation
    FROM raw_assessments
),
registrations AS (
    SELECT TRY_CAST(id_student AS BIGINT) AS id_student, code_module, code_presentation,
           TRY_CAST(date_registration AS INTEGER) AS registered, TRY_CAST(date_unregistration AS INTEGER) AS unregistered,
           _delivery_id, _row
    FROM raw_studentregistration
    QUALIFY row_number() OVER (PARTITION BY id_student, code_module, code_presentation ORDER BY _delivery_id DESC, _row DESC) = 1
)
SELECT NULL AS event_id, TRY_CAST(visit.id_student AS BIGINT) AS user_id, 'view' AS event,
       starts_at + to_days(TRY_CAST(visit.date AS INTEGER)) AS occurred_at,
       json_object('clicks', coalesce(to_json(TRY_CAST(visit.sum_click AS BIGINT)), to_json(visit.sum_click)),
                   'site', CAST(TRY_CAST(visit.id_site AS BIGINT) AS VARCHAR), 'activity', sites.activity, 'course', course) AS properties,
       visit._delivery_id, visit._row
FROM raw_studentvle AS visit
JOIN presentations USING (code_module, code_presentation)
LEFT JOIN sites ON sites.id_site = TRY_CAST(visit.id_site AS BIGINT)

UNION ALL

SELECT 'assessment:' || TRY_CAST(done.id_assessment AS BIGINT) || ':' || TRY_CAST(done.id_student AS BIGINT),
       TRY_CAST(done.id_student AS BIGINT), 'assessment', starts_at + to_days(TRY_CAST(done.date_submitted AS INTEGER)),
       json_object('score', coalesce(to_json(TRY_CAST(done.score AS DOUBLE)), to_json(done.score)),
                   'assessment_id', CAST(TRY_CAST(done.id_assessment AS BIGINT) AS VARCHAR), 'kind', assessment_type, 'course', course),
       done._delivery_id, done._row
FROM raw_studentassessment AS done
JOIN tasks ON tasks.id_assessment = TRY_CAST(done.id_assessment AS BIGINT)
JOIN presentations USING (code_module, code_presentation)
WHERE TRY_CAST(done.is_banked AS INTEGER) = 0

UNION ALL

SELECT 'registered:' || course || ':' || id_student, id_student, 'registered', starts_at + to_days(registered),
       json_object('course', course), _delivery_id, _row
FROM registrations
JOIN presentations USING (code_module, code_presentation)
WHERE registered IS NOT NULL

UNION ALL

SELECT 'unregistered:' || course || ':' || id_student, id_student, 'unregistered', starts_at + to_days(unregistered),
       json_object('course', course), _delivery_id, _row
FROM registrations
JOIN presentations USING (code_module, code_presentation)
WHERE unregistered IS NOT NULL
