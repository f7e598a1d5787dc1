-- Who signed up when (Users: id, username, createdAt) and their date of birth (HealthData: userId, dob), of which age comes.
-- Names, weight and height are not read.
WITH health AS (
    SELECT CAST(userId AS VARCHAR) AS player, dob FROM raw_healthdata
    QUALIFY row_number() OVER (PARTITION BY CAST(userId AS VARCHAR) ORDER BY _delivery_id DESC, _row DESC) = 1
)
SELECT CAST(person.id AS VARCHAR) AS user_id, person.createdAt AS recorded_at, person.createdAt AS joined_at,
       health.dob AS born_on, person._delivery_id, person._row
FROM raw_users AS person
LEFT JOIN health ON health.player = CAST(person.id AS VARCHAR)
QUALIFY row_number() OVER (PARTITION BY CAST(person.id AS VARCHAR) ORDER BY person._delivery_id DESC, person._row DESC) = 1
