-- Deadlines of the Open University: the days on which assessments are due, as offsets from the start of a presentation. Quizzes that
-- close on one day are one date; an exam without a day is on the last of the presentation (file courses). A course's plan is
-- handed out before it starts; when is not told, so it is known from the first day on.
WITH presentations AS (
    SELECT DISTINCT code_module, code_presentation, code_module || '_' || code_presentation AS course,
           make_date(TRY_CAST(left(code_presentation, 4) AS BIGINT), CASE right(code_presentation, 1) WHEN 'B' THEN 2 ELSE 10 END, 1)
               AS starts,
           TRY_CAST(module_presentation_length AS INTEGER) AS length
    FROM raw_courses
),
due AS (
    SELECT course, starts, assessment_type, coalesce(TRY_CAST(date AS INTEGER), length) AS day,
           min(TRY_CAST(id_assessment AS BIGINT)) AS first_id, max(_delivery_id) AS _delivery_id, max(_row) AS _row
    FROM raw_assessments JOIN presentations USING (code_module, code_presentation)
    WHERE assessment_type = 'Exam' OR TRY_CAST(date AS INTEGER) IS NOT NULL
    GROUP BY course, starts, assessment_type, coalesce(TRY_CAST(date AS INTEGER), length)
)
SELECT CASE assessment_type
           WHEN 'Exam' THEN 'Final exam'
           WHEN 'CMA' THEN 'Quizzes close'
           ELSE 'Assignment ' || row_number() OVER (PARTITION BY course, assessment_type ORDER BY day, first_id)
       END AS title,
       CASE assessment_type WHEN 'Exam' THEN 'exam' ELSE 'deadline' END AS kind,
       starts + day AS starts_on, course AS cohort, starts AS known_at, _delivery_id, _row
FROM due
